"""A first page may be empty where the target stands on the next one."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.services import autoscaling
from tests.services.conftest import Edit


def test_a_target_is_found_behind_an_empty_page(aws: Aws, edit: Edit) -> None:
    found = autoscaling.scaling(aws, "us-east-1", "syncwell", "syncwell-worker")
    answers: list[dict[str, Any]] = []

    def empty_at_first(answer: dict[str, Any]) -> None:
        if not answers:
            answer.update(ScalableTargets=[], NextToken="0")  # a place in a list
        answers.append(answer)

    edit("application-auto-scaling.DescribeScalableTargets", empty_at_first)
    assert autoscaling.scaling(aws, "us-east-1", "syncwell", "syncwell-worker") == found
    assert len(answers) == 2


def test_a_service_that_is_no_target_is_rejected(aws: Aws) -> None:
    with pytest.raises(Rejected, match="is no scalable target"):
        autoscaling.scaling(aws, "us-east-1", "syncwell", "nobody")
