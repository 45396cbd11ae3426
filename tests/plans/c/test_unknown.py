"""What plan C cannot tell is UNKNOWN: neither a bug nor a version that is good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drcore.plans import c
from drcore.plans.c.crash_rates import EXPORT, CrashRate
from drcore.plans.c.facts import CRun
from drcore.plans.c.loss_reports import LossReports
from drcore.plans.c.p1_detect import NewVersion
from drcore.plans.c.p5_replace import Recovery
from drcore.plans.c.p6_verify import Adopted
from drcore.plans.c.stores import PLAY
from drcore.services.play.recovery import RecoveryAction
from tests.support.lone_run import NINE, Look, lone_run, must_not_be_told

GOOD = CrashRate(EXPORT, 1_000_000, 0, 0.0, 0.0, 0.001, NINE)
NOBODY = CrashRate(EXPORT)
NO_REPORT, NO_DESK = LossReports(0), LossReports(0, "no desk answers")
NEW = NewVersion("3.1", NINE, (GOOD,), NO_REPORT)
ADOPTED = Adopted("3.2", "3.1", ("3.2",), GOOD, NO_REPORT, 1.0)
ACTIVE = Recovery("3.1", RecoveryAction("1", "ACTIVE"))

LOOKS = {
    "detect, no word of lost data": Look(c.DETECT.expect, NEW, replace(NEW, lost_data=NO_DESK), "no desk answers"),
    "detect, nobody was seen": Look(c.DETECT.expect, NEW, replace(NEW, sources=(NOBODY,)), "nobody was seen"),
    "recover, a new status": Look(
        c.RECOVER.expect, ACTIVE, replace(ACTIVE, action=RecoveryAction("1", "PAUSED")), "1 is PAUSED"
    ),
    "verify, no rate": Look(
        c.VERIFY.expect, ADOPTED, replace(ADOPTED, rate=replace(NOBODY, missing="no export")), "no export"
    ),
    "verify, no word of lost data": Look(
        c.VERIFY.expect, ADOPTED, replace(ADOPTED, lost_data=NO_DESK), "no desk answers"
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CRun]:
    with lone_run(c.PLAN, tmp_path_factory.mktemp("c")) as run:
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: CRun, look: Look) -> None:
    must_not_be_told(run, replace(look, at=PLAY))
