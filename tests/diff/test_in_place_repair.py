"""A repair puts the good image back if the item is still exactly the bad one; whatever was written since survives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from drcore.diff import Class, Difference, equal
from drcore.diff.in_place_repair import for_boto, inverse_for, restorable, write_for
from drcore.errors import BadInput

KEY = {"pk": {"S": "USER#1"}, "sk": {"S": "sync"}}
GOOD: dict[str, Any] = KEY | {
    "Owner": {"S": "1"},
    "Sources": {"SS": ["apple", "garmin"]},
    "Schedule": {"M": {"Every": {"N": "15"}, "Days": {"L": [{"S": "mon"}]}}},
    "Token": {"B": "AAE="},
    "Revision": {"N": "7"},
    "Empty": {"S": ""},
}
BAD: dict[str, Any] = KEY | {
    "Owner": {"S": "2"},
    "Sources": {"SS": ["garmin", "apple"]},
    "Schedule": {"M": {}},
    "Token": {"B": "AAE="},
    "Revision": {"N": "8.0"},
    "Broken": {"BOOL": True},
}
CORRUPTED = Difference(Class.CORRUPTED, KEY, "because", GOOD, BAD)
DELETED = Difference(Class.DELETED, KEY, "because", GOOD, None)


@pytest.fixture
def table() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", "us-east-1")
        client.create_table(
            TableName="T",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in KEY],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        )
        yield client


def put(table: Any, item: dict[str, Any]) -> None:
    table.put_item(TableName="T", Item=for_boto(item))


def now(table: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = table.get_item(TableName="T", Key=KEY).get("Item")
    return found


def carry_out(table: Any, write: tuple[str, dict[str, Any]]) -> bool:
    operation, parameters = write
    try:
        table.transact_write_items(TransactItems=[{operation: parameters}])
    except table.exceptions.TransactionCanceledException as error:
        if "ConditionalCheckFailed" in str(error):
            return False
        raise
    return True


def is_now(table: Any, item: dict[str, Any]) -> bool:
    seen = now(table)
    return seen is not None and equal(seen, item)


def test_a_corrupted_item_should_get_its_good_image_back_and_the_inverse_should_undo_it(table: Any) -> None:
    put(table, BAD)
    assert carry_out(table, write_for(CORRUPTED, "T"))
    assert is_now(table, GOOD)
    assert carry_out(table, inverse_for(CORRUPTED, "T"))
    assert is_now(table, BAD)


def test_a_deleted_item_should_come_back_and_the_inverse_should_undo_it(table: Any) -> None:
    assert carry_out(table, write_for(DELETED, "T"))
    assert is_now(table, GOOD)
    assert carry_out(table, inverse_for(DELETED, "T"))
    assert now(table) is None


def test_done_twice_should_be_refused_the_second_time_and_change_nothing(table: Any) -> None:
    put(table, BAD)
    assert [carry_out(table, write_for(CORRUPTED, "T")) for _ in range(2)] == [True, False]
    assert is_now(table, GOOD)


@pytest.mark.parametrize(
    "edit",
    [
        {"Owner": {"S": "3"}},
        {"Owner": {"N": "2"}},
        {"Sources": {"SS": ["garmin"]}},
        {"Schedule": {"M": {"Every": {"N": "60"}}}},
        {"Token": {"B": "AAI="}},
        {"Empty": {"S": ""}},  # what the good image has, and the bad one did not
    ],
)
def test_an_edit_since_should_survive(edit: dict[str, Any], table: Any) -> None:
    put(table, BAD | edit)
    assert not carry_out(table, write_for(CORRUPTED, "T"))
    assert is_now(table, BAD | edit)


def test_an_attribute_removed_since_should_stay_removed(table: Any) -> None:
    edited = {name: value for name, value in BAD.items() if name != "Broken"}
    put(table, edited)
    assert not carry_out(table, write_for(CORRUPTED, "T"))
    assert is_now(table, edited)


def test_an_attribute_that_nobody_knew_of_should_survive_the_repair(table: Any) -> None:
    """No condition can say "and no attribute more"; an update that names its attributes need not."""
    put(table, BAD | {"Later": {"S": "x"}})
    assert carry_out(table, write_for(CORRUPTED, "T"))
    assert is_now(table, GOOD | {"Later": {"S": "x"}})


def test_an_item_made_anew_since_should_survive(table: Any) -> None:
    put(table, KEY | {"Owner": {"S": "somebody new"}})
    assert not carry_out(table, write_for(DELETED, "T"))
    assert is_now(table, KEY | {"Owner": {"S": "somebody new"}})


def test_an_item_gone_since_should_not_come_back_as_a_piece(table: Any) -> None:
    assert not carry_out(table, write_for(CORRUPTED, "T"))
    assert now(table) is None


def test_an_edit_after_the_repair_should_survive_its_undo(table: Any) -> None:
    put(table, GOOD | {"Revision": {"N": "9"}})
    assert not carry_out(table, inverse_for(CORRUPTED, "T"))
    assert not carry_out(table, inverse_for(DELETED, "T"))
    assert is_now(table, GOOD | {"Revision": {"N": "9"}})


def test_the_condition_should_name_every_attribute_of_both_images() -> None:
    operation, parameters = write_for(CORRUPTED, "T")
    assert operation == "Update"
    assert set(parameters["ExpressionAttributeNames"].values()) == set(GOOD) | set(BAD)
    assert parameters["ConditionExpression"].count("attribute_not_exists") == 1
    assert parameters["ConditionExpression"].count(" = ") == len(BAD)
    assert "TableName" not in write_for(CORRUPTED)[1]


def test_what_is_equal_should_not_be_written() -> None:
    update = write_for(CORRUPTED, "T")[1]
    written = {
        update["ExpressionAttributeNames"][f"#a{name[2:]}"]
        for name in update["ExpressionAttributeValues"]
        if name[1] == "n"
    }
    assert written == {"Owner", "Schedule", "Revision", "Empty"}


@pytest.mark.parametrize("kind", [Class.LEGIT, Class.CONFLICT, Class.ADDED, Class.UNCHANGED])
def test_what_is_for_a_person_should_not_be_restorable(kind: Class) -> None:
    difference = Difference(kind, KEY, "because", GOOD, BAD)
    assert not restorable(difference)
    for make in (write_for, inverse_for):
        with pytest.raises(BadInput, match="expected a corrupted or a deleted item"):
            make(difference)


def test_an_item_too_large_for_a_condition_should_be_for_a_person() -> None:
    many = {f"a{number}": {"S": "x"} for number in range(300)}
    assert restorable(CORRUPTED)
    assert restorable(DELETED)
    assert not restorable(Difference(Class.CORRUPTED, KEY, "because", GOOD | many, BAD | many))
