"""Plan A, phase 3: which lever takes a region out where DNS does not move by itself."""

from __future__ import annotations

import csv
from typing import Any

from drcore.engine.outcome import Outcome, Target
from drcore.engine.step import Step
from drcore.errors import Exit
from drcore.parameters import Mode
from drcore.plans import a
from drcore.plans.a.dns_and_levers import read_name_servers
from drcore.run.runbook import Runbook
from tests.support.stage import SHORT, Scene, Stage, carry_out, ended, lines

EAST, WEST = REGIONS = ("us-east-1", "us-west-2")

NO_FAILOVER = Scene(a.PLAN, "region-outage-no-failover:region=us-east-1,duration=9")


def pulled(run: Runbook, step: Step[Any, Any]) -> bool:
    return run.run.intended(step, Target(run.run.failed_region))


def test_where_dns_does_not_move_the_routing_control_should_be_the_first_lever(stage: Stage) -> None:
    run = stage.open(stage.prepare(NO_FAILOVER, facts=SHORT))
    assert carry_out(run) is None
    assert run.results[a.FAILOVER.key].outcome is Outcome.SKIPPED
    assert [pulled(run, step) for step in (a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)] == [True, False, False]
    assert run.results[a.ROUTING_IN.key].outcome is Outcome.DONE
    assert "it asks 192.0.2.20" in run.results[a.CHECK_BACK.key].why
    levers = {step.title for step in (a.PULL, a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)}
    asked = [
        line for line in lines(run, "consent") if line["step"] in levers and line["phrase"] != line["step"].upper()
    ]
    phrase = "TAKE us-east-1 OUT: ROUTING CONTROL, THEN LEVER, THEN HEALTH CHECK"
    assert [line["phrase"] for line in asked if line["step"] == a.PULL.title] == [phrase], "one phrase for all of them"
    automatic, by_hand = by_whom(run)
    assert automatic["what"] == "not within 90 s of the fault"
    assert automatic["target met"] == "TARGET MISSED"
    assert by_hand["what"] == "Routing control out"
    assert float(by_hand["users are well after, s"]) > 0
    given_up = run.results[a.FAILOVER.key].ended - run.run.moments["fault"]
    assert given_up.total_seconds() < 90 + 20, "the automation has its computed time and 30 s, from the fault on"


def by_whom(run: Runbook) -> list[dict[str, str]]:
    """The rows of the table that says apart what the automation and what a person has done."""
    return list(csv.DictReader((run.folder / "evidence" / "failover-by-whom.csv").read_text().splitlines()))


def test_where_dns_moves_by_itself_nobody_should_be_asked_for_a_lever(stage: Stage) -> None:
    scene = Scene(a.PLAN, f"region-outage:region={EAST},duration=9")
    run = stage.open(stage.prepare(scene, facts=SHORT))
    assert carry_out(run, until=a.USERS) is None
    assert run.results[a.PULL.key].outcome is Outcome.ALREADY
    assert [line for line in lines(run, "consent") if line["step"] == a.PULL.title] == []
    automatic, by_hand = by_whom(run)
    assert automatic["what"].startswith("DNS moved after ")
    assert by_hand["what"] == "none was needed"
    assert by_hand["target met"] == "not used"


def test_without_a_cluster_the_object_should_be_the_lever(stage: Stage) -> None:
    run = stage.open(stage.prepare(NO_FAILOVER, facts={**SHORT, "arc": None}))
    assert carry_out(run) is None
    assert [pulled(run, step) for step in (a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)] == [False, True, False]


def test_an_address_that_nobody_knows_should_never_count_as_another_region(stage: Stage) -> None:
    """Half of the answers lead to the failed region, but by addresses that no balancer of the parameters has."""
    scene = Scene(a.PLAN, f"region-outage-no-failover:region={EAST},duration=9")
    names = {
        region: {"name": f"app/syncwell-{region}/1", "host": f"old-{region}.elb.amazonaws.com"} for region in REGIONS
    }
    run = stage.open(stage.prepare(scene, facts={**SHORT, "load_balancers": names}))
    trouble = carry_out(run)
    found = [line for line in lines(run, "finding") if line["what"] == "name servers"]
    assert "correct load_balancers in a.yaml" in found[0]["why"]
    failover = run.results[a.FAILOVER.key]
    assert failover.outcome is Outcome.UNKNOWN
    assert "Of 100 % of them it is not known where they lead" in failover.why
    assert pulled(run, a.ROUTING_OUT), "no answer is no reason to wait"
    assert run.results[a.USERS.key].outcome in (Outcome.DONE, Outcome.ALREADY), "what users get tells it"
    assert trouble is None and ended(run).exit == Exit.MISSED, "what is not known is no success"


def test_the_answers_should_be_known_while_the_nodes_of_the_load_balancers_change(stage: Stage) -> None:
    run = stage.open(stage.prepare(a.PLAN, Mode.REHEARSE)).run
    seen = []
    for _ in range(10):
        seen.append(read_name_servers(run))
        stage.sleep(180)
    assert {answers.unknown_percent for answers in seen} == {0}
    assert all(answers.of(EAST) + answers.of(WEST) == 100 for answers in seen)
