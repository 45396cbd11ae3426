"""The ARNs of what plan D reads that AWS's `ReadOnlyAccess` has not; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.permissions import Place
from drcore.plans.d.facts import Facts


def credentials(at: Place[Facts]) -> Iterator[str]:
    """The credentials by which we are known to the partners: probes of ours ask with them."""
    for partner in at.facts.partners.values():
        yield from at.secret(partner.credential)
