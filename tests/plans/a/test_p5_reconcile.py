"""Plan A, phase 5: what comes late when the region is back."""

from __future__ import annotations

from drcore.plans import a
from drcore.record.events import Event
from drcore.run.runbook import Runbook
from tests.support.stage import GOOD, SHORT, Scene, Stage, carry_out, lines

PAGES = 12


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


def enlarge(stage: Stage) -> None:
    """Old items that make a table of more pages than a sample reads."""
    table = stage.door.world.client("dynamodb", "us-east-1")
    for number in range(2 * PAGES):
        blob = {"S": f"{number:03d}" + "x" * 390_000}
        table.put_item(
            TableName="SyncWellMetadata", Item={"pk": {"S": f"OLD#{number}"}, "sk": {"S": "0"}, "blob": blob}
        )


def scans(run: Runbook) -> list[Event]:
    return [line for line in lines(run, "call") if line["call"] == "dynamodb:Scan"]


def test_a_large_table_should_be_read_whole_only_when_users_are_well(stage: Stage) -> None:
    """Before it a sample; then each copy once to be compared. Late writes over newer decisions are listed still."""
    enlarge(stage)
    stage.sleep(33)
    run = stage.open(stage.prepare(outage_of(14), facts=SHORT))
    carry_out(run, until=a.RECONCILE)
    well = next(line["n"] for line in lines(run, "moment") if line["name"] == "healthy")
    assert 0 < sum(line["n"] < well for line in scans(run)) < PAGES
    assert run.results[a.RECONCILE.key].outcome in GOOD
    begun = next(line["n"] for line in lines(run, "step") if line["key"] == a.RECONCILE.key)
    compared = [line["region"] for line in scans(run) if line["n"] > begun]
    assert PAGES <= compared.count("us-east-1") == compared.count("us-west-2") < 2 * PAGES
    late = next(iter(run.results[a.RECOVERY.key].states.values())).late
    listed = {each.came.pk for each in late if each.overwrote}
    known = set(stage.truth()["replication"]["overwritten"])
    assert known and known <= listed
    assert all(each.overwrote is not None for each in late)
