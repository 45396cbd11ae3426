"""The ARNs of what plan A acts on; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place
from drcore.plans.a.facts import Facts

At: TypeAlias = Place[Facts]


def zone(at: At) -> Iterator[str]:
    """The hosted zone with the record."""
    yield f"arn:aws:route53:::hostedzone/{at.facts.zone}"


def checks(at: At) -> Iterator[str]:
    """The health checks of the regions."""
    return (f"arn:aws:route53:::healthcheck/{each}" for each in at.facts.health_checks.values())


def controls(at: At) -> Iterable[str]:
    """The routing controls of the regions; none where there is no ARC cluster."""
    return at.facts.arc.controls.values() if at.facts.arc else ()


def levers(at: At) -> Iterator[str]:
    """The objects that keep a region out."""
    return at.everywhere_in_buckets(at.facts.levers.bucket, at.facts.levers.key)


def table(at: At) -> Iterator[str]:
    """The table with the canary."""
    return at.everywhere("dynamodb", f"table/{at.facts.table}")
