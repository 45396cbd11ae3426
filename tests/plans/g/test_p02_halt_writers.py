"""Who is halted, in which order, up to the proof that nothing writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from drcore.calls.gate import Writes
from drcore.clock import parse_time
from drcore.engine.outcome import Target
from drcore.plans import g
from drcore.plans.g.decisions import before
from drcore.plans.g.tables import table
from drcore.sandbox.core.world import USERS
from tests.support.data_corruption import EAST, REGIONS, THEIRS, WEST, arn, policy, prepared, scaling, service, truth
from tests.support.stage import Stage, carry_out, client, lines, staged


class Halted:
    """A drill up to the proof, on an account with a task of no service and a policy of somebody else on the table."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.run = run = stage.open(prepared(stage))
        client(run, "ecs", EAST).run_task(cluster="syncwell", taskDefinition="syncwell-worker:1", count=1)
        functions = client(run, "lambda", EAST)
        (queue,) = (each["EventSourceArn"] for each in functions.list_event_source_mappings()["EventSourceMappings"])
        functions.create_event_source_mapping(EventSourceArn=queue, FunctionName="syncwell-worker")
        theirs = json.dumps(
            {"Version": "2008-10-17", "Id": "Base", "Statement": [THEIRS | {"Resource": arn(run, EAST)}]}
        )
        client(run, "dynamodb", EAST).put_resource_policy(ResourceArn=arn(run, EAST), Policy=theirs)
        assert carry_out(run, until=g.NOTHING_WRITES) is None


@pytest.fixture(scope="module")
def halted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Halted]:
    with staged(tmp_path_factory.mktemp("halted"), users=USERS) as opened:
        yield Halted(opened)


def test_scaling_should_be_suspended_before_the_workers_are_scaled_to_zero(halted: Halted) -> None:
    run, calls = halted.run, [each.call for each in halted.stage.effects]
    last_suspended = max(i for i, call in enumerate(calls) if call.endswith(":RegisterScalableTarget"))
    assert last_suspended < calls.index("ecs:UpdateService")
    for region in REGIONS:
        assert scaling(run, region)["SuspendedState"]["DynamicScalingOutSuspended"]
        assert service(run, region)["desiredCount"] == 0
        assert client(run, "ecs", region).list_tasks(cluster="syncwell")["taskArns"] == []


def test_every_lever_should_be_begun_by_one_consent_before_any_is_waited_for(halted: Halted) -> None:
    run, levers = halted.run, [name.key for name in g.HALT.begins]
    begun = [each for each in lines(run, "intent") if each["key"] in levers]
    assert list(dict.fromkeys(each["key"] for each in begun)) == levers, "the denial first, scaling before the workers"
    first_end = next(each["n"] for each in lines(run, "step-ended") if each["key"] in levers)
    waited_for = [each["key"] for each in begun if each["n"] > first_end]
    assert set(waited_for) <= {g.WORKERS.key}, "only what is stopped in batches goes on in its own turn"
    asked = {each["key"] for each in lines(run, "consent") if each["how"] != "none needed"}
    assert asked.isdisjoint(levers)
    assert g.HALT.key in asked
    (denied,) = (each for each in lines(run, "step-ended") if each["key"] == g.DENY.key)
    put = max(each["time"] for each in begun if each["key"] == g.DENY.key)
    held = (parse_time(denied["time"]) - parse_time(put)).total_seconds()
    assert 20 <= held < 40, "both regions are waited for together, and the denial is believed once it lasts"


def test_a_task_of_no_service_should_be_stopped_too(halted: Halted) -> None:
    assert [each.call for each in halted.stage.effects].count("ecs:StopTask") == 1


def test_each_mapping_of_a_queue_should_be_disabled(halted: Halted) -> None:
    """One feeds the alias, one the function itself."""
    mappings = client(halted.run, "lambda", EAST).list_event_source_mappings()["EventSourceMappings"]
    assert [each["State"] for each in mappings] == ["Disabled"] * 2
    named = {each.target.thing for each in halted.run.results[g.SOURCES.key].targets if each.target.region == EAST}
    assert named == {f"syncwell-jobs → syncwell-worker{alias}" for alias in ("", ":live")}


def test_each_role_of_the_service_should_be_refused_in_each_region(halted: Halted) -> None:
    run = halted.run
    attempts = [line for line in lines(run, "acted") if line["key"] == g.NOTHING_WRITES.key]
    answers = {line["target"]: line["answer"] for line in attempts}
    assert answers == {f"{role} in {region}": "refused" for role in run.run.facts.roles.writers for region in REGIONS}
    refused = [line for line in lines(run, "call") if line["call"] == "dynamodb:PutItem"]
    assert {line["answer"] for line in refused} == {"AccessDeniedException"}
    assert truth(halted.stage)["writers_running"] == []


def test_the_denial_should_stand_beside_what_the_policy_said_before(halted: Halted) -> None:
    run = halted.run
    assert "Theirs" in policy(run, EAST)
    assert json.loads(policy(run, EAST))["Version"] == "2008-10-17"
    assert json.loads(policy(run, EAST))["Id"] == "Base"
    assert "DrcoreDenyWrites" in policy(run, EAST)
    assert "DrcoreDenyWrites" in policy(run, WEST)
    seen = before(run.run, g.DENY, Target(WEST, table(run.run)))
    assert seen and seen.statements == (), "kept for the way back"
    result = run.results[g.DENY.key]
    meanwhile = json.loads(policy(run, EAST))
    meanwhile["Statement"].append(THEIRS | {"Sid": "Meanwhile", "Resource": arn(run, EAST)})
    client(run, "dynamodb", EAST).put_resource_policy(ResourceArn=arn(run, EAST), Policy=json.dumps(meanwhile))
    for target in result.targets:  # undone by hand here, as Going back does it
        was = before(run.run, g.DENY, target.target)
        with run.run.calls.during(Writes.ALLOWED):
            assert g.DENY.undo and was
            g.DENY.undo(run.run, target.target, was)
    assert {each["Sid"] for each in json.loads(policy(run, EAST))["Statement"]} == {"Theirs", "Meanwhile"}
    assert policy(run, WEST) == ""
