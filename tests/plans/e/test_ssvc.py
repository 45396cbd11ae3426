"""CISA's decision by SSVC: every combination has a level, worse never decides milder; CVSS 4.0 beside it."""

from __future__ import annotations

from itertools import product

import pytest

from drcore.errors import Unknown
from drcore.plans.e import ssvc

EVERY = list(product(*ssvc.POINTS.values()))


def test_every_combination_should_have_a_level() -> None:
    assert len(EVERY) == 36
    assert {ssvc.level(*each) for each in EVERY} == set(ssvc.LEVELS)


@pytest.mark.parametrize("point", range(4))
def test_what_is_worse_at_one_point_should_never_be_milder(point: int) -> None:
    known = list(ssvc.POINTS.values())[point]
    for each in EVERY:
        place = known.index(each[point])
        if place + 1 < len(known):
            worse = (*each[:point], known[place + 1], *each[point + 1 :])
            assert ssvc.LEVELS.index(ssvc.level(*worse)) >= ssvc.LEVELS.index(ssvc.level(*each)), (each, worse)


@pytest.mark.parametrize(
    ("given", "level"),
    [
        (("active", "yes", "total", "high"), "act"),
        (("active", "no", "total", "medium"), "attend"),
        (("public poc", "yes", "total", "high"), "attend"),
        (("public poc", "no", "partial", "high"), "track*"),
        (("none", "no", "partial", "high"), "track"),
    ],
)
def test_levels_should_be_those_of_cisas_table(given: tuple[str, str, str, str], level: str) -> None:
    assert ssvc.level(*given) == level


def test_a_value_that_no_point_has_should_be_unknown_and_named() -> None:
    with pytest.raises(Unknown, match="automatable: expected one of no, yes, seen 'perhaps'"):
        ssvc.level("active", "perhaps", "total", "high")


def test_a_vector_should_be_scored_or_unknown() -> None:
    assert ssvc.score("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H") == (10.0, "Critical")
    for wrong in ("", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "high"):
        with pytest.raises(Unknown, match=r"CVSS: expected a vector of version 4\.0"):
            ssvc.score(wrong)


def test_the_decision_points_should_fit_into_one_line() -> None:
    assert ssvc.vector("active", "yes", "total", "high") == "SSVCv2/E:A/A:Y/T:T/M:H"
