"""SQS: whether it answers."""

from __future__ import annotations

from drcore.calls.aws import Aws


def ask(aws: Aws, region: str, queue: str) -> None:
    """Ask for the address of a queue, to see whether SQS answers at all. Raises Rejected, Unknown.

    Of the data plane only this call leaves every message as it is: one that is received, even for no time, counts as
    received, and a redrive policy moves it away after some of that.
    """
    aws.call("sqs", region, "get_queue_url", QueueName=queue)
