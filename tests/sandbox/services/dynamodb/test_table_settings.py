"""What a table is beside its items: replicas, stream, protection, time to live, tags; and what its metrics count."""

from datetime import timedelta
from typing import Any

from drcore.sandbox.services.dynamodb.tables import Tables
from tests.support.own_table import TABLE, active, item, key, own_table, scanned, seeded
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
ARN = f"arn:aws:dynamodb:{EAST}:123456789012:table/{TABLE}"


def _replicated(world: SyncWellWorld) -> Any:
    """A client; the table has got a stream and a replica in the west, which is being made."""
    client = world.client("dynamodb")
    client.update_table(TableName=TABLE, StreamSpecification=STREAM)
    active(world, TABLE)
    client.update_table(TableName=TABLE, ReplicaUpdates=[{"Create": {"RegionName": WEST}}])
    return client


def _requests(world: SyncWellWorld, operation: str, region: str = EAST) -> float:
    dimensions = [{"Name": "TableName", "Value": TABLE}, {"Name": "Operation", "Value": operation}]
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "SuccessfulRequestLatency", "Dimensions": dimensions}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "SampleCount"}}
    values: list[float] = world.data([query], minutes=10, region=region)["MetricDataResults"][0]["Values"]
    return sum(values)


def _units(world: SyncWellWorld, name: str, region: str = EAST) -> float:
    dimensions = [{"Name": "TableName", "Value": TABLE}]
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": name, "Dimensions": dimensions}
    query = {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    values: list[float] = world.data([query], minutes=10, region=region)["MetricDataResults"][0]["Values"]
    return sum(values)


def test_a_replica_should_need_a_stream_and_become_active_with_all_items_and_no_settings_of_its_source() -> None:
    world = SyncWellWorld()
    own_table(world, streams=False, tags={"a": "b"})
    seeded(world, 30)
    create = {"TableName": TABLE, "ReplicaUpdates": [{"Create": {"RegionName": WEST}}]}
    refused("ValidationException", world.client("dynamodb").update_table, **create)
    client = _replicated(world)
    told = client.describe_table(TableName=TABLE)["Table"]
    assert told["TableStatus"] == "UPDATING"
    assert told["Replicas"] == [{"RegionName": WEST, "ReplicaStatus": "CREATING"}]
    client.put_item(TableName=TABLE, Item=item("MEANWHILE"))
    refused("ResourceInUseException", client.update_table, TableName=TABLE, DeletionProtectionEnabled=True)
    assert active(world, TABLE)["Replicas"] == [{"RegionName": WEST, "ReplicaStatus": "ACTIVE"}]
    there = world.client("dynamodb", WEST)
    assert there.describe_table(TableName=TABLE)["Table"]["Replicas"][0]["RegionName"] == EAST
    assert len(scanned(world, region=WEST)) == 31
    backups = there.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    there.put_item(TableName=TABLE, Item=item("BACK"))
    world.sleep(2)
    assert client.get_item(TableName=TABLE, Key=key("BACK"))["Item"]


def test_a_replica_should_go_again_and_the_table_that_it_was_made_from_be_kept_for_a_day() -> None:
    world = SyncWellWorld()
    replica = own_table(world, streams=False)
    client = _replicated(world)
    active(world, TABLE)
    world.client("dynamodb", WEST).update_table(TableName=TABLE, DeletionProtectionEnabled=True)
    delete = {"TableName": TABLE, "ReplicaUpdates": [{"Delete": {"RegionName": WEST}}]}
    refused("ValidationException", client.update_table, **delete)
    world.client("dynamodb", WEST).update_table(TableName=TABLE, DeletionProtectionEnabled=False)
    client.update_table(**delete)
    assert "Replicas" not in active(world, TABLE)
    refused("ResourceNotFoundException", world.client("dynamodb", WEST).describe_table, TableName=TABLE)
    refused("ValidationException", client.delete_table, TableName=TABLE)
    replica.replicated_at = world.now - timedelta(hours=24)
    client.delete_table(TableName=TABLE)
    refused("ResourceNotFoundException", client.describe_table, TableName=TABLE)


def test_a_protected_table_should_not_be_deleted() -> None:
    world = SyncWellWorld()
    own_table(world, protected=True)
    message = refused("ValidationException", world.client("dynamodb").delete_table, TableName=TABLE)
    assert "protected against deletion" in message


def test_time_to_live_should_be_for_all_replicas_and_in_force_after_a_while() -> None:
    world = SyncWellWorld()
    own_table(world, EAST, WEST)
    client = world.client("dynamodb")
    wanted = {"Enabled": True, "AttributeName": "ExpiresAt"}
    client.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=wanted)
    for region, status in ((EAST, "ENABLING"), (WEST, "ENABLING")):
        told = world.client("dynamodb", region).describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
        assert told == {"TimeToLiveStatus": status, "AttributeName": "ExpiresAt"}
    refused("ValidationException", client.update_time_to_live, TableName=TABLE, TimeToLiveSpecification=wanted)
    world.sleep(60)
    told = client.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]
    assert told["TimeToLiveStatus"] == "ENABLED"
    refused("ValidationException", client.update_time_to_live, TableName=TABLE, TimeToLiveSpecification=wanted)


def test_tags_should_be_added_and_taken_away() -> None:
    world = SyncWellWorld()
    own_table(world, tags={"service": "syncwell"})
    client = world.client("dynamodb")
    client.tag_resource(ResourceArn=ARN, Tags=[{"Key": "data", "Value": "users"}])
    client.untag_resource(ResourceArn=ARN, TagKeys=["service"])
    assert client.list_tags_of_resource(ResourceArn=ARN)["Tags"] == [{"Key": "data", "Value": "users"}]


