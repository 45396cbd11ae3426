"""Plan G around the data: who is halted, what proves it, how all of it comes back; on a world in this process."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.calls.gate import Writes
from drcore.engine.consent import GOING_BACK, Approval, Approvals
from drcore.engine.context import Run
from drcore.engine.prepare import Setting
from drcore.engine.step import Outcome, Plan, Step, Target, yes
from drcore.engine.verdict import Word
from drcore.errors import DrcoreError, StepFailed
from drcore.parameters import Mode
from drcore.plans import g
from drcore.plans.g.decisions import before
from drcore.plans.g.tables import restored_table, table
from tests.support.stage import Scene, Stage, carry_out, client, ended, lines, outcomes, proven, staged, writes

PLAN = plans.find("g")
FAULT = "data-corruption"
CORRUPTED = Scene(PLAN, FAULT)
EAST, WEST = REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as opened:
        yield opened


def prepared(stage: Stage, options: dict[str, str] | None = None, **incident: object) -> Setting:
    facts = {"hold_minutes": 1, "gate_minutes": 1}
    return stage.prepare(CORRUPTED, options=options, facts=facts, incident=incident)


def drilled_to(stage: Stage, step: Step, options: dict[str, str] | None = None, **incident: object) -> Run:
    run = stage.open(prepared(stage, options, **incident))
    assert carry_out(run, until=step) is None
    return run


def service(run: Run, region: str) -> dict[str, Any]:
    found: dict[str, Any] = client(run, "ecs", region).describe_services(
        cluster="syncwell", services=["syncwell-worker"]
    )["services"][0]
    return found


def scaling(run: Run, region: str) -> dict[str, Any]:
    found: dict[str, Any] = client(run, "application-autoscaling", region).describe_scalable_targets(
        ServiceNamespace="ecs"
    )["ScalableTargets"][0]
    return found


def release(run: Run, region: str) -> str:
    definition = client(run, "ecs", region).describe_task_definition(
        taskDefinition=service(run, region)["taskDefinition"]
    )
    variables = definition["taskDefinition"]["containerDefinitions"][0]["environment"]
    return str(next(each["value"] for each in variables if each["name"] == "RELEASE"))


def writers(run: Run, region: str) -> dict[str, Any]:
    """Everything that a halt changes, as the console would show it."""
    functions, rules = client(run, "lambda", region), client(run, "events", region)
    suspended = scaling(run, region)
    return {
        "desired": service(run, region)["desiredCount"],
        "bounds": (suspended["MinCapacity"], suspended["MaxCapacity"]),
        "suspended": any(suspended.get("SuspendedState", {}).values()),
        "rules": {name: rules.describe_rule(Name=name)["State"] for name in run.facts.rules},
        "sources": [each["State"] for each in functions.list_event_source_mappings()["EventSourceMappings"]],
        "functions": {
            name: functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
            for name in run.facts.functions
        },
    }


def policy(run: Run, region: str) -> str:
    dynamodb = client(run, "dynamodb", region)
    try:
        return str(dynamodb.get_resource_policy(ResourceArn=arn(run, region))["Policy"])
    except dynamodb.exceptions.PolicyNotFoundException:
        return ""


def arn(run: Run, region: str) -> str:
    return f"arn:aws:dynamodb:{region}:{run.service.account}:table/{table(run)}"


def truth(stage: Stage) -> Any:
    return stage.truth()["corruption"]


def made_twice(stage: Stage) -> list[tuple[str, str, str]]:
    """Calls that changed something and were made more than once with the same arguments."""
    counted = Counter((each.call, each.region, each.asked) for each in stage.effects if "locks/" not in each.asked)
    return [call for call, count in counted.items() if count > 1]


# ── The whole of it ──────────────────────────────────────────────────────────────────────────────────────────────────


def cut_and_finished(stage: Stage, way: str, cuts: tuple[Step, ...]) -> Run:
    """A drill that loses its process after some steps, and is opened again each time."""
    run = stage.open(prepared(stage, way=way))
    for cut in cuts:
        assert carry_out(run, until=cut) is None
        run.record.close()
        run = stage.again(run)
    assert carry_out(run) is None
    return run


def test_repaired_in_place_the_service_should_come_back_as_it_was_with_no_change_lost(stage: Stage) -> None:
    run = cut_and_finished(stage, "repair", (g.NOTHING_WRITES, g.REPAIR, g.WORKERS_AGAIN))
    assert ended(run).word == Word.REACHED, ended(run).why
    found = truth(stage)
    assert set(found["corrupted"]) <= set(found["conflicts"]), "but for what is left to a person, nothing is corrupted"
    assert found["legit_edits"]["lost"] == []
    for region in REGIONS:
        assert writers(run, region) == {
            "desired": 4,
            "bounds": (2, 12),
            "suspended": False,
            "rules": dict.fromkeys(run.facts.rules, "ENABLED"),
            "sources": ["Enabled"],
            "functions": dict.fromkeys(run.facts.functions),
        }
        assert release(run, region) == "2026.01.1", "never the faulty one"
        assert policy(run, region) == ""
    assert made_twice(stage) == []
    assert run.results[g.LEFT.title].outcome is Outcome.ALREADY, "there is no old table"
    told = [line["parameters"]["json"]["incident"] for line in writes(run) if line["call"] == "http:PATCH"]
    assert "All other changes were kept" in told[-1]["body"]
    proven(run)


def test_restored_and_switched_nobody_should_read_the_old_table_and_users_should_be_told(stage: Stage) -> None:
    run = cut_and_finished(stage, "switch", (g.SWITCH, g.FUNCTIONS_AGAIN))
    assert ended(run).word == Word.REACHED, ended(run).why
    found, new = truth(stage), restored_table(run)
    assert found["table_in_use"] == dict.fromkeys(REGIONS, new)
    assert found["reading_old"] == []
    assert found["corrupted"] == []
    assert made_twice(stage) == []
    for region in REGIONS:
        assert release(run, region) == "2026.01.1"
        assert "DrcoreDenyWrites" in policy(run, region), "the corrupt table stays as it is"
        assert writers(run, region)["functions"] == dict.fromkeys(run.facts.functions)
    told = [line["parameters"]["json"]["incident"]["body"] for line in writes(run) if line["call"] == "http:PATCH"]
    assert "restored from a backup" in told[-1]
    assert "have been lost" in told[-1]
    proven(run)


# ── Halt ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:role/auditor"},
    "Action": "dynamodb:Scan",
}


class Halted:
    """A drill up to the proof, on an account with a task of no service and a policy of somebody else on the table."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.run = run = stage.open(prepared(stage))
        client(run, "ecs", EAST).run_task(cluster="syncwell", taskDefinition="syncwell-worker:1", count=1)
        theirs = json.dumps({"Version": "2012-10-17", "Statement": [THEIRS | {"Resource": arn(run, EAST)}]})
        client(run, "dynamodb", EAST).put_resource_policy(ResourceArn=arn(run, EAST), Policy=theirs)
        assert carry_out(run, until=g.NOTHING_WRITES) is None


