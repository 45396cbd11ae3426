"""Plan A alone, beside what the tests of all plans find: the other region, the rule of calls, levers, partial outages.

Each fault is met in a real world in a process of its own, with real DNS over UDP; the rest is in this process, which
takes half of the time. Waits are shortened by parameters, charts are not drawn.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3

from drcore import show
from drcore.calls.gate import Call, Calls, Plane, Waiver
from drcore.engine.context import Run
from drcore.engine.prepare import Setting, prepare
from drcore.engine.step import Outcome, Step, Target
from drcore.engine.verdict import Word
from drcore.errors import DrcoreError
from drcore.launcher import world as worlds
from drcore.parameters import Mode, at_world
from drcore.plans import a
from drcore.record.journal import read_events
from drcore.sandbox.endpoints.in_process import ENDPOINT
from tests.support.stage import Scene, Stage, staged

EAST, WEST = "us-east-1", "us-west-2"
GOOD = (Outcome.ALREADY, Outcome.DONE, Outcome.SKIPPED)
QUICK = {"hold_minutes": 2, "recovery_hold_minutes": 2, "gate_minutes": 2, "recovery_minutes": 40, "lever_minutes": 1}
OTHER = {EAST: WEST, WEST: EAST}


class Theatre:
    """One world, and the runs on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        setting = prepare(a.PLAN, "sandbox", Mode.DRILL, {})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "drcore.sandbox", "--seed", "1"],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert self._process.stdout
        told = json.loads(self._process.stdout.readline())
        self.world = worlds.Running(told["address"], told["pid"])
        self._service = at_world(setting.service, self.world.address)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return urllib3.request(method, f"{self.world.address}/_sandbox/{path}", json=body).json()

    def fault(self, name: str, **options: object) -> dict[str, Any]:
        return worlds.inject(self._service, name, {key: str(value) for key, value in options.items()})

    def truth(self) -> Any:
        return self.ask("GET", "truth")

    def open(
        self,
        mode: Mode = Mode.DRILL,
        fault: Mapping[str, Any] | None = None,
        facts: Mapping[str, object] | None = None,
        **incident: str,
    ) -> Run:
        setting = prepare(a.PLAN, "sandbox", mode, incident)
        setting = replace(
            setting,
            facts=dict(setting.facts) | QUICK | dict(facts or {}),
            world=self.world.as_data(),
            fault=fault,
        )
        folder = self._folder / setting.run_id
        folder.mkdir()
        setting.write(folder)
        return Run(a.PLAN, Setting.read(folder), folder, keyboard=lambda prompt: None)

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


class Indoors(Theatre):
    """The same with its world in this process."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._service = at_world(stage.prepare(a.PLAN).service, ENDPOINT)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        return self._stage.door.request(method, f"/_sandbox/{path}", body)[1]

    def open(
        self,
        mode: Mode = Mode.DRILL,
        fault: Mapping[str, Any] | None = None,
        facts: Mapping[str, object] | None = None,
        **incident: str,
    ) -> Run:
        setting = self._stage.prepare(a.PLAN, mode, facts=QUICK | dict(facts or {}), incident=incident)
        return self._stage.open(replace(setting, fault=fault))


@pytest.fixture
def indoors(tmp_path: Path) -> Iterator[Theatre]:
    with staged(tmp_path) as stage:
        yield Indoors(stage)


@pytest.fixture
def theatre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Theatre]:
    monkeypatch.setattr(show, "display_chart", lambda chart, redact: b"")
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.end()


def carry_out(run: Run, *, until: Step | None = None) -> DrcoreError | None:
    """What the notebook does: all steps until trouble (or after one of them); returns the trouble."""
    try:
        run.preflight()
        for step in run.plan.steps:
            run.step(step)
            if step is until:
                return None
    except DrcoreError as error:
        trouble: DrcoreError | None = error
    else:
        trouble = None
    run.verify()
    run.close()
    return trouble


def lines(run: Run, event: str) -> list[Mapping[str, Any]]:
    return [line for line in read_events(run.folder) if line["event"] == event]


def acts(run: Run) -> list[tuple[str, str]]:
    """What the run has set out to do, but for the lock."""
    return [(line["step"], line["target"]) for line in lines(run, "intent") if "lock" not in line["step"]]


def seconds_apart(one: datetime | str | None, other: datetime | str | None) -> float:
    first, second = (datetime.fromisoformat(each) if isinstance(each, str) else each for each in (one, other))
    assert first and second
    return abs((first - second).total_seconds())


def no_call_needed_what_was_away(run: Run, region: str) -> None:
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
        ("region-outage", EAST),
        ("region-outage", WEST),
        ("region-flapping", WEST),
        ("region-outage-control-plane", WEST),
    ],
)
def test_each_fault_in_each_region_should_reach_the_goal_by_no_call_to_what_is_away(
    theatre: Theatre, fault: str, region: str
) -> None:
    """As the tests of all plans do, but over real DNS and HTTP, and in the other region too."""
    theatre.ask("POST", "clock", {"sleep": 33})
    run = theatre.open(fault=theatre.fault(fault, region=region, duration=9), runner_region=OTHER[region])
    trouble = carry_out(run)
    truth = theatre.truth()
    assert trouble is None and run.verdict
    assert {result.outcome for result in run.results.values()} <= set(GOOD)
    assert run.verdict.word is Word.REACHED, run.verdict
    no_call_needed_what_was_away(run, region)
    # as the simulation knows it: DNS within one look, users within a minute of metrics, data within one canary
    assert seconds_apart(run.moments["failover"], truth["failover_at"]) <= 12 or fault == "region-flapping"
    users = next(iter(run.results[a.USERS.title].states.values())).users
    assert users.last_client >= run.moments["healthy"]
    assert seconds_apart(users.last_client, truth["last_client_moved"]) <= 60 or fault == "region-flapping"
    loss_is_bounded(run, truth, region)
    assert truth["levers"] == {EAST: "in", WEST: "in"}
    assert truth["dns"] == {EAST: 0.5, WEST: 0.5}


def loss_is_bounded(run: Run, truth: Any, region: str) -> None:
    """What is said to be lost is what was, to half a second; a user's write may have been slower than the canary."""
    measured, known = run.lost_s, truth["replication"]["rpo_seconds"][region]
    assert measured is not None and known - 0.9 <= measured <= known + 0.5
    assert measured < run.facts.rpo_s == 2


