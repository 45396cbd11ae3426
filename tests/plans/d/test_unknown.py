"""What plan D cannot tell is UNKNOWN: no word of a partner is no word that it is well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drcore.engine.outcome import Target
from drcore.plans import d
from drcore.plans.d.facts import DRun
from drcore.plans.d.p4_verify import Paused, Spared
from drcore.plans.d.p5_monitor import Watched
from drcore.plans.d.p6_let_in import Backlog, Drained
from drcore.plans.d.p7_close import LeftBehind, PauseCost
from drcore.plans.d.partner_signals import OPERATIONAL, OperationRate, PageSays, PartnerSignals, ProbeCount
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes
from tests.support.lone_run import NINE, Look, lone_run, must_not_be_told

PARTNER = Target("us-west-2", "strideon")
CALLS = OperationRate("us-west-2", "push", 10_000, 0.0, 100.0)
PROBED, PAGE, UNREAD = ProbeCount(3, 3, 0), PageSays({"API": OPERATIONAL}), PageSays(unread="it cannot be read")
WELL = PartnerSignals((CALLS,), 0, PROBED, PAGE)
OFF = Paused("strideon", 5, 5, 5, 0, 0, 0, 100.0)
SPARED = Spared((OFF,), (), (), (), GoodMinutes(NINE, NINE, None, NINE), GoodLooks())
WATCHED = Watched(True, PROBED, PAGE)
DRAINED = Backlog("strideon", 0, 0, 0)
CLOSED = LeftBehind((), (PauseCost("strideon", 3, 0),), NINE, None, None)

LOOKS = {
    "detect, no word of calls": Look(
        d.DETECT.expect, WELL, replace(WELL, rates=(CALLS, replace(CALLS, calls=None))), "no word of our workers' calls"
    ),
    "detect, no page": Look(d.DETECT.expect, WELL, replace(WELL, page=UNREAD), "it cannot be read"),
    "verify, a partner not measured": Look(
        d.VERIFY.expect, SPARED, replace(SPARED, unmeasured=("strideon",)), "not measured: strideon"
    ),
    "verify, few calls": Look(d.VERIFY.expect, SPARED, replace(SPARED, few=("nutrilog",)), "too few calls to nutrilog"),
    **{
        f"verify, {name} not measured": Look(
            d.VERIFY.expect, SPARED, replace(SPARED, paused=(part,)), "not measured: strideon"
        )
        for name, part in {
            "calls": replace(OFF, calls=None),
            "what waits": replace(OFF, waiting=None),
            "what was lost": replace(OFF, lost=None),
            "the banner": replace(OFF, shown_percent=None),
        }.items()
    },
    "monitor, no page": Look(d.MONITOR.expect, WATCHED, replace(WATCHED, page=UNREAD), "it cannot be read"),
    **{
        f"backlog, {name} not measured": Look(d.BACKLOG.expect, Drained((DRAINED,)), Drained((part,)), "not measured")
        for name, part in {
            "what waits": replace(DRAINED, waiting=None),
            "what was throttled": replace(DRAINED, throttled=None),
            "what was lost": replace(DRAINED, lost=None),
        }.items()
    },
    "close, how many were lost": Look(
        d.CLOSE.expect, CLOSED, replace(CLOSED, costs=(PauseCost("strideon", 3, None),)), "an unknown number of lost"
    ),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DRun]:
    with lone_run(d.PLAN, tmp_path_factory.mktemp("d")) as run:
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: DRun, look: Look) -> None:
    must_not_be_told(run, replace(look, at=PARTNER))
