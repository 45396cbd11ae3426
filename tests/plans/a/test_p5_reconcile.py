"""Plan A, phase 5: what comes late when the region is back."""

from __future__ import annotations

from drcore.plans import a
from tests.support.stage import GOOD, SHORT, Scene, Stage, carry_out


def outage_of(minutes: int) -> Scene:
    return Scene(a.PLAN, f"region-outage:region=us-east-1,duration={minutes}")


def test_what_was_held_should_not_make_the_quiet_of_replication_last_for_hours(stage: Stage) -> None:
    """It comes with all of its delay, which is no lag; the region may be back before replication is looked at."""
    run = stage.open(stage.prepare(outage_of(4), facts=SHORT))
    assert carry_out(run, until=a.LATCH) is None
    stage.sleep(600)
    between = run.plan.steps.index(a.WRITE), run.plan.steps.index(a.RECONCILE)
    for step in run.plan.steps[between[0] : between[1] + 1]:
        run.step(step)
    assert run.results[a.RECONCILE.key].outcome in GOOD
    assert run.results[a.RECONCILE.key].seconds.total < 120


def test_late_writes_over_newer_decisions_should_be_listed(stage: Stage) -> None:
    stage.sleep(33)
    run = stage.open(stage.prepare(outage_of(9), facts=SHORT))
    carry_out(run, until=a.RECOVERY)
    late = next(iter(run.results[a.RECOVERY.key].states.values())).late
    listed = {each.came.key.split()[0] for each in late if each.overwrote}
    known = set(stage.truth()["replication"]["overwritten"])
    assert known and known <= listed