@pytest.fixture(scope="module")
def halted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Halted]:
    with staged(tmp_path_factory.mktemp("halted")) as opened:
        yield Halted(opened)


def test_scaling_should_be_suspended_before_the_workers_are_scaled_to_zero(halted: Halted) -> None:
    run, calls = halted.run, [each.call for each in halted.stage.effects]
    last_suspended = max(i for i, call in enumerate(calls) if call.endswith(":RegisterScalableTarget"))
    assert last_suspended < calls.index("ecs:UpdateService")
    for region in REGIONS:
        assert scaling(run, region)["SuspendedState"]["DynamicScalingOutSuspended"]
        assert service(run, region)["desiredCount"] == 0
        assert client(run, "ecs", region).list_tasks(cluster="syncwell")["taskArns"] == []


def test_a_task_of_no_service_should_be_stopped_too(halted: Halted) -> None:
    assert [each.call for each in halted.stage.effects].count("ecs:StopTask") == 1


def test_each_role_of_the_service_should_be_refused_in_each_region(halted: Halted) -> None:
    run = halted.run
    answers = {line["target"]: line["answer"] for line in lines(run, "acted")}
    assert answers == {f"{role} in {region}": "refused" for role in run.facts.roles.writers for region in REGIONS}
    refused = [line for line in lines(run, "call") if line["call"] == "dynamodb:PutItem"]
    assert {line["answer"] for line in refused} == {"AccessDeniedException"}
    assert truth(halted.stage)["writers_running"] == []


