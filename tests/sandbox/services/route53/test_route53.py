"""Route 53: record sets, changes, health checks."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drcore.sandbox.services.cloudwatch.alarms import RETRIEVED_BESIDE
from drcore.sandbox.syncwell.company.names import NODES
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

ZONE, NAME = "Z0SYNCWELL0ZONE", "api.syncwell.example."
ADDRESS = {EAST: "192.0.2.10", WEST: "192.0.2.20"}
HOST = {region: f"syncwell-{region}-1.{region}.elb.amazonaws.com." for region in (EAST, WEST)}


def _records(world: SyncWellWorld) -> dict[str, dict[str, Any]]:
    found = world.client("route53").list_resource_record_sets(HostedZoneId=ZONE)["ResourceRecordSets"]
    return {record.get("SetIdentifier", record["Name"]): record for record in found}


def _change(world: SyncWellWorld, *changes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record} for action, record in changes]}
    info: dict[str, Any] = world.client("route53").change_resource_record_sets(HostedZoneId=ZONE, ChangeBatch=batch)
    return info["ChangeInfo"]  # type: ignore[no-any-return]


def _share(world: SyncWellWorld, region: str, asked: int = 40, client: str = "203.0.113.7") -> float:
    route53 = world.client("route53")
    answers = [
        route53.test_dns_answer(
            HostedZoneId=ZONE, RecordName="api.syncwell.example", RecordType="A", EDNS0ClientSubnetIP=client
        )["RecordData"]
        for _ in range(asked)
    ]
    return sum(set(answer) <= set(NODES[region]) for answer in answers) / asked


def _record(name: str, identifier: str, address: str, **more: Any) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "A",
        "SetIdentifier": identifier,
        "TTL": 60,
        "ResourceRecords": [{"Value": address}],
        **more,
    }


def test_the_service_should_be_weighted_and_checked_in_both_regions() -> None:
    records = _records(SyncWellWorld())
    assert {r: (v["Weight"], v["AliasTarget"]["DNSName"], v["HealthCheckId"]) for r, v in records.items()} == {
        region: (100, HOST[region], f"hc-syncwell-{region}") for region in (EAST, WEST)
    }
    assert _share(SyncWellWorld(), EAST) == pytest.approx(0.5, abs=0.06)


def test_an_alias_should_answer_with_the_nodes_of_its_load_balancer_which_change() -> None:
    world = SyncWellWorld()
    name = "alias.syncwell.example."
    alias = {"HostedZoneId": "Z0ELB", "DNSName": HOST[EAST], "EvaluateTargetHealth": False}
    _change(world, ("CREATE", {"Name": name, "Type": "A", "AliasTarget": alias}))
    world.sleep(61)
    seen = []
    for _ in range(30):
        seen.append(_answer(world, name))
        world.sleep(60)
    assert {len(set(answer)) for answer in seen} == {2}, "more than one address at a time"
    assert all(set(answer) <= set(NODES[EAST]) for answer in seen)
    changes = [len(set(now) - set(before)) for before, now in itertools.pairwise(seen)]
    assert 3 <= sum(changes) <= 5 and max(changes) == 1, "one node after the other"
    batch = {"Name": name, "Type": "A", "AliasTarget": alias, "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    with pytest.raises(ClientError, match="InvalidChangeBatch"):
        _change(world, ("UPSERT", batch))


def test_a_change_should_be_pending_and_reach_dns_only_when_it_is_in_sync() -> None:
    world = SyncWellWorld()
    record = _records(world)[EAST]
    info = _change(world, ("UPSERT", record | {"Weight": 5}), ("UPSERT", _records(world)[WEST] | {"Weight": 95}))
    assert info["Status"] == "PENDING"
    assert _records(world)[EAST]["Weight"] == 5
    assert world.truth["dns"][EAST] == 0.5
    route53, began = world.client("route53"), world.now
    while route53.get_change(Id=info["Id"])["ChangeInfo"]["Status"] == "PENDING":
        world.sleep(1)
    assert timedelta(seconds=29) < world.now - began < timedelta(seconds=62)
    assert world.truth["dns"][EAST] == pytest.approx(0.05)
    assert _share(world, EAST, 100) == pytest.approx(0.05, abs=0.03)


def test_a_batch_should_be_applied_whole_or_not_at_all() -> None:
    world, client = SyncWellWorld(), SyncWellWorld.client
    before = _records(world)
    batch = {
        "Changes": [
            {"Action": "UPSERT", "ResourceRecordSet": before[EAST] | {"Weight": 1}},
            {"Action": "DELETE", "ResourceRecordSet": before[WEST] | {"Weight": 7}},
        ]
    }
    change = client(world, "route53").change_resource_record_sets
    refused("InvalidChangeBatch", change, HostedZoneId=ZONE, ChangeBatch=batch)
    assert _records(world) == before


def test_an_upsert_should_replace_the_whole_record_with_its_health_check() -> None:
    world = SyncWellWorld()
    record = _records(world)[EAST]
    del record["HealthCheckId"]
    _change(world, ("UPSERT", record))
    assert "HealthCheckId" not in _records(world)[EAST]
    world.broken("region-outage", region=EAST, kind="data-plane")
    world.sleep(180)
    assert world.truth["dns"][EAST] == 0.5  # without a check a record counts as healthy


def test_each_checker_should_report_what_it_saw_and_dns_should_follow_when_enough_agree() -> None:
    world = SyncWellWorld()
    world.sleep(60)
    world.broken("region-outage", region=EAST, kind="lambda-sqs")
    route53 = world.client("route53")

    def healthy() -> float:
        seen = route53.get_health_check_status(HealthCheckId=f"hc-syncwell-{EAST}")["HealthCheckObservations"]
        assert len(seen) == 16
        assert len({each["IPAddress"] for each in seen}) == 16
        return float(sum(each["StatusReport"]["Status"].startswith("Success") for each in seen)) / 16

    assert healthy() == 1.0
    world.sleep(12)
    assert healthy() == 0.0  # each has seen it fail once
    assert world.truth["checkers"][f"hc-syncwell-{EAST}"] == 1.0  # and says so after three times
    world.sleep(10)
    assert world.truth["dns"][EAST] == 0.5
    world.sleep(30)
    assert world.truth["dns"][EAST] == 0.0
    failures = route53.get_health_check_last_failure_reason(HealthCheckId=f"hc-syncwell-{EAST}")
    assert "503" in failures["HealthCheckObservations"][0]["StatusReport"]["Status"]


def test_the_metrics_of_health_checks_should_be_in_us_east_1_only() -> None:
    world = SyncWellWorld()
    world.broken("region-outage", region=WEST)
    world.sleep(180)
    dimension = {"Namespace": "AWS/Route53", "MetricName": "HealthCheckPercentageHealthy"}
    dimension |= {"Dimensions": [{"Name": "HealthCheckId", "Value": f"hc-syncwell-{WEST}"}]}  # type: ignore[dict-item]
    query = [{"Id": "a", "MetricStat": {"Metric": dimension, "Period": 60, "Stat": "Average"}}]
    values = world.data(query, minutes=10)["MetricDataResults"][0]["Values"]
    assert (values[0], values[-1]) == (100.0, 0.0)
    world.sandbox.request("DELETE", "/_sandbox/faults")
    assert world.data(query, minutes=10, region=WEST)["MetricDataResults"][0]["Values"] == []


def test_inverting_a_check_should_take_a_region_out_and_disabling_it_should_not() -> None:
    world = SyncWellWorld()
    route53, name = world.client("route53"), f"hc-syncwell-{EAST}"
    version = route53.get_health_check(HealthCheckId=name)["HealthCheck"]["HealthCheckVersion"]
    changed = route53.update_health_check(HealthCheckId=name, HealthCheckVersion=version, Inverted=True)
    assert changed["HealthCheck"]["HealthCheckVersion"] == version + 1
    assert changed["HealthCheck"]["HealthCheckConfig"]["FailureThreshold"] == 3
    world.sleep(30)
    assert world.truth["dns"][EAST] == 0.0
    route53.update_health_check(HealthCheckId=name, Inverted=False, Disabled=True)
    world.sleep(30)
    assert world.truth["dns"][EAST] == 0.5
    world.broken("region-outage", region=EAST, kind="lambda-sqs")
    world.sleep(180)
    assert world.truth["dns"][EAST] == 0.5  # disabled means always healthy


def test_an_old_version_of_a_check_should_be_refused() -> None:
    world = SyncWellWorld()
    change = world.client("route53").update_health_check
    change(HealthCheckId=f"hc-syncwell-{EAST}", FailureThreshold=4)
    refused("HealthCheckVersionMismatch", change, HealthCheckId=f"hc-syncwell-{EAST}", HealthCheckVersion=1)


def test_all_regions_unhealthy_should_be_the_same_as_all_healthy() -> None:
    world = SyncWellWorld()
    for region in (EAST, WEST):
        world.client("route53").update_health_check(HealthCheckId=f"hc-syncwell-{region}", Inverted=True)
    world.sleep(30)
    assert world.truth["dns"] == {EAST: 0.5, WEST: 0.5}


def test_weight_zero_should_get_traffic_only_when_nobody_else_is_healthy() -> None:
    world = SyncWellWorld()
    _change(world, ("UPSERT", _records(world)[EAST] | {"Weight": 0}))
    world.sleep(61)
    assert world.truth["dns"] == {EAST: 0.0, WEST: 1.0}
    world.broken("region-outage", region=WEST)
    world.sleep(90)
    assert world.truth["dns"] == {EAST: 1.0, WEST: 0.0}


def _answer(world: SyncWellWorld, name: str, client: str = "203.0.113.7") -> list[str]:
    found: list[str] = world.client("route53").test_dns_answer(
        HostedZoneId=ZONE, RecordName=name, RecordType="A", EDNS0ClientSubnetIP=client
    )["RecordData"]
    return found


def test_failover_records_should_answer_the_primary_while_it_is_healthy_and_when_none_is() -> None:
    world, name = SyncWellWorld(), "failover.syncwell.example."
    primary = _record(name, "a", "192.0.2.10", Failover="PRIMARY", HealthCheckId=f"hc-syncwell-{EAST}")
    secondary = _record(name, "b", "192.0.2.20", Failover="SECONDARY", HealthCheckId=f"hc-syncwell-{WEST}")
    _change(world, ("CREATE", primary), ("CREATE", secondary))
    world.sleep(61)
    assert _answer(world, name) == ["192.0.2.10"]
    route53 = world.client("route53")
    route53.update_health_check(HealthCheckId=f"hc-syncwell-{EAST}", Inverted=True)
    world.sleep(30)
    assert _answer(world, name) == ["192.0.2.20"]
    route53.update_health_check(HealthCheckId=f"hc-syncwell-{WEST}", Inverted=True)
    world.sleep(30)
    assert _answer(world, name) == ["192.0.2.10"]


def test_latency_records_should_answer_each_market_with_its_nearest_healthy_region() -> None:
    world, name = SyncWellWorld(), "near.syncwell.example."
    for region, address in ADDRESS.items():
        _change(world, ("CREATE", _record(name, region, address, Region=region, HealthCheckId=f"hc-syncwell-{region}")))
    world.sleep(120)
    assert _answer(world, name, "198.51.100.1") == ["192.0.2.10"]  # Europe
    assert _answer(world, name, "192.0.2.1") == ["192.0.2.20"]  # Asia
    world.client("route53").update_health_check(HealthCheckId=f"hc-syncwell-{WEST}", Inverted=True)
    world.sleep(30)
    assert _answer(world, name, "192.0.2.1") == ["192.0.2.10"]


def _create(world: SyncWellWorld, reference: str, **config: Any) -> str:
    made = world.client("route53").create_health_check(CallerReference=reference, HealthCheckConfig=config)
    return str(made["HealthCheck"]["Id"])


def _behind(world: SyncWellWorld, check: str) -> None:
    """Put a record behind that check beside one that is always healthy."""
    name = "tested.syncwell.example."
    _change(
        world,
        ("UPSERT", _record(name, "a", "192.0.2.10", Failover="PRIMARY", HealthCheckId=check)),
        ("UPSERT", _record(name, "b", "192.0.2.20", Failover="SECONDARY")),
    )
    world.sleep(61)


def _primary(world: SyncWellWorld) -> bool:
    return _answer(world, "tested.syncwell.example.") == ["192.0.2.10"]


def test_a_calculated_check_should_count_its_children() -> None:
    world = SyncWellWorld()
    children = [f"hc-syncwell-{region}" for region in (EAST, WEST)]
    _behind(world, _create(world, "both", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=2))
    assert _primary(world)
    world.broken("region-outage", region=WEST)
    world.sleep(120)
    assert not _primary(world)
    refused(
        "InvalidInput",
        world.client("route53").get_health_check_status,
        HealthCheckId=_create(world, "both", Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=2),
    )


def test_a_metric_check_should_follow_the_data_and_not_the_state_of_its_alarm() -> None:
    world = SyncWellWorld()
    alarm = {"Region": WEST, "Name": "syncwell-api-traffic-floor"}
    check = _create(
        world, "floor", Type="CLOUDWATCH_METRIC", AlarmIdentifier=alarm, InsufficientDataHealthStatus="Unhealthy"
    )
    _behind(world, check)
    world.client("cloudwatch", WEST).set_alarm_state(AlarmName=alarm["Name"], StateValue="ALARM", StateReason="drill")
    world.sleep(30)
    assert _primary(world)
    world.broken("region-outage", region=WEST)
    world.sleep(180)
    assert _primary(world), "the alarm judges the newest periods that have data, also those from before the outage"
    world.sleep(60 * (RETRIEVED_BESIDE + 1))
    assert not _primary(world), "of the periods that it retrieves none has data any more: that is breaching"


def test_a_slow_check_should_take_its_interval_times_its_threshold() -> None:
    world = SyncWellWorld()
    check = _create(
        world,
        "slow",
        Type="HTTPS",
        IPAddress="192.0.2.10",
        Port=443,
        ResourcePath="/health/region",
        FullyQualifiedDomainName=f"{EAST}.api.syncwell.example",
        RequestInterval=30,
        FailureThreshold=4,
    )
    _behind(world, check)
    world.sleep(100)
    world.broken("region-outage", region=EAST, kind="lambda-sqs")
    world.sleep(85)
    assert _primary(world)
    world.sleep(60)
    assert not _primary(world)


def test_a_check_in_use_should_not_be_deleted_and_unknown_things_should_be_named() -> None:
    world = SyncWellWorld()
    route53 = world.client("route53")
    refused("HealthCheckInUse", route53.delete_health_check, HealthCheckId=f"hc-syncwell-{EAST}")
    refused("NoSuchHealthCheck", route53.get_health_check, HealthCheckId="hc-nobody")
    refused("NoSuchHostedZone", route53.list_resource_record_sets, HostedZoneId="Z0")
    refused("NoSuchChange", route53.get_change, Id="C0NOBODY")
    unused = _create(world, "unused", Type="TCP", IPAddress="192.0.2.10", Port=443)
    route53.delete_health_check(HealthCheckId=unused)
    refused("NoSuchHealthCheck", route53.get_health_check, HealthCheckId=unused)


def test_it_should_know_the_zone_by_its_name_and_page_its_records() -> None:
    world = SyncWellWorld()
    route53 = world.client("route53")
    zones = route53.list_hosted_zones_by_name(DNSName="syncwell.example")["HostedZones"]
    assert zones[0]["Id"] == f"/hostedzone/{ZONE}"
    first = route53.list_resource_record_sets(HostedZoneId=ZONE, MaxItems="1")
    assert (first["IsTruncated"], first["NextRecordIdentifier"]) == (True, WEST)
    second = route53.list_resource_record_sets(
        HostedZoneId=ZONE,
        StartRecordName=first["NextRecordName"],
        StartRecordType=first["NextRecordType"],
        StartRecordIdentifier=first["NextRecordIdentifier"],
    )
    assert [record["SetIdentifier"] for record in second["ResourceRecordSets"]] == [WEST]
