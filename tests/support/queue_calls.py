"""Arguments for the functions of drcore/services/sqs.py."""

from __future__ import annotations

from typing import Any

from drcore.calls.aws import Aws
from drcore.services import sqs

EAST, DEAD_LETTERS = "us-east-1", "arn:aws:sqs:us-east-1:123456789012:syncwell-jobs-dead"


def _idle(aws: Aws) -> str:
    """The dead-letter queue, of which no redrive runs."""
    under_way = sqs.last_redrive(aws, EAST, DEAD_LETTERS).handle
    if under_way:
        sqs.stop_redrive(aws, EAST, under_way)
    return DEAD_LETTERS


def _redrive_under_way(aws: Aws) -> str:
    for _ in range(3):  # one of an empty queue is over with the second in which it began
        if under_way := sqs.last_redrive(aws, EAST, DEAD_LETTERS).handle:
            return under_way
        sqs.redrive(aws, EAST, DEAD_LETTERS)
    raise AssertionError("no redrive runs")


QUEUES: dict[str, Any] = {
    "sqs.queue": "syncwell-jobs",
    "sqs.dead_letters": lambda asking: _idle(asking.aws),
    "sqs.handle": lambda asking: _redrive_under_way(asking.aws),
}
