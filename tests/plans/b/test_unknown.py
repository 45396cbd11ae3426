"""What plan B cannot tell is UNKNOWN: neither trouble nor health, and no lever is pulled by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drcore.plans import b
from drcore.plans.b.decided_remedy import Way
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.plans.b.health import AiSignals
from drcore.plans.b.p1_detect import Degradation
from drcore.plans.b.p2_decide import RemedyDecision
from drcore.plans.b.p3_component import ComponentSeen, component_has_settled
from drcore.plans.b.p3_quota import QuotaSeen
from drcore.plans.b.p4_verify import AiHealth
from drcore.plans.shared.good_minutes import GoodMinutes
from drcore.services.sagemaker import ModelComponent
from drcore.services.servicequotas import ServiceQuota
from tests.support.lone_run import EAST, NINE, WEST, Look, lone_run, must_not_be_told, saw

WELL = AiSignals((), 10_000, 0.0, 0.0, 10_000, 0.0, 100.0, 10_000, 0.0)
NO_CONFLICT = replace(WELL, conflicts=0, fallback_percent=None)
BORNE = Degradation(NINE, 10_000, 0, 10_000, 0, 100, 100)
HEALTHY = AiHealth(WELL, GoodMinutes(NINE, NINE, None, NINE), "")
OLD = ModelComponent("component", "InService", "old", 2, 2)
COMPONENT = Way(AiRemedy.COMPONENT, recommended="it", models={WEST.region: "old"})  # the other region was not looked at
QUOTA = Way(AiRemedy.QUOTA, recommended="it")

LOOKS = {
    "detect, no conflict": Look(b.DETECT.expect, WELL, NO_CONFLICT, "0 conflicts were measured"),
    "detect, an alarm without data": Look(b.DETECT.expect, WELL, replace(WELL, doubt="one is silent"), "one is silent"),
    "graceful, no harm to be seen yet": Look(
        b.GRACEFUL.expect, BORNE, Degradation(None, 0, 0, 0, 0, 0, 0), "no minute", moments=("detected",)
    ),
    "graceful, no job before": Look(b.GRACEFUL.expect, BORNE, replace(BORNE, jobs_before=0), "too few to compare"),
    "graceful, few jobs": Look(b.GRACEFUL.expect, BORNE, Degradation(NINE, 20, 0, 20, 1, 9, 9), "chance or harm"),
    "verify, no alarm": Look(
        b.VERIFY.expect, HEALTHY, replace(HEALTHY, signals=replace(WELL, unwatched="no alarm")), "no alarm: that is not"
    ),
    "verify, no conflict": Look(b.VERIFY.expect, HEALTHY, replace(HEALTHY, signals=NO_CONFLICT), "0 conflicts"),
}
LEVERS = {
    "component, not read": (COMPONENT, Look(b.COMPONENT.expect, ComponentSeen(OLD), ComponentSeen(None), "not read")),
    "component, not decided for a region": (
        COMPONENT,
        Look(b.COMPONENT.expect, ComponentSeen(OLD), ComponentSeen(OLD), "no model was chosen", there=EAST),
    ),
    "component, a new status": (
        COMPONENT,
        Look(b.COMPONENT.expect, ComponentSeen(OLD), ComponentSeen(replace(OLD, status="Paused")), "Paused"),
    ),
    "settled, not read": (COMPONENT, Look(component_has_settled, OLD, None, "not read")),
    "settled, a new status": (COMPONENT, Look(component_has_settled, OLD, replace(OLD, status="Paused"), "Paused")),
    "quota, not read": (
        QUOTA,
        Look(b.QUOTA.expect, QuotaSeen(ServiceQuota(10**9, 0, "")), QuotaSeen(None), "was not read"),
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BRun]:
    with lone_run(b.PLAN, tmp_path_factory.mktemp("b")) as run:
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: BRun, look: Look) -> None:
    must_not_be_told(run, look)


@pytest.mark.parametrize(("way", "look"), LEVERS.values(), ids=LEVERS)
def test_a_lever_should_be_unknown_where_its_thing_cannot_be_told(run: BRun, way: Way, look: Look) -> None:
    saw(run, b.DECIDE.name, RemedyDecision("", way.remedy, (way,)))
    must_not_be_told(run, look)
