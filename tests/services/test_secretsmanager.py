"""A secret: whether it can be read where it is needed, and the state of each copy; its value is never handed out."""

from __future__ import annotations

from typing import Any

from drcore.calls.aws import Aws
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
