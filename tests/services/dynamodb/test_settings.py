"""What is set on a table: read as it is, changed one thing at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services.dynamodb import recovery, settings
from tests.services.conftest import Edit, passing
from tests.support.service_calls import BEGAN, EAST, TABLE, TABLE_ARN


def test_what_the_table_in_use_has(aws: Aws) -> None:
    found = settings.settings(aws, EAST, TABLE)
    assert (found.status, found.stream, found.protected) == ("ACTIVE", "NEW_AND_OLD_IMAGES", True)
    assert found.replicas == (("us-west-2", "ACTIVE"),), "its own copy is not among them"
    assert settings.ttl(aws, EAST, TABLE) == "ExpiresAt"


def test_protection_is_taken_away_and_set_again(aws: Aws) -> None:
    settings.protect(aws, EAST, TABLE, on=False)
    assert not settings.settings(aws, EAST, TABLE).protected
    settings.protect(aws, EAST, TABLE)
    assert settings.settings(aws, EAST, TABLE).protected
    with pytest.raises(Rejected):
        aws.call("dynamodb", EAST, "delete_table", TableName=TABLE)


def test_tags_that_are_set_and_taken_away_leave_the_others(aws: Aws) -> None:
    before = settings.tags(aws, EAST, TABLE_ARN)
    settings.tag(aws, EAST, TABLE_ARN, {"incident": "7", "owner": "us"})
    assert dict(settings.tags(aws, EAST, TABLE_ARN)) == {**dict(before), "incident": "7", "owner": "us"}
    settings.untag(aws, EAST, TABLE_ARN, ["incident", "owner"])
    assert settings.tags(aws, EAST, TABLE_ARN) == before


@pytest.mark.parametrize(("state", "shown"), [("ENABLED", "Then"), ("ENABLING", "Then"), ("DISABLING", "")])
def test_items_expire_where_that_is_on_or_soon_is(aws: Aws, edit: Edit, state: str, shown: str) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["TimeToLiveDescription"] = {"TimeToLiveStatus": state, "AttributeName": "Then"}

    edit("dynamodb.DescribeTimeToLive", change)
    assert settings.ttl(aws, EAST, TABLE) == shown


def test_a_stream_that_is_off_has_no_view(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["Table"]["StreamSpecification"] = {"StreamEnabled": False, "StreamViewType": "KEYS_ONLY"}

    edit("dynamodb.DescribeTable", change)
    assert settings.settings(aws, EAST, TABLE).stream == ""


def test_a_replica_is_added_to_a_table_with_a_stream(world: InProcess, aws: Aws) -> None:
    recovery.restore(aws, EAST, TABLE_ARN, "young", BEGAN - timedelta(minutes=5))
    passing(world, lambda: settings.settings(aws, EAST, "young").status == "ACTIVE")
    assert settings.settings(aws, EAST, "young").stream == "", "a restore drops the stream"
    with pytest.raises(Rejected, match="streams"):
        settings.add_replica(aws, EAST, "young", "us-west-2")
    settings.set_stream(aws, EAST, "young", "NEW_AND_OLD_IMAGES")
    passing(world, lambda: settings.settings(aws, EAST, "young").status == "ACTIVE")
    settings.add_replica(aws, EAST, "young", "us-west-2")
    assert settings.settings(aws, EAST, "young").replicas == (("us-west-2", "CREATING"),)
    passing(world, lambda: settings.settings(aws, EAST, "young").replicas == (("us-west-2", "ACTIVE"),))
