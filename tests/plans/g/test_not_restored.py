"""What a table has beside its items, changed one by one: named beforehand where a restored table would not get it back.

What is set again is held against the old table by `test_p08_switch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from drcore.engine.prepare import HOME
from drcore.errors import BadInput
from drcore.parameters import parse
from drcore.plans.g import not_restored, preflight
from drcore.plans.g.facts import Facts, Remedy
from drcore.plans.g.p07_decide import RemedyChoice, both_remedies
from drcore.plans.g.remedies import Cost
from drcore.plans.g.tables import table
from drcore.run.runbook import Runbook
from drcore.sandbox.services.dynamodb.tables import Tables
from tests.support.data_corruption import EAST, WEST, prepared
from tests.support.stage import Stage, client, staged

KINESIS = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
CAPACITY = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


Drill = tuple[Stage, Runbook]


@pytest.fixture(scope="module")
def drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    """A drill that has done nothing yet; what one test changes says nothing to another."""
    with staged(tmp_path_factory.mktemp("drill")) as stage:
        yield stage, stage.open(prepared(stage))


def scale(run: Runbook) -> None:
    client(run, "application-autoscaling", EAST).register_scalable_target(
        ServiceNamespace="dynamodb",
        ResourceId=f"table/{table(run.run)}",
        ScalableDimension="dynamodb:table:WriteCapacityUnits",
        MinCapacity=5,
        MaxCapacity=50,
    )


def consume(run: Runbook) -> None:
    stream = client(run, "dynamodb", EAST).describe_table(TableName=table(run.run))["Table"]["LatestStreamArn"]
    client(run, "lambda", EAST).create_event_source_mapping(
        EventSourceArn=stream, FunctionName="syncwell-webhook", StartingPosition="LATEST"
    )


def watch(run: Runbook) -> None:
    """Two alarms that nobody has named: on a metric, and on a formula over it. A third one is about another table."""
    cloudwatch = client(run, "cloudwatch", EAST)
    how: dict[str, Any] = {"EvaluationPeriods": 1, "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold"}

    def metric(name: str) -> dict[str, Any]:
        of = [{"Name": "TableName", "Value": name}, {"Name": "Operation", "Value": "GetItem"}]
        return {"Namespace": "AWS/DynamoDB", "MetricName": "SystemErrors", "Dimensions": of}

    for name, of in (("by-operation", table(run.run)), ("of-another", f"{table(run.run)}2")):
        cloudwatch.put_metric_alarm(AlarmName=name, Period=60, Statistic="Sum", **metric(of), **how)
    watched = {"Metric": metric(table(run.run)), "Period": 60, "Stat": "Sum"}
    errors = {"Id": "e", "ReturnData": False, "MetricStat": watched}
    doubled = {"Id": "f", "Expression": "2 * e", "ReturnData": True}
    cloudwatch.put_metric_alarm(AlarmName="in-a-formula", Metrics=[errors, doubled], **how)


def on_table(operation: str, **change: Any) -> Callable[[Runbook], object]:
    return lambda run: getattr(client(run, "dynamodb", EAST), operation)(TableName=table(run.run), **change)


CHANGES: dict[str, Callable[[Runbook], object]] = {
    "class is STANDARD_INFREQUENT_ACCESS": on_table("update_table", TableClass="STANDARD_INFREQUENT_ACCESS"),
    "auto scaling of table:WriteCapacityUnits": scale,
    "capacity is provisioned": on_table("update_table", BillingMode="PROVISIONED", ProvisionedThroughput=CAPACITY),
    "go to stream/changes": on_table("enable_kinesis_streaming_destination", StreamArn=KINESIS),
    "Contributor Insights": on_table("update_contributor_insights", ContributorInsightsAction="ENABLE"),
    "feeds syncwell-webhook": consume,
    "alarms that settings.alarms does not name: by-operation, in-a-formula": watch,
    "items expire by nothing": on_table(
        "update_time_to_live", TimeToLiveSpecification={"Enabled": False, "AttributeName": "ExpiresAt"}
    ),
}


def test_each_setting_that_no_restore_brings_back_should_be_named_before_anything_is_done(drill: Drill) -> None:
    run = drill[1]
    assert [*not_restored.by_hand(run.run, EAST)] == []
    assert not_restored.keys_can_be_used(run.run).answer.value == "yes"
    found: list[str] = []
    for number, (named, change) in enumerate(CHANGES.items(), 1):
        change(run)
        found = [*not_restored.by_hand(run.run, EAST)]
        assert len(found) == number and any(named in each for each in found), (named, found)
    assert [*not_restored.by_hand(run.run, WEST)] == [found[-1]], "a time to live is set for all replicas"
    why = not_restored.switch_by_hand(run.run, EAST)
    assert why.answer.value == "no" and all(each in why.why for each in found)


@pytest.mark.parametrize("known", [["00007", "00042"], ["00007", "00042", "00042"], []])
def test_fewer_than_three_accounts_known_to_be_good_should_be_refused_before_anything_is_done(known: list[str]) -> None:
    facts = YAML(typ="safe").load((HOME / "parameters" / "sandbox" / "g.yaml").read_text())
    with pytest.raises(BadInput, match="known_good"):
        parse(facts | {"known_good": known}, Facts, "g.yaml")


def test_attributes_that_no_item_has_should_be_named_before_anything_is_done(
    drill: Drill, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = drill[1].run
    assert preflight._known_good(run).answer.value == "yes"
    facts = run.facts
    for name in ("modified", "writer"):
        wrong = facts.attributes.model_copy(update={name: "Misspelt"})
        monkeypatch.setattr(run, "facts", facts.model_copy(update={"attributes": wrong}))
        seen = preflight._known_good(run)
        assert seen.answer.value == "no" and "Misspelt" in seen.why


def test_a_strongly_consistent_table_should_be_left_to_a_person(drill: Drill) -> None:
    stage, run = drill
    assert not_restored.why_neither(run.run) == ""
    for where in (EAST, WEST):
        stage.door.world.state(Tables)[where, table(run.run)].settings.strong = True
    costs = tuple(Cost(each, 0, 0, 0, 0, 0.0, 0.0) for each in Remedy)
    seen = RemedyChoice((costs[0], costs[1]), Remedy.REPAIR, "", not_restored.why_neither(run.run))
    offered = both_remedies(run.run, seen)
    assert all("MRSC" in each.barred for each in offered)
    assert "MRSC" in not_restored.can_be_remedied(run.run).why
