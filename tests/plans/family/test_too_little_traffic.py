"""No traffic, or too few requests, is never health: where a plan judges traffic, its goal is UNKNOWN then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from drcore.engine.outcome import Answer
from drcore.parameters import Mode
from drcore.plans import find
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Points
from tests.support.stage import PLANS, Stage, staged

# Plan C judges crash rates (tests/plans/c/test_crash_rates.py), plan E whether writes are taken: neither is traffic.
FEW, NONE = "too few requests", "no traffic"
CASES = [*((plan, FEW) for plan in "abdfg"), *((plan, NONE) for plan in "abdfg")]
NOT_BY_TRAFFIC = "ce"
WELL: dict[str, set[Answer]] = {}  # what the plans say of the world as it is, each asked once
HUGE: dict[str, object] = {"minimum_sample": 10**9}


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A sandbox in which nothing is broken."""
    with staged(tmp_path_factory.mktemp("well")) as stage:
        yield stage


def answers(stage: Stage, plan: str, facts: dict[str, object]) -> list[tuple[Answer, str]]:
    """What the plan's goal says of each of its targets, now."""
    run = stage.open(stage.prepare(find(plan), Mode.REHEARSE, facts=facts)).run
    goal = find(plan).goal
    seen = [goal.expect(run, target, goal.look(run, target)) for target in goal.targets(run)]
    return [(check.answer, check.why) for check in seen]


def test_every_plan_says_whether_it_judges_traffic() -> None:
    assert {plan for plan, _ in CASES} | {*NOT_BY_TRAFFIC} == {plan.id for plan in PLANS}


@pytest.mark.parametrize(("plan", "how"), CASES, ids=[f"{plan}-{how.replace(' ', '-')}" for plan, how in CASES])
def test_too_little_traffic_is_unknown(well: Stage, monkeypatch: pytest.MonkeyPatch, plan: str, how: str) -> None:
    if plan not in WELL:
        WELL[plan] = {answer for answer, _ in answers(well, plan, {})}
    assert WELL[plan] == {Answer.YES}, "as it is, all is well"
    if how == NONE:
        really = cloudwatch.minutes

        def empty(*asked: Any) -> tuple[Points, ...]:
            return tuple(points.within(asked[4], asked[4]) for points in really(*asked))

        monkeypatch.setattr(cloudwatch, "minutes", empty)
    found = answers(well, plan, HUGE if how == FEW else {})
    assert {answer for answer, _ in found} == {Answer.UNKNOWN}, found
