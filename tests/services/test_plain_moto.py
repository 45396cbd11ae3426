"""The acts of plans A and G on a stock moto server, which this project did not write: each done, read back, undone.

What moto lacks of them (DNS answers, replicas, restores to a second, exports, concurrency 0 with an effect) stands in
docs/aws.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.errors import Rejected
from drcore.services import autoscaling, ecs, events, lambda_, route53, s3, secretsmanager
from drcore.services.dynamodb import items, recovery, settings, tables, transactions
from drcore.services.s3 import StoredJson
from tests.support.plain_emulator import Account, moto_server

EAST, WEST, TABLE, CLUSTER, SERVICE = "us-east-1", "us-west-2", "Metadata", "workers", "worker"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with moto_server() as endpoint:
        made = Account(endpoint)
        made.client("dynamodb", EAST).create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        )
        yield made


@pytest.fixture
def aws(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    gate = CallGate(lambda *_, **__: None)
    with gate.during(Writes.ALLOWED):
        yield Aws(gate, endpoint=account.endpoint)


def test_a_weight_is_set_and_the_rest_of_the_record_stays(account: Account, aws: Aws) -> None:
    client = account.client("route53", EAST)
    zone = client.create_hosted_zone(Name="x.example", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]
    check = client.create_health_check(
        CallerReference="1",
        HealthCheckConfig={"Type": "HTTPS", "FullyQualifiedDomainName": "e.x.example", "ResourcePath": "/health"},
    )["HealthCheck"]["Id"]
    values = {"Name": "api.x.example.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    weighted = values | {"SetIdentifier": EAST, "Weight": 100, "HealthCheckId": check}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": weighted}]}
    client.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    (before,) = route53.records(aws, zone, "api.x.example.")
    change = route53.upsert(aws, zone, before.weighing(5), "let in")
    (after,) = route53.records(aws, zone, "api.x.example.")
    assert (after.weight, after.health_check, after.ttl, after.values) == (5, check, 60, ("192.0.2.1",))
    assert route53.is_everywhere(aws, change)
    seen = route53.health_check(aws, check)
    route53.set_health_check(aws, seen, disabled=True, inverted=True)
    pinned = route53.health_check(aws, check)
    assert (pinned.disabled, pinned.inverted, pinned.host) == (True, True, "e.x.example")


def test_a_lever_is_written_only_where_nobody_else_has_written(account: Account, aws: Aws) -> None:
    account.client("s3", EAST).create_bucket(Bucket="levers")
    s3.put_if(aws, EAST, "levers", "out.json", {"out": []}, s3.kept(aws, EAST, "levers", "out.json"))
    seen = s3.kept(aws, EAST, "levers", "out.json")
    s3.put_if(aws, EAST, "levers", "out.json", {"out": [WEST]}, seen)
    assert s3.document(aws, EAST, "levers", "out.json") == {"out": [WEST]}
    for stale in (seen, StoredJson(None)):
        with pytest.raises(Rejected):
            s3.put_if(aws, EAST, "levers", "out.json", {"out": [EAST]}, stale)


def test_items_are_written_read_sampled_and_read_whole(aws: Aws) -> None:
    for number in range(5):
        tables.put(aws, EAST, TABLE, {"pk": f"USER#{number}", "sk": "sync", "UpdatedAt": f"2026-01-0{number + 1}"})
    assert tables.item(aws, EAST, TABLE, {"pk": "USER#3", "sk": "sync"}, consistent=True)
    found = [each["pk"] for each in tables.items(aws, EAST, TABLE, since=("UpdatedAt", "2026-01-04"))]
    assert sorted(found) == ["USER#3", "USER#4"]
    sample = tables.sample(aws, EAST, TABLE, 1)
    assert sample.whole and len(sample.items) == 5
    keys = [{"pk": {"S": f"USER#{number}"}, "sk": {"S": "sync"}} for number in (1, 9)]
    assert [each["pk"]["S"] for each in items.some(aws, EAST, TABLE, keys)] == ["USER#1"]
    assert sum(len(list(items.segment(aws, EAST, TABLE, number, 3))) for number in range(3)) == 5
    tables.delete(aws, EAST, TABLE, {"pk": "USER#3", "sk": "sync"})
    assert tables.item(aws, EAST, TABLE, {"pk": "USER#3", "sk": "sync"}, consistent=True) is None


def test_a_batch_of_a_repair_says_which_write_was_refused(aws: Aws) -> None:
    tables.put(aws, EAST, TABLE, {"pk": "THERE", "sk": "sync"})
    unless = {"TableName": TABLE, "ConditionExpression": "attribute_not_exists(pk)"}
    writes = [("Put", unless | {"Item": {"pk": {"S": pk}, "sk": {"S": "sync"}}}) for pk in ("NEW", "THERE")]
    assert transactions.write_together(aws, EAST, writes, "a-token") == (1,)
    assert tables.item(aws, EAST, TABLE, {"pk": "NEW", "sk": "sync"}, consistent=True) is None


def test_the_settings_of_a_table_are_set_and_read_back(account: Account, aws: Aws) -> None:
    arn = account.client("dynamodb", EAST).describe_table(TableName=TABLE)["Table"]["TableArn"]
    recovery.turn(aws, EAST, TABLE, on=True)
    assert recovery.window(aws, EAST, TABLE).earliest
    settings.set_ttl(aws, EAST, TABLE, "ExpiresAt")
    assert settings.ttl(aws, EAST, TABLE) == "ExpiresAt"
    settings.tag(aws, EAST, arn, {"team": "sync"})
    assert settings.tags(aws, EAST, arn) == (("team", "sync"),)
    settings.set_stream(aws, EAST, TABLE, "NEW_AND_OLD_IMAGES")
    settings.protect(aws, EAST, TABLE)
    seen = settings.settings(aws, EAST, TABLE)
    assert (seen.stream, seen.protected) == ("NEW_AND_OLD_IMAGES", True)


def test_rules_are_silenced_and_fire_again(account: Account, aws: Aws) -> None:
    account.client("events", EAST).put_rule(Name="sync-tidy", ScheduleExpression="rate(1 day)")
    assert events.enabled_rules(aws, EAST, "sync-") == ("sync-tidy",)
    events.disable(aws, EAST, "sync-tidy")
    assert not events.rule(aws, EAST, "sync-tidy").enabled and events.enabled_rules(aws, EAST, "sync-") == ()
    events.enable(aws, EAST, "sync-tidy")
    assert events.rule(aws, EAST, "sync-tidy").enabled


def test_workers_are_scaled_to_none_and_their_scaling_is_suspended(account: Account, aws: Aws) -> None:
    client, scaling = account.client("ecs", EAST), account.client("application-autoscaling", EAST)
    client.create_cluster(clusterName=CLUSTER)
    containers: list[dict[str, Any]] = [
        {"name": "w", "image": "w", "memory": 64, "environment": [{"name": "RELEASE", "value": "1"}]}
    ]
    client.register_task_definition(family="worker", containerDefinitions=containers)
    client.create_service(cluster=CLUSTER, serviceName=SERVICE, taskDefinition="worker", desiredCount=3)
    scaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId=f"service/{CLUSTER}/{SERVICE}",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=9,
    )
    before = autoscaling.scaling(aws, EAST, CLUSTER, SERVICE)
    autoscaling.suspend(aws, EAST, CLUSTER, SERVICE, replace(before, inward=True, outward=True, scheduled=True))
    suspended = autoscaling.scaling(aws, EAST, CLUSTER, SERVICE)
    assert suspended.suspended and (suspended.least, suspended.most) == (1, 9)
    ecs.scale(aws, EAST, CLUSTER, SERVICE, 0)
    assert ecs.service(aws, EAST, CLUSTER, SERVICE).desired == 0
    assert ecs.environment(aws, EAST, "worker:1") == {"RELEASE": "1"} and [*ecs.revisions(aws, EAST, "worker")] == [
        "worker:1"
    ]


def test_a_function_is_stopped_by_its_concurrency_and_resumed(account: Account, aws: Aws) -> None:
    account.client("iam", EAST).create_role(
        RoleName="runs", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"})
    )
    account.function(EAST, "sync-function")
    lambda_.reserve(aws, EAST, "sync-function", 0)
    assert lambda_.reserved(aws, EAST, "sync-function") == 0
    lambda_.reserve(aws, EAST, "sync-function", None)
    assert lambda_.reserved(aws, EAST, "sync-function") is None


def test_a_secret_is_read_in_the_region_that_goes_on(account: Account, aws: Aws) -> None:
    account.client("secretsmanager", EAST).create_secret(
        Name="partner", SecretString="s", AddReplicaRegions=[{"Region": WEST}]
    )
    assert secretsmanager.is_readable(aws, WEST, "partner")
    assert secretsmanager.secret(aws, WEST, "partner").primary == EAST
