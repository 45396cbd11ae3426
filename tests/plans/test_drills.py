"""A drill reaches the goal from every fault of a plan, by permitted calls only; and again there is nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from drcore.clock import parse_time
from drcore.errors import Exit
from drcore.record import Event, read_events
from drcore.run import Run
from drcore.steps import Outcome, Plan
from drcore.verdict import Word
from tests.plans.stage import (
    GOOD,
    Effect,
    carry_out,
    each_fault,
    each_plan,
    ended,
    incidents,
    locks,
    of_the_lock,
    outcomes,
    pages_of,
    proven,
    staged,
    transitions,
)

# The IAM action of an operation, where it is not called as the operation is (AWS, Service Authorization Reference).
# API Gateway's actions are HTTP methods: those are read from botocore's model.
ACTIONS = {
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("lambda", "Invoke"): "lambda:InvokeFunction",
}


@dataclass(frozen=True)
class Drilled:
    """What was there to be seen after a drill, and after a second run right behind it."""

    run: Run
    exit: int
    truth: Any
    effects: list[Effect]
    pages: int
    incidents: list[dict[str, Any]]
    transitions: dict[str, bool]
    locks: list[str]
    events: list[Event]
    second: Run
    second_exit: int
    second_effects: list[Effect]
    resumed: Run
    resumed_effects: list[Effect]


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plan, str], Drilled]:
    """Drills, each carried out once for all tests of this file."""
    known: dict[tuple[str, str], Drilled] = {}

    def of(plan: Plan, fault: str) -> Drilled:
        if (plan.id, fault) not in known:
            known[plan.id, fault] = _drill(plan, fault, tmp_path_factory.mktemp("records"))
        return known[plan.id, fault]

    return of


def _drill(plan: Plan, fault: str, folder: Path) -> Drilled:
    with staged(folder) as stage:
        run = stage.drill(plan, fault)
        seen = {
            "run": run,
            "exit": ended(run).exit,
            "truth": stage.truth(),
            "effects": list(stage.effects),
            "pages": pages_of(run),
            "incidents": incidents(stage),
            "transitions": transitions(run),
            "locks": locks(run),
            "events": read_events(run.folder),
        }
        proven(run)
        first = len(stage.effects)
        second = stage.drill(plan)
        then = len(stage.effects)
        resumed = stage.again(run)
        assert carry_out(resumed) is None
        proven(resumed)
        return Drilled(
            **seen,
            second=second,
            second_exit=ended(second).exit,
            second_effects=stage.effects[first:then],
            resumed=resumed,
            resumed_effects=stage.effects[then:],
        )


Drills = Callable[[Plan, str], Drilled]


@each_fault
def test_it_reaches_the_goal(drilled: Drills, plan: Plan, fault: str) -> None:
    drill = drilled(plan, fault)
    assert drill.run.verdict and drill.run.verdict.word is Word.REACHED, drill.run.verdict
    assert drill.exit == Exit.REACHED
    assert list(drill.run.results) == [step.title for step in plan.steps]
    assert set(outcomes(drill.run).values()) <= set(GOOD)


@each_fault
def test_it_is_well_in_truth_and_nothing_bad_serves(drilled: Drills, plan: Plan, fault: str) -> None:
    truth = drilled(plan, fault).truth
    assert truth["healthy_since"]
    assert all(truth["bad_release"] not in served for served in truth["api"].values())
    assert all(rate < 0.01 for rate in truth["error_rate"].values())
    assert truth["create_deployment_calls"] == 0, "a deployment made now would publish today's resources"


@each_fault
def test_no_function_serves_more_than_one_version(drilled: Drills, plan: Plan, fault: str) -> None:
    for functions in drilled(plan, fault).truth["serving"].values():
        assert {name: list(shares.values()) for name, shares in functions.items()} == {
            name: [1.0] for name in functions
        }


@each_fault
def test_on_call_is_told_once_and_users_twice_in_one_incident(drilled: Drills, plan: Plan, fault: str) -> None:
    drill = drilled(plan, fault)
    assert drill.pages == 1
    assert [incident["status"] for incident in drill.incidents] == ["resolved"]
    updates = drill.incidents[0]["incident_updates"]
    assert [update["status"] for update in updates] == ["resolved", "investigating"]
    assert {component["status"] for component in drill.incidents[0]["components"]} == {"operational"}


@each_fault
def test_it_leaves_the_pipeline_open_and_no_lock(drilled: Drills, plan: Plan, fault: str) -> None:
    drill = drilled(plan, fault)
    assert set(drill.transitions.values()) == {True}
    assert drill.locks == []


@each_fault
def test_the_time_that_it_took_is_not_flattered(drilled: Drills, plan: Plan, fault: str) -> None:
    """Health is believed after it was measured, so later than it is true, but not by more than five minutes."""
    drill = drilled(plan, fault)
    verdict = drill.run.verdict
    assert verdict and verdict.rto.measured is not None
    true = (parse_time(drill.truth["healthy_since"]) - parse_time(drill.truth["fault"]["at"])).total_seconds()
    assert true <= verdict.rto.measured <= true + 300


@each_fault
def test_each_write_is_covered_by_the_permissions_of_its_step(drilled: Drills, plan: Plan, fault: str) -> None:
    run = drilled(plan, fault).run
    made = [(result.step, call) for result in run.results.values() for call in result.calls if call.write]
    assert made
    for step, call in made:
        if call.service not in ("http", "drcore"):
            assert action(call.service, call.operation) in step.permissions, f"{step.title} makes {call}"


@each_plan
def test_each_permission_of_a_plan_is_needed_in_some_drill(drilled: Drills, plan: Plan) -> None:
    used = {
        (step, action(call.service, call.operation))
        for fault in plan.faults
        for step, result in drilled(plan, fault).run.results.items()
        for call in result.calls
        if call.service not in ("http", "drcore")
    }
    unused = [(step.title, each) for step in plan.steps for each in step.permissions if (step.title, each) not in used]
    assert unused == []


def action(service: str, operation: str) -> str:
    """The IAM action that allows an operation."""
    if service == "apigateway":
        model = botocore.session.get_session().get_service_model(service)
        return f"apigateway:{model.operation_model(operation).http['method']}"
    return ACTIONS.get((service, operation), f"{service}:{operation}")


@each_fault
def test_the_intent_is_in_the_journal_before_each_write(drilled: Drills, plan: Plan, fault: str) -> None:
    open_for: tuple[str, str] | None = None
    written = 0
    for line in drilled(plan, fault).events:
        if line["event"] == "intent":
            open_for = (line["step"], line["target"])
        elif line["event"] == "call" and line["write"]:
            assert open_for, f"line {line['n']}: {line['call']} without an intent"
            written += 1
            open_for = None  # one intent, at most one write
        elif line["event"] == "result" and open_for == (line["step"], line["target"]):
            open_for = None
    assert written


@each_fault
def test_the_journal_holds_each_write_that_the_services_have_handled(drilled: Drills, plan: Plan, fault: str) -> None:
    """The other way round: nothing reaches a service past the gate."""
    drill = drilled(plan, fault)
    told = [line["call"] for line in drill.events if line["event"] == "call" and line["write"]]
    by_aws = [call for call in told if not call.startswith(("http:", "drcore:"))]
    assert sorted(by_aws) == sorted(each.call for each in drill.effects if not each.call.startswith("statuspage:"))
    by_http = [call for call in told if call.startswith("http:")]
    assert len(by_http) == sum(each.call.startswith("statuspage:") for each in drill.effects)


@each_fault
def test_each_call_says_where_it_went_and_what_it_leans_on(drilled: Drills, plan: Plan, fault: str) -> None:
    drill = drilled(plan, fault)
    calls = [line for line in drill.events if line["event"] == "call"]
    assert calls
    for line in calls:
        assert line["plane"] in ("control", "data")
        if not line["call"].startswith(("http:", "drcore:")):
            assert line["region"] in drill.run.service.regions, line
            assert line["request_id"], line


@each_fault
def test_a_second_run_right_after_finds_nothing_to_do_and_says_so(drilled: Drills, plan: Plan, fault: str) -> None:
    drill = drilled(plan, fault)
    found = outcomes(drill.second)
    questions = {step.title for step in plan.steps if not step.gate}
    assert {title for title, outcome in found.items() if outcome is not Outcome.ALREADY} <= questions
    assert set(found.values()) <= {Outcome.ALREADY, Outcome.SKIPPED}
    assert lock_only(drill.second_effects)
    assert not [line for line in written(drill.second) if not of_the_lock(line)]
    assert drill.second.verdict and drill.second.verdict.word is Word.REACHED
    assert drill.second_exit == Exit.REACHED


@each_fault
def test_a_finished_run_that_is_resumed_does_nothing_twice(drilled: Drills, plan: Plan, fault: str) -> None:
    drill = drilled(plan, fault)
    assert lock_only(drill.resumed_effects)
    assert drill.resumed.verdict and drill.resumed.verdict.word is Word.REACHED


def lock_only(effects: list[Effect]) -> bool:
    return [each.call for each in effects] == ["s3:PutObject", "s3:DeleteObject"] and all(
        '"Key": "locks/' in each.asked for each in effects
    )


def written(run: Run) -> list[Event]:
    return [line for line in read_events(run.folder) if line["event"] == "call" and line["write"]]


@each_plan
def test_every_act_of_the_plan_is_carried_out_in_some_drill(drilled: Drills, plan: Plan) -> None:
    done = {line["step"] for fault in plan.faults for line in drilled(plan, fault).events if line["event"] == "intent"}
    assert [step.title for step in plan.steps if step.act and step.title not in done] == []
