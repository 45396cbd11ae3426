"""All tasks of a cluster are read; one of which nothing can be told is not taken for stopped."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.services import ecs
from tests.services.conftest import Edit

EAST = "us-east-1"


def failing(reason: str) -> Any:
    def change(answer: dict[str, Any]) -> None:
        task = answer["tasks"].pop()
        answer["failures"] = [{"arn": task["taskArn"], "reason": reason}]

    return change


def test_tasks_are_all_read_where_there_are_more_than_a_page(aws: Aws) -> None:
    before = ecs.tasks(aws, EAST, "syncwell")
    for _ in range(12):
        aws.call("ecs", EAST, "run_task", cluster="syncwell", taskDefinition=before[0].task_definition, count=10)
    assert len(ecs.tasks(aws, EAST, "syncwell")) == len(before) + 120


def test_a_task_that_is_gone_is_left_out(aws: Aws, edit: Edit) -> None:
    before = len(ecs.tasks(aws, "us-west-2", "syncwell"))
    edit("ecs.DescribeTasks", failing("MISSING"))
    assert len(ecs.tasks(aws, "us-west-2", "syncwell")) == before - 1


def test_a_task_that_cannot_be_described_is_unknown(aws: Aws, edit: Edit) -> None:
    edit("ecs.DescribeTasks", failing("INACCESSIBLE"))
    with pytest.raises(Unknown, match="INACCESSIBLE"):
        ecs.tasks(aws, EAST, "syncwell")
