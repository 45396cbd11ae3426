"""Words for a phrase of consent: the blast radius, as resolved now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from drcore.engine.outcome import Target

S = TypeVar("S")


def blast_radius(targets: Iterable[Target]) -> str:
    """`syncwell-api in us-east-1, syncwell-api in us-west-2`: each target once."""
    return ", ".join(map(str, targets))


def by_region(states: Mapping[Target, S], words: Callable[[Target, S], str]) -> str:
    """`41→42 in us-east-1, 41→43 in us-west-2`: what the words say of each target, with its region."""
    return ", ".join(f"{words(target, state)} in {target.region}" for target, state in states.items())


def region_names(targets: Iterable[Target]) -> str:
    """`us-east-1, us-west-2`: each region of the targets once."""
    return ", ".join(dict.fromkeys(target.region for target in targets))
