"""The secrets that hold users' tokens, as a region lists them: a region that lists none is not believed."""

from __future__ import annotations

from collections.abc import Iterator

from drcore.errors import Unknown
from drcore.plans.e.facts import ERun
from drcore.services import secretsmanager
from drcore.services.secretsmanager import ListedSecret


def token_secrets(run: ERun, region: str) -> Iterator[ListedSecret]:
    """Those that are written there, and the copies, page by page. The preflight has seen that there are some.

    Raises Rejected; Unknown, also where there are none: an empty list is no proof that nothing gives out old tokens.
    """
    prefix, found = run.facts.tokens.prefix, False
    for each in secretsmanager.listed(run.aws, region, prefix):
        found = True
        yield each
    if not found:
        raise Unknown(f"secretsmanager in {region}: expected secrets that begin with {prefix}, seen none")