def test_the_denial_should_stand_beside_what_the_policy_said_before(halted: Halted) -> None:
    run = halted.run
    assert "Theirs" in policy(run, EAST)
    assert "DrcoreDenyWrites" in policy(run, EAST)
    assert "DrcoreDenyWrites" in policy(run, WEST)
    assert before(run, g.DENY, Target(WEST, table(run))).statements == (), "kept for the way back"
    result = run.results[g.DENY.title]
    meanwhile = json.loads(policy(run, EAST))
    meanwhile["Statement"].append(THEIRS | {"Sid": "Meanwhile", "Resource": arn(run, EAST)})
    client(run, "dynamodb", EAST).put_resource_policy(ResourceArn=arn(run, EAST), Policy=json.dumps(meanwhile))
    for target in result.targets:  # undone by hand here, as Going back does it
        with run.calls.during(Writes.ALLOWED):
            assert g.DENY.undo
            g.DENY.undo(run, target.target, before(run, g.DENY, target.target))
    assert {each["Sid"] for each in json.loads(policy(run, EAST))["Statement"]} == {"Theirs", "Meanwhile"}
    assert policy(run, WEST) == ""


def test_a_writer_that_was_missed_should_be_found_and_a_halt_can_be_gone_back_from(stage: Stage) -> None:
    """The plan stops at the proof; all that was halted comes back as it was, but never the faulty release."""
    setting = prepared(stage, {"hidden_writer": "true"})
    run = stage.open(setting)
    trouble = carry_out(run)
    assert trouble is not None
    assert "a writer was missed" in str(trouble)
    assert "batch/" in str(trouble), "who wrote last is named"
    assert g.EXPORT.title not in run.results
    assert outcomes(run)[g.NOTHING_WRITES.title] is Outcome.FAILED

    stage.mend(FAULT)  # somebody has found the process, and stopped it
    given = Approval(
        step=GOING_BACK,
        phrase=f"GO BACK {setting.run_id}",
        by="Ada",
        reason="not the right day",
        expires=datetime(2026, 1, 6, tzinfo=UTC),
    )
    run = stage.again(run, approvals=Approvals(run=setting.run_id, approvals=(given,)))
    run.clock.sleep(180)
    assert carry_out(run, until=g.NOTHING_WRITES) is None
    assert outcomes(run)[g.NOTHING_WRITES.title] is Outcome.DONE

    for always in (run.verify, run.go_back, run.close):
        with suppress(DrcoreError):
            always()
    assert ended(run).word == Word.GONE_BACK, ended(run).why
    for region in REGIONS:
        assert writers(run, region)["desired"] == 4
        assert writers(run, region)["suspended"] is False
        assert set(writers(run, region)["rules"].values()) == {"ENABLED"}
        assert set(writers(run, region)["functions"].values()) == {None}
        assert policy(run, region) == ""
        assert release(run, region) == "2026.01.1"


def test_a_policy_that_does_not_hold_should_be_seen_and_nothing_of_ours_should_stay(stage: Stage) -> None:
    run = stage.open(prepared(stage), plan=_without_denial())
    trouble = carry_out(run)
    assert "was accepted" in str(trouble)
    stage.door.world.clock.advance(5)  # what was written and taken away again has come to the other region
    for region in REGIONS:
        found = client(run, "dynamodb", region).get_item(
            TableName=table(run), Key={"pk": {"S": f"CANARY#drcore-{run.id}"}, "sk": {"S": "0"}}
        )
        assert "Item" not in found


def test_a_write_of_ours_that_is_not_answered_should_prove_nothing(stage: Stage) -> None:
    run = drilled_to(stage, g.DENY)
    stage.fault("lost-response", service="dynamodb", operation="PutItem", count=3)  # each try of the first role
    with pytest.raises(StepFailed, match="is to be tried"):
        run.step(g.NOTHING_WRITES)
    run.step(g.NOTHING_WRITES)
    assert outcomes(run)[g.NOTHING_WRITES.title] is Outcome.DONE


def _without_denial() -> Plan:
    deny = replace(g.DENY, expect=lambda run, target, seen: yes("as if it stood"))
    return replace(PLAN, steps=tuple(deny if step is g.DENY else step for step in PLAN.steps))


# ── Rehearsing, not widespread ───────────────────────────────────────────────────────────────────────────────────────


def test_a_rehearsal_of_a_quiet_world_should_name_every_act_and_write_nothing(stage: Stage) -> None:
    run = stage.open(stage.prepare(PLAN, Mode.REHEARSE))
    assert carry_out(run) is None
    assert stage.effects == []
    would = {title for title, outcome in outcomes(run).items() if outcome is Outcome.WOULD}
    assert {g.CONFIRM.title, g.WORKERS.title, g.DENY.title, g.NOTHING_WRITES.title, g.WORKERS_AGAIN.title} <= would


def test_what_is_not_widespread_should_not_be_halted_for(stage: Stage) -> None:
    run = stage.open(stage.prepare(PLAN, facts={"detection_minutes": 1}))
    trouble = carry_out(run)
    assert "not widespread" in str(trouble)
    assert [line["call"] for line in writes(run)] == []
