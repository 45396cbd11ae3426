"""SQS: whether it answers, what lies in a queue by its own counts, the redrive of a dead-letter queue.

No message is ever received here: one that is, even for no time, counts as received, and a redrive policy moves it away
after some of that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Unknown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many messages a queue has, by its own approximate counts: those that wait, and those that somebody has.

    `keeps_s` is for how many seconds it keeps a message; `dead_letters` the ARN of its dead-letter queue, or empty.
    """

    waiting: int
    held: int
    keeps_s: int
    arn: str
    dead_letters: str

    @property
    def messages(self) -> int:
        """All of them, whoever has them."""
        return self.waiting + self.held


@dataclass(frozen=True, slots=True)
class LastRedrive:
    """The newest redrive of a dead-letter queue: RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED; empty: none."""

    status: str = ""
    moved: int = 0
    to_move: int = 0
    why_failed: str = ""
    started: datetime | None = None
    handle: str = field(default="", compare=False)  # only while it runs


def ask(aws: Aws, region: str, queue: str) -> None:
    """Ask for the address of a queue, to see whether SQS answers at all. Raises Rejected, Unknown.

    Of the data plane only this call leaves every message as it is.
    """
    aws.call("sqs", region, "get_queue_url", QueueName=queue)


def counts(aws: Aws, region: str, queue: str) -> QueueCounts:
    """What lies in a queue. Raises Rejected where there is none, Unknown."""
    url = aws.call("sqs", region, "get_queue_url", QueueName=queue)["QueueUrl"]
    attributes = aws.call("sqs", region, "get_queue_attributes", QueueUrl=url, AttributeNames=["All"]).get(
        "Attributes", {}
    )
    waiting = _number(attributes, "ApproximateNumberOfMessages", queue, region)
    held = _number(attributes, "ApproximateNumberOfMessagesNotVisible", queue, region)
    delayed = _number(attributes, "ApproximateNumberOfMessagesDelayed", queue, region)
    keeps = _number(attributes, "MessageRetentionPeriod", queue, region)
    try:
        dead = str(json.loads(attributes.get("RedrivePolicy", "{}")).get("deadLetterTargetArn", ""))
    except (ValueError, AttributeError) as error:
        raise Unknown(f"sqs in {region}: the redrive policy of {queue} is not a JSON object: {error}") from error
    return QueueCounts(waiting + delayed, held, keeps, str(attributes.get("QueueArn", "")), dead)


def last_redrive(aws: Aws, region: str, dead_letters: str) -> LastRedrive:
    """The newest redrive of a dead-letter queue, by its ARN. Raises Rejected where it is none, Unknown."""
    tasks = aws.call("sqs", region, "list_message_move_tasks", SourceArn=dead_letters, MaxResults=1).get("Results", ())
    for task in tasks:
        started = task.get("StartedTimestamp")
        return LastRedrive(
            task["Status"],
            task.get("ApproximateNumberOfMessagesMoved", 0),
            task.get("ApproximateNumberOfMessagesToMove", 0),
            task.get("FailureReason", ""),
            None if started is None else _EPOCH + timedelta(milliseconds=started),
            task.get("TaskHandle", ""),
        )
    return LastRedrive()


def redrive(aws: Aws, region: str, dead_letters: str) -> None:
    """Move all messages of a dead-letter queue back to where they came from. AWS refuses while one runs."""
    aws.call("sqs", region, "start_message_move_task", SourceArn=dead_letters)


def stop_redrive(aws: Aws, region: str, handle: str) -> None:
    """End a redrive that runs: what it has moved stays moved. One that is over is refused."""
    aws.call("sqs", region, "cancel_message_move_task", TaskHandle=handle)


def _number(attributes: Mapping[str, Any], name: str, queue: str, region: str) -> int:
    value = attributes.get(name, "")
    if not str(value).isdecimal():
        raise Unknown(f"sqs in {region}: {name} of {queue}: expected a number, seen {value!r}")
    return int(value)
