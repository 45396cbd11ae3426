"""A secret: whether it can be read where it is needed, and the state of each copy; its value is never handed out."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown
from drcore.services import secretsmanager
from tests.services.conftest import Edit

NAME = "syncwell/statuspage-key"


def test_a_secret_is_readable_in_both_regions(aws: Aws) -> None:
    assert secretsmanager.is_readable(aws, "us-east-1", NAME) is True
    assert secretsmanager.is_readable(aws, "us-west-2", NAME) is True


def test_a_copy_that_failed_shows(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["ReplicationStatus"] = [
            {"Region": "us-west-2", "Status": "Failed"},
            {"Region": "eu-west-1", "Status": "InSync"},
        ]

    edit("secrets-manager.DescribeSecret", change)
    found = secretsmanager.secret(aws, "us-east-1", NAME)
    assert found.copies == (("eu-west-1", "InSync"), ("us-west-2", "Failed"))


def test_a_secret_without_a_value_is_not_readable(aws: Aws, edit: Edit) -> None:
    edit("secrets-manager.GetSecretValue", lambda answer: answer.pop("SecretString"))
    assert secretsmanager.is_readable(aws, "us-east-1", NAME) is False


def test_the_label_of_the_current_version_moves_where_the_secret_is_written_and_back(aws: Aws) -> None:
    name, east = "syncwell/llm-key", "us-east-1"
    before = secretsmanager.versions(aws, east, name)
    assert (before.pending, before.previous) == ("", "")
    assert before.since
    put = {"SecretId": name, "SecretString": "new", "VersionStages": ["AWSPENDING"]}
    new = aws.call("secretsmanager", east, "put_secret_value", **put)["VersionId"]
    assert secretsmanager.versions(aws, east, name).pending == new

    secretsmanager.make_current(aws, east, name, new, before.current)
    now = secretsmanager.versions(aws, east, name)
    assert (now.current, now.pending, now.previous) == (new, "", before.current)
    with pytest.raises(Rejected):
        secretsmanager.make_current(aws, east, name, new, before.current)  # it is the current one no more
    secretsmanager.make_current(aws, east, name, before.current, new)
    assert secretsmanager.versions(aws, east, name).current == before.current


def test_a_secret_without_a_current_version_is_unknown(aws: Aws, edit: Edit) -> None:
    edit("secrets-manager.ListSecretVersionIds", lambda answer: answer.pop("Versions"))
    with pytest.raises(Unknown, match="AWSCURRENT"):
        secretsmanager.versions(aws, "us-east-1", NAME)


SHARDS = "syncwell/oauth/"


def test_a_list_shows_versions_and_where_each_is_written_and_no_value(aws: Aws) -> None:
    here = tuple(secretsmanager.listed(aws, "us-east-1", SHARDS))
    there = tuple(secretsmanager.listed(aws, "us-west-2", SHARDS))
    assert [each.name for each in here] == [each.name for each in there] != []
    assert {each.primary for each in there} == {"us-east-1"}
    assert [each.current for each in here] == [each.current for each in there]
    assert all(int(each.tag("tokens")) > 0 for each in here)
    assert "rt_" not in repr(here)


def test_a_version_is_current_where_it_was_written_and_the_old_one_is_kept(aws: Aws) -> None:
    name = next(secretsmanager.listed(aws, "us-east-1", SHARDS)).name
    before = secretsmanager.versions(aws, "us-east-1", name)
    secretsmanager.put(aws, "us-east-1", name, "{}", "v" * 32)
    now = secretsmanager.versions(aws, "us-east-1", name)
    assert (now.current, now.previous) == ("v" * 32, before.current)


def test_replicas_in_other_accounts_are_told(aws: Aws, edit: Edit) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:999999999999:secret:x"
    there = [{"ReplicaSecretARN": arn, "ReplicationStatus": "InSync"}]
    edit("secrets-manager.DescribeSecret", lambda answer: answer.update(CrossAccountReplicas=there))
    assert secretsmanager.secret(aws, "us-east-1", NAME).other_accounts == ((arn, "InSync"),)
