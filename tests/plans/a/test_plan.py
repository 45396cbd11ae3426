"""Plan A as a whole, in the other region too: over real DNS and HTTP, and where only a part of the region is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from drcore.engine.verdict import Word
from drcore.errors import Exit
from drcore.plans import a
from drcore.run.runbook import Runbook
from tests.support.data_loss import loss_is_bounded
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.loopback import Loopback, on_loopback
from tests.support.stage import GOOD, SHORT, Scene, Stage, carry_out, lines

EAST, WEST = "us-east-1", "us-west-2"
OTHER = {EAST: WEST, WEST: EAST}


@pytest.fixture
def loopback(tmp_path: Path) -> Iterator[Loopback]:
    with on_loopback(tmp_path) as runs:
        yield runs


def seconds_apart(one: datetime | str | None, other: datetime | str | None) -> float:
    first, second = (datetime.fromisoformat(each) if isinstance(each, str) else each for each in (one, other))
    assert first and second
    return abs((first - second).total_seconds())


def no_call_needed_what_was_away(run: Runbook, region: str) -> None:
    """Between the decision and the return each call to the region, or to a global control plane, has its waiver."""
    decided = next(line["n"] for line in lines(run, "decision"))
    back = next(line["n"] for line in lines(run, "moment") if line["name"] == "recovered")
    for call in lines(run, "call"):
        if decided < call["n"] < back and call["call"] != "drcore:Decide":
            service = call["call"].partition(":")[0]
            needs = call["region"] == region or service in ("route53", "iam", "health")
            assert bool(call.get("waiver")) == needs, call


@pytest.mark.parametrize(
    ("fault", "region"),
    [
        ("region-flapping", WEST),
        ("region-outage", EAST),
        ("region-outage", WEST),
        ("region-outage-control-plane", WEST),
    ][: None if EXHAUSTIVE else 2],
)
def test_each_fault_in_each_region_should_reach_the_goal_by_no_call_to_what_is_away(
    loopback: Loopback, fault: str, region: str
) -> None:
    """As the tests of all plans do, but over real DNS and HTTP, and in the other region too."""
    loopback.sleep(33)
    scene = Scene(a.PLAN, f"{fault}:region={region},duration=9", incident={"runner_region": OTHER[region]})
    run = loopback.open(loopback.prepare(scene, facts=SHORT))
    trouble = carry_out(run)
    truth = loopback.truth()
    assert trouble is None and run.verdict
    # where Route 53's control plane stands did not fail: why it is silent cannot be told, and nothing hides that
    silent = {a.HEALTH_CHECKS.key} if fault == "region-outage-control-plane" else set()
    assert {key for key, result in run.results.items() if result.outcome not in GOOD} == silent
    assert run.verdict.word is Word.REACHED and len(run.verdict.untold) == len(silent), run.verdict
    assert run.verdict.exit is (Exit.MISSED if silent else Exit.REACHED)
    no_call_needed_what_was_away(run, region)
    # as the simulation knows it: DNS within one look, users within a minute of metrics, data within one canary
    moved = datetime.fromisoformat(truth["failover_at"])
    if silent:  # DNS is not looked at before Route 53 was asked for as long as the step has patience
        patience = run.run.facts.checker_interval_s * run.run.facts.failure_threshold + 30
        moved = max(moved, run.run.moments["decided"] + timedelta(seconds=patience))
    assert seconds_apart(run.run.moments["failover"], moved) <= 12 or fault == "region-flapping"
    users = next(iter(run.results[a.USERS.key].states.values())).users
    assert users.last_client >= run.run.earliest["healthy"]
    assert seconds_apart(users.last_client, truth["last_client_moved"]) <= 60 or fault == "region-flapping"
    loss_is_bounded(run.run, truth, region)
    assert truth["levers"] == {EAST: "in", WEST: "in"}
    assert truth["dns"] == {EAST: 0.5, WEST: 0.5}


@pytest.mark.parametrize("kind", ["data-plane", "drop", "lambda-sqs"][: None if EXHAUSTIVE else 1])
def test_a_partial_outage_should_be_handled_as_one(stage: Stage, kind: str) -> None:
    run = stage.open(stage.prepare(Scene(a.PLAN, f"region-outage:region={EAST},kind={kind},duration=9"), facts=SHORT))
    assert carry_out(run) is None
    assert run.verdict and run.verdict.word is Word.REACHED