@pytest.mark.parametrize("offset", [0, 7.3, 33, 41.9, 58.15, 59.45])
def test_the_loss_should_be_bounded_whatever_second_the_fault_falls_on(tmp_path: Path, offset: float) -> None:
    with staged(tmp_path) as stage:
        stage.sleep(offset)
        run = stage.open(stage.prepare(Scene(a.PLAN, "region-outage"), facts=QUICK))
        assert carry_out(run, until=a.REPLICATION) is None
        loss_is_bounded(run, stage.truth(), EAST)


@pytest.mark.parametrize("kind", ["drop", "data-plane", "lambda-sqs"])
def test_a_partial_outage_should_be_handled_as_one(indoors: Theatre, kind: str) -> None:
    run = indoors.open(fault=indoors.fault("region-outage", region=EAST, kind=kind, duration=9))
    assert carry_out(run) is None
    assert run.verdict and run.verdict.word is Word.REACHED


def test_a_control_plane_that_is_away_should_not_be_taken_for_an_outage(indoors: Theatre) -> None:
    fault = indoors.fault("region-outage", region=EAST, kind="control-plane", duration=0)
    run = indoors.open(fault=fault, facts={"detection_minutes": 1})
    trouble = carry_out(run)
    assert run.results[a.DETECT.title].outcome is Outcome.SKIPPED
    assert "control plane does not answer" in run.results[a.DETECT.title].why
    assert "no one region shows" in str(trouble)
    assert acts(run) == []


@pytest.mark.parametrize(("kind", "told"), [("error", "identity"), ("lambda-sqs", "the runner stands in us-west-2")])
def test_the_runner_should_refuse_to_run_in_the_failed_region(indoors: Theatre, kind: str, told: str) -> None:
    run = indoors.open(fault=indoors.fault("region-outage", region=WEST, kind=kind, duration=0))
    trouble = carry_out(run)
    assert told in str(trouble) and "-p runner_region=us-east-1" in str(trouble)


def test_a_region_that_is_named_should_not_be_called_at_all(indoors: Theatre) -> None:
    run = indoors.open(
        fault=indoors.fault("region-outage", region=EAST, duration=9), failed_region=EAST, reason="told by telephone"
    )
    assert carry_out(run) is None
    back = next(line["n"] for line in lines(run, "moment") if line["name"] == "recovered")
    before = [line for line in lines(run, "call") if line["n"] < back and line["region"] == EAST]
    assert before and all(line["waiver"] for line in before)


def pulled(run: Run, step: Step) -> bool:
    return run.intended(step, Target(run.failed_region))


def test_where_dns_does_not_move_the_routing_control_should_be_the_first_lever(indoors: Theatre) -> None:
    run = indoors.open(fault=indoors.fault("region-outage-no-failover", region=EAST, duration=9))
    assert carry_out(run) is None
    assert run.results[a.FAILOVER.title].outcome is Outcome.SKIPPED
    assert [pulled(run, step) for step in (a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)] == [True, False, False]
    assert run.results[a.ROUTING_IN.title].outcome is Outcome.DONE
    assert "it asks 192.0.2.20" in run.results[a.CHECK_BACK.title].why


def test_without_a_cluster_the_object_should_be_the_lever(indoors: Theatre) -> None:
    fault = indoors.fault("region-outage-no-failover", region=EAST, duration=9)
    run = indoors.open(fault=fault, facts={"arc": None})
    assert carry_out(run) is None
    assert [pulled(run, step) for step in (a.ROUTING_OUT, a.LEVER_OUT, a.CHECK_OUT)] == [False, True, False]


