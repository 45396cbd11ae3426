"""Arguments for the functions of drcore/services/sqs.py."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Missing
from drcore.sandbox.services.sqs import RATE, Messages, QueuedMessage
from drcore.services import sqs

EAST, DEAD_LETTERS = "us-east-1", "arn:aws:sqs:us-east-1:123456789012:syncwell-jobs-dead"


def _idle(aws: Aws) -> str:
    """The dead-letter queue, of which no redrive runs."""
    under_way = sqs.last_redrive(aws, EAST, DEAD_LETTERS).handle
    if under_way:
        with suppress(Missing):  # it may come to its end between the two calls
            sqs.stop_redrive(aws, EAST, under_way)
    return DEAD_LETTERS


def _redrive_under_way(asking: Any) -> str:
    """The handle of a redrive that has work for a minute: one of an empty queue ends with the second it begins in."""
    now = asking.world.world.clock.now()
    dead = asking.world.world.state(Messages).queues[EAST, DEAD_LETTERS.rpartition(":")[2]]
    jobs = (json.dumps([f"job-{number}", now.isoformat(), number]) for number in range(60 * RATE))
    dead.extend(QueuedMessage(job, now, now) for job in jobs)
    _idle(asking.aws)
    sqs.redrive(asking.aws, EAST, DEAD_LETTERS)
    return sqs.last_redrive(asking.aws, EAST, DEAD_LETTERS).handle


QUEUES: dict[str, Any] = {
    "sqs.queue": "syncwell-jobs",
    "sqs.dead_letters": lambda asking: _idle(asking.aws),
    "sqs.handle": _redrive_under_way,
}