def test_requests_should_be_counted_by_operation_and_replicated_writes_only_as_units() -> None:
    world = SyncWellWorld()
    replica = own_table(world, EAST, WEST)
    client = world.client("dynamodb")
    for number in range(3):
        client.put_item(TableName=TABLE, Item=item(f"A{number}"))
    client.get_item(TableName=TABLE, Key=key("A1"))
    replica.write(("B", "0"), item("B"), world.now, by="syncwell-worker", operation="UpdateItem")
    world.sleep(120)
    assert [_requests(world, name) for name in ("PutItem", "UpdateItem", "GetItem", "Scan")] == [3, 1, 1, 0]
    assert (_units(world, "ConsumedWriteCapacityUnits"), _units(world, "ConsumedReadCapacityUnits")) == (4, 0.5)
    assert _requests(world, "PutItem", WEST) == 0
    assert _units(world, "ConsumedWriteCapacityUnits", WEST) == 4
    assert _units(world, "ThrottledRequests") == 0


def test_the_state_should_hold_settings_and_what_was_written_by_hand_and_not_the_items() -> None:
    world = SyncWellWorld()
    replica = own_table(world, EAST, WEST)
    seeded(world, 3)
    before = world.sandbox.request("GET", "/_sandbox/state")[1]
    replica.write(("USER#00001", "0"), item("USER#00001", said="life"), world.now)
    scanned(world)
    world.client("dynamodb").describe_table(TableName=TABLE)
    assert world.sandbox.request("GET", "/_sandbox/state")[1] == before
    world.client("dynamodb").put_item(TableName=TABLE, Item=item("USER#00002", said="hand"))
    after = world.sandbox.request("GET", "/_sandbox/state")[1]
    assert after["own"]["dynamodb"][EAST][TABLE] == {"USER#00002/0": item("USER#00002", said="hand")}
    world.client("dynamodb").tag_resource(ResourceArn=ARN, Tags=[{"Key": "data", "Value": "users"}])
    assert world.sandbox.request("GET", "/_sandbox/state")[1] != after


def test_a_late_write_of_the_past_should_stand_in_the_log_at_its_time_and_reach_the_other_region() -> None:
    world = SyncWellWorld()
    replica = own_table(world, EAST, WEST)
    world.sleep(600)
    just_now = (world.now, WEST)
    world.sandbox.world.state(Tables).seed(TABLE, [(item("USER#00001", said="base"), just_now)])
    past = world.now - timedelta(minutes=8)
    replica.write(("USER#00001", "0"), item("USER#00001", said="told late"), past, lag=0.5)
    world.sleep(10)
    there = world.sandbox.world.state(Tables)[WEST, TABLE]
    for copy in (replica, there):
        now = copy.get(("USER#00001", "0"))
        assert now is not None
        assert now["said"] == {"S": "told late"}
        assert copy.at(past - timedelta(seconds=1))["USER#00001", "0"]["said"] == {"S": "base"}
        assert copy.at(past + timedelta(seconds=1))["USER#00001", "0"]["said"] == {"S": "told late"}


def test_a_table_with_provisioned_capacity_should_get_no_replica_until_it_is_on_demand() -> None:
    world = SyncWellWorld()
    own_table(world)
    client = world.client("dynamodb")
    capacity = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    client.update_table(TableName=TABLE, BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
    active(world, TABLE)
    create = [{"Create": {"RegionName": WEST}}]
    refused("ValidationException", client.update_table, TableName=TABLE, ReplicaUpdates=create)
    both = {"BillingMode": "PAY_PER_REQUEST", "ReplicaUpdates": create}
    refused("ValidationException", client.update_table, TableName=TABLE, **both)
    client.update_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST")
    active(world, TABLE)
    client.update_table(TableName=TABLE, ReplicaUpdates=create)
    assert active(world, TABLE)["Replicas"][0]["RegionName"] == WEST


def test_a_table_whose_write_capacity_is_scaled_should_get_a_replica() -> None:
    """A scalable target alone scales nothing, nor does one of the reads: only a policy on the writes does."""
    world = SyncWellWorld()
    own_table(world)
    client, scaling = world.client("dynamodb"), world.client("application-autoscaling")
    capacity = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    client.update_table(TableName=TABLE, BillingMode="PROVISIONED", ProvisionedThroughput=capacity)
    active(world, TABLE)
    create = [{"Create": {"RegionName": WEST}}]
    for kind in ("Read", "Write"):
        refused("ValidationException", client.update_table, TableName=TABLE, ReplicaUpdates=create)
        of: dict[str, Any] = {
            "ServiceNamespace": "dynamodb",
            "ResourceId": f"table/{TABLE}",
            "ScalableDimension": f"dynamodb:table:{kind}CapacityUnits",
        }
        scaling.register_scalable_target(MinCapacity=5, MaxCapacity=50, **of)
        refused("ValidationException", client.update_table, TableName=TABLE, ReplicaUpdates=create)
        metric = {"PredefinedMetricType": f"DynamoDB{kind}CapacityUtilization"}
        policy = {"PredefinedMetricSpecification": metric, "TargetValue": 70.0}
        scaling.put_scaling_policy(
            PolicyName=f"{kind} 70 %",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=policy,
            **of,
        )
    client.update_table(TableName=TABLE, ReplicaUpdates=create)
    assert active(world, TABLE)["Replicas"][0]["RegionName"] == WEST
    there = world.client("dynamodb", WEST).describe_table(TableName=TABLE)["Table"]
    assert there["ProvisionedThroughput"]["WriteCapacityUnits"] == 5
    (policy_there, _) = scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"]
    assert policy_there["ResourceId"] == f"table/{TABLE}"
