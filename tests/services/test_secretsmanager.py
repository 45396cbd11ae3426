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
