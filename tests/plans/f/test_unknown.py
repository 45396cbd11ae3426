"""What plan F cannot tell is UNKNOWN: neither trouble nor health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drcore.plans import f
from drcore.plans.f.facts import FRun
from drcore.plans.f.health import Rate, Signals, Synthetic
from drcore.plans.f.p4_verify import Health
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes
from drcore.services.lambda_ import Provisioned
from tests.support.lone_run import NINE, Look, lone_run, must_not_be_told

API = Rate("the API", 10_000, 0.0, 100.0)
WELL = Signals((), (), API, "")
NO_TRAFFIC, NO_ANSWER = replace(WELL, api=replace(API, requests=0, error_percent=None)), replace(WELL, bug=None)
HEALTHY = Health(WELL, Synthetic(3, 3), GoodMinutes(NINE, NINE, None, NINE), GoodLooks())

LOOKS = {
    "detect, no traffic": Look(f.DETECT.expect, WELL, NO_TRAFFIC, "no traffic was measured"),
    "detect, an alarm without data": Look(f.DETECT.expect, WELL, replace(WELL, doubt="one is silent"), "one is silent"),
    "detect, the bug's check": Look(f.DETECT.expect, WELL, NO_ANSWER, "the critical-bug check"),
    "warm, a new state": Look(f.PROVISIONED.expect, Provisioned(4, 4, "READY"), Provisioned(4, 4, "PAUSED"), "PAUSED"),
    "verify, no alarm": Look(
        f.VERIFY.expect, HEALTHY, replace(HEALTHY, signals=replace(WELL, unwatched="no alarm")), "no alarm: that is not"
    ),
    "verify, the bug's check": Look(
        f.VERIFY.expect, HEALTHY, replace(HEALTHY, signals=NO_ANSWER), "the critical-bug check"
    ),
    "verify, no traffic": Look(f.VERIFY.expect, HEALTHY, replace(HEALTHY, signals=NO_TRAFFIC), "0 requests"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FRun]:
    with lone_run(f.PLAN, tmp_path_factory.mktemp("f")) as run:
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: FRun, look: Look) -> None:
    must_not_be_told(run, look)