def test_a_second_outage_during_the_rebalance_should_be_backed_out_of(indoors: Theatre) -> None:
    run = indoors.open(fault=indoors.fault("region-outage", region=EAST, duration=9))
    carry_out(run, until=a.REBALANCE_2)
    original = a.REBALANCE_3.act
    assert original

    def and_then_it_goes(run: Run, target: Target, state: Any) -> object:
        answer = original(run, target, state)
        indoors.fault("region-outage", region=EAST, kind="lambda-sqs", duration=0)
        return answer

    third = replace(a.REBALANCE_3, act=and_then_it_goes)
    with pytest.raises(DrcoreError, match="backed out"):
        run.step(third)
    assert run.results[a.REBALANCE_3.title].outcome is Outcome.FAILED
    indoors.ask("POST", "clock", {"sleep": 120})
    assert indoors.truth()["levers"][EAST] == "out"
    assert indoors.truth()["dns"][EAST] == 0
    assert [line["step"] for line in lines(run, "backed-out")] == [a.REBALANCE_3.title]
    run.verify()
    assert run.verdict and run.verdict.word is Word.MISSED
    run.record.close()


def test_what_was_held_should_not_make_the_quiet_of_replication_last_for_hours(indoors: Theatre) -> None:
    """It comes with all of its delay, which is no lag; the region may be back before replication is looked at."""
    run = indoors.open(fault=indoors.fault("region-outage", region=EAST, duration=4))
    assert carry_out(run, until=a.LATCH) is None
    indoors.ask("POST", "clock", {"sleep": 600})
    between = run.plan.steps.index(a.WRITE), run.plan.steps.index(a.RECONCILE)
    for step in run.plan.steps[between[0] : between[1] + 1]:
        run.step(step)
    assert run.results[a.RECONCILE.title].outcome in GOOD
    assert run.results[a.RECONCILE.title].seconds.total < 120
    run.record.close()


def test_late_writes_over_newer_decisions_should_be_listed(indoors: Theatre) -> None:
    indoors.ask("POST", "clock", {"sleep": 33})
    run = indoors.open(fault=indoors.fault("region-outage", region=EAST, duration=9))
    carry_out(run, until=a.RECOVERY)
    late = next(iter(run.results[a.RECOVERY.title].states.values())).late
    listed = {each.came.key.split()[0] for each in late if each.overwrote}
    known = set(indoors.truth()["replication"]["overwritten"])
    assert known and known <= listed
    run.record.close()


# ── The rule of calls, alone ─────────────────────────────────────────────────────────────────────────────────────────


def calls() -> tuple[Calls, list[dict[str, Any]]]:
    noted: list[dict[str, Any]] = []
    return Calls(lambda event, **fields: noted.append(fields)), noted


def a_read(service: str, region: str) -> Call:
    return Call(service, "Describe", region, False, Plane.CONTROL)


@pytest.mark.parametrize(("service", "region"), [("dynamodb", EAST), ("route53", EAST), ("iam", EAST)])
def test_what_is_away_should_not_be_called_without_a_waiver(service: str, region: str) -> None:
    gate, _ = calls()
    gate.admit(a_read(service, region))
    gate.away = EAST
    with pytest.raises(RuntimeError, match="is away"):
        gate.admit(a_read(service, region))
    gate.admit(a_read("dynamodb", WEST))


def test_a_global_control_plane_should_need_a_waiver_when_any_region_is_away() -> None:
    gate, _ = calls()
    gate.away = WEST
    gate.admit(a_read("dynamodb", EAST))
    with pytest.raises(RuntimeError, match="is away"):
        gate.admit(a_read("route53", EAST))


def test_a_waiver_should_stand_beside_each_call_that_it_lets_through_and_cover_no_other_service() -> None:
    gate, noted = calls()
    gate.away = EAST
    with gate.under(Waiver("only there can it be asked", ("route53",))):
        gate.admit(a_read("route53", EAST))
        gate.note(a_read("route53", EAST), "OK")
        gate.note(a_read("sqs", WEST), "OK")
        with pytest.raises(RuntimeError, match="is away"):
            gate.admit(a_read("sqs", EAST))
    with pytest.raises(RuntimeError, match="is away"):
        gate.admit(a_read("route53", EAST))
    assert [each.get("waiver") for each in noted] == ["only there can it be asked", None]


def test_parameters_of_every_environment_should_have_the_same_fields() -> None:
    from ruamel.yaml import YAML

    folder = Path(__file__).parents[3] / "parameters"
    trees = {path.parent.name: YAML(typ="safe").load(path) for path in folder.glob("*/a.yaml")}
    assert set(trees) == {"sandbox", "staging", "production"}
    assert {json.dumps(sorted(tree)) for tree in trees.values()} == {json.dumps(sorted(trees["sandbox"]))}
