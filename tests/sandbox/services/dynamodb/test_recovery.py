"""Point-in-time recovery: any second of the window can be told again, and nothing outside it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcore.sandbox.services.dynamodb.history import TableHistory
from drcore.sandbox.services.dynamodb.items import Stored
from tests.support.own_table import TABLE, active, item, key, own_table, scanned, seeded
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld, refused

NEW = "Keeping-restored"
BEGINNING = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

writes = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from("abc"), st.sampled_from([None, "1", "2", "3"])), max_size=40
)


def _restore(world: SyncWellWorld, region: str = EAST, **params: Any) -> dict[str, Any]:
    given = {"SourceTableName": TABLE, "TargetTableName": NEW} | params
    ask = world.client("dynamodb", region).restore_table_to_point_in_time
    told: dict[str, Any] = ask(**{name: value for name, value in given.items() if value is not None})
    described: dict[str, Any] = told["TableDescription"]
    return described


def _window(world: SyncWellWorld, table: str = TABLE, region: str = EAST) -> dict[str, Any]:
    told = world.client("dynamodb", region).describe_continuous_backups(TableName=table)
    found: dict[str, Any] = told["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return found


@given(writes, st.integers(-1, 41))
def test_a_history_told_in_any_order_should_be_that_of_its_times(
    told: list[tuple[int, str, str | None]], second: int
) -> None:
    history, plain = TableHistory(), {("b",): Stored(item("b", said="base"))}
    history.begin(("b",), plain["b",], (BEGINNING - timedelta(days=1), EAST))
    for index, (at, name, value) in enumerate(told):
        moment = BEGINNING + timedelta(seconds=at, microseconds=index)
        history.record(moment, (name,), None if value is None else item(name, said=value), (moment, EAST))
    until = BEGINNING + timedelta(seconds=second)
    for _, name, value in sorted(
        (moment, name, value)
        for index, (at, name, value) in enumerate(told)
        if (moment := BEGINNING + timedelta(seconds=at, microseconds=index)) <= until
    ):
        plain.pop((name,), None)
        if value is not None:
            plain[name,] = Stored(item(name, said=value))
    assert history.at(until) == plain
    assert {(name,): image for name in "abc" if (image := history.image((name,), until))} == plain
    for entry in history.entries:
        before = history.at(entry.at - timedelta(microseconds=1)).get(entry.key)
        assert before == entry.before


@pytest.mark.parametrize("seed", [1, 2])
def test_whichever_second_is_chosen_the_restored_table_should_equal_an_independent_replay(seed: int) -> None:
    world = SyncWellWorld(seed)
    stream = world.sandbox.world.rng("acts of the test")
    own_table(world)
    seeded(world, 50)
    client = world.client("dynamodb")
    journal: list[tuple[datetime, str, Any]] = []
    begin = world.now

    def put(pk: str, value: str) -> None:
        client.put_item(TableName=TABLE, Item=item(pk, said=value))
        journal.append((world.now, pk, {"said": value}))

    def update(pk: str, value: str) -> None:
        said = {"UpdateExpression": "SET heard = :v", "ExpressionAttributeValues": {":v": {"S": value}}}
        client.update_item(TableName=TABLE, Key=key(pk), **said)
        journal.append((world.now, pk, ("heard", value)))

    def delete(pk: str, value: str) -> None:
        client.delete_item(TableName=TABLE, Key=key(pk))
        journal.append((world.now, pk, None))

    def transact(pk: str, value: str) -> None:
        client.transact_write_items(TransactItems=[{"Put": {"TableName": TABLE, "Item": item(pk, said=value)}}])
        journal.append((world.now, pk, {"said": value}))

    acts: list[Callable[[str, str], None]] = [put, update, delete, transact]
    for number in range(120):
        stream.choice(acts)(f"USER#{stream.randrange(60):05d}", str(number))
        world.sleep(stream.uniform(0, 3))
    end = world.now
    world.sleep(320)
    for number in range(6):
        moment = (begin + (end - begin) * stream.random()).replace(microsecond=0) if number else _latest(world)
        name = f"{NEW}-{number}"
        _restore(world, TargetTableName=name, RestoreDateTime=moment)
        active(world, name)
        assert scanned(world, name) == _replay(journal, moment), moment


def _latest(world: SyncWellWorld) -> datetime:
    latest: datetime = _window(world)["LatestRestorableDateTime"]
    return latest


def _replay(journal: list[tuple[datetime, str, Any]], moment: datetime) -> dict[tuple[str, str], Any]:
    plain: dict[str, dict[str, str]] = {f"USER#{index:05d}": {} for index in range(50)}
    for at, pk, change in journal:
        if at > moment:
            continue
        match change:
            case None:
                plain.pop(pk, None)
            case (name, value):
                plain[pk] = plain.get(pk, {}) | {name: value}
            case _:
                plain[pk] = change
    return {(pk, "0"): item(pk, **attributes) for pk, attributes in plain.items()}


def test_a_restore_should_hold_what_the_replica_had_then_also_what_came_from_the_other_region() -> None:
    world = SyncWellWorld()
    own_table(world, EAST, WEST)
    world.sleep(10)
    world.client("dynamodb", WEST).put_item(TableName=TABLE, Item=item("FAR", said="hello"))
    written = world.now
    world.sleep(400)
    for name, moment in (("Before", written.replace(microsecond=0)), ("After", written + timedelta(seconds=3))):
        _restore(world, TargetTableName=name, RestoreDateTime=moment)
        active(world, name)
    assert scanned(world, "Before") == {}
    assert scanned(world, "After") == {("FAR", "0"): item("FAR", said="hello")}


def test_the_latest_restorable_moment_should_move_five_minutes_behind_the_clock() -> None:
    world = SyncWellWorld()
    own_table(world)
    for _ in range(2):
        told = _window(world)
        assert told["PointInTimeRecoveryStatus"] == "ENABLED"
        assert told["RecoveryPeriodInDays"] == 35
        assert timedelta(minutes=5) <= world.now - told["LatestRestorableDateTime"] < timedelta(minutes=5, seconds=1)
        assert world.now - told["EarliestRestorableDateTime"] <= timedelta(days=35)
        world.sleep(90)


def test_a_moment_outside_the_window_should_be_refused() -> None:
    world = SyncWellWorld()
    own_table(world)
    ask = world.client("dynamodb").restore_table_to_point_in_time
    both = {"SourceTableName": TABLE, "TargetTableName": NEW}
    for moment in (world.now - timedelta(minutes=4), world.now - timedelta(days=36), world.now + timedelta(days=1)):
        refused("InvalidRestoreTimeException", ask, **both, RestoreDateTime=moment)
    refused("ValidationException", ask, **both)
    refused("ValidationException", ask, **both, UseLatestRestorableTime=True, RestoreDateTime=world.now)
    refused("TableNotFoundException", ask, **both | {"SourceTableName": "Nothing"}, UseLatestRestorableTime=True)
    refused("TableAlreadyExistsException", ask, **both | {"TargetTableName": TABLE}, UseLatestRestorableTime=True)
    world.client("dynamodb").update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    refused("PointInTimeRecoveryUnavailableException", ask, **both, UseLatestRestorableTime=True)


def test_recovery_that_is_switched_off_and_on_should_begin_a_new_window() -> None:
    world = SyncWellWorld()
    own_table(world)
    for on in (False, True):
        world.client("dynamodb").update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on}
        )
    switched = world.now
    world.sleep(600)
    assert _window(world)["EarliestRestorableDateTime"] >= switched
    ask = world.client("dynamodb").restore_table_to_point_in_time
    too_early = {"RestoreDateTime": switched - timedelta(seconds=30)}
    refused("InvalidRestoreTimeException", ask, SourceTableName=TABLE, TargetTableName=NEW, **too_early)


def test_a_restored_table_should_be_in_the_making_for_minutes_and_have_none_of_the_settings() -> None:
    world = SyncWellWorld()
    own_table(world, EAST, WEST, ttl="ExpiresAt", tags={"service": "syncwell"}, protected=True)
    seeded(world, 5000)
    client = world.client("dynamodb")
    client.put_resource_policy(ResourceArn=f"arn:aws:dynamodb:{EAST}:123456789012:table/{TABLE}", Policy=_policy())
    moment = world.now - timedelta(minutes=10)
    told = _restore(world, RestoreDateTime=moment)
    assert told["TableStatus"] == "CREATING"
    assert told["RestoreSummary"]["RestoreInProgress"] is True
    refused("ResourceNotFoundException", client.get_item, TableName=NEW, Key=key("USER#00001"))
    refused("ResourceInUseException", client.update_table, TableName=NEW, DeletionProtectionEnabled=True)
    refused("TableAlreadyExistsException", lambda **_: _restore(world, RestoreDateTime=moment))
    began = world.now
    done = active(world, NEW)
    assert timedelta(minutes=5) < world.now - began < timedelta(minutes=12)
    arn = f"arn:aws:dynamodb:{EAST}:123456789012:table/{NEW}"
    assert done["RestoreSummary"] == {
        "SourceTableArn": arn.replace(NEW, TABLE),
        "RestoreDateTime": moment.replace(microsecond=0),
        "RestoreInProgress": False,
    }
    assert done["DeletionProtectionEnabled"] is False
    assert done["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert done["KeySchema"][0] == {"AttributeName": "pk", "KeyType": "HASH"}
    assert not {"Replicas", "StreamSpecification", "LatestStreamArn"} & set(done)
    assert _window(world, NEW)["PointInTimeRecoveryStatus"] == "DISABLED"
    ttl = client.describe_time_to_live(TableName=NEW)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "DISABLED"}
    assert client.list_tags_of_resource(ResourceArn=arn)["Tags"] == []
    refused("PolicyNotFoundException", client.get_resource_policy, ResourceArn=arn)
    assert len(scanned(world, NEW)) == 5000


def _policy() -> str:
    arn = f"arn:aws:dynamodb:{EAST}:123456789012:table/{TABLE}"
    return (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:role/x"},'
        f'"Action":"dynamodb:PutItem","Resource":"{arn}"}}]}}'
    )


def test_a_restore_across_regions_should_need_encryption_and_take_the_source_as_it_was_there() -> None:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, 3)
    arn = f"arn:aws:dynamodb:{EAST}:123456789012:table/{TABLE}"
    given = {"SourceTableName": None, "SourceTableArn": arn, "UseLatestRestorableTime": True}
    refused("ValidationException", lambda **_: _restore(world, WEST, **given))
    told = _restore(world, WEST, **given, SSESpecificationOverride={"Enabled": True, "SSEType": "KMS"})
    assert told["TableArn"] == f"arn:aws:dynamodb:{WEST}:123456789012:table/{NEW}"
    assert told["RestoreSummary"]["SourceTableArn"] == arn
    active(world, NEW, WEST)
    assert len(scanned(world, NEW, WEST)) == 3


def test_source_and_restored_table_should_go_their_own_ways() -> None:
    world = SyncWellWorld()
    own_table(world)
    seeded(world, 3, said="then")
    _restore(world, UseLatestRestorableTime=True)
    active(world, NEW)
    client = world.client("dynamodb")
    for table, value in ((TABLE, "here"), (NEW, "there")):
        said = {"UpdateExpression": "SET said = :v", "ExpressionAttributeValues": {":v": {"S": value}}}
        client.update_item(TableName=table, Key=key("USER#00001"), **said)
    found = [client.get_item(TableName=t, Key=key("USER#00001"))["Item"]["said"]["S"] for t in (TABLE, NEW)]
    assert found == ["here", "there"]
    condition = {"ConditionExpression": "said = :v", "ExpressionAttributeValues": {":v": {"S": "here"}}}
    refused("ConditionalCheckFailedException", client.delete_item, TableName=NEW, Key=key("USER#00001"), **condition)


def test_a_transaction_with_the_same_token_should_be_done_once() -> None:
    world = SyncWellWorld()
    replica = own_table(world)
    client = world.client("dynamodb")
    adds = {
        "Update": {
            "TableName": TABLE,
            "Key": key("COUNT"),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
    }
    for _ in range(3):
        client.transact_write_items(TransactItems=[adds], ClientRequestToken="token-1")
    assert client.get_item(TableName=TABLE, Key=key("COUNT"))["Item"]["n"] == {"N": "1"}
    assert len(replica.log) == 1
    other = {"Put": {"TableName": TABLE, "Item": key("OTHER")}}
    refused(
        "IdempotentParameterMismatchException",
        client.transact_write_items,
        TransactItems=[other],
        ClientRequestToken="token-1",
    )


def test_a_transaction_that_fails_should_leave_no_write_behind() -> None:
    world = SyncWellWorld()
    replica = own_table(world)
    seeded(world, 1)
    fails = {
        "ConditionCheck": {"TableName": TABLE, "Key": key("NOBODY"), "ConditionExpression": "attribute_exists(pk)"}
    }
    client, put = world.client("dynamodb"), {"Put": {"TableName": TABLE, "Item": item("USER#00000", said="new")}}
    refused("TransactionCanceledException", client.transact_write_items, TransactItems=[put, fails])
    assert replica.log == []
    assert scanned(world) == {("USER#00000", "0"): item("USER#00000")}
    client.put_item(TableName=TABLE, Item=item("USER#00000", said="later"))
    assert scanned(world) == {("USER#00000", "0"): item("USER#00000", said="later")}
