"""SQS: looking at messages without taking them."""

from __future__ import annotations

from drcore.calls.aws import Aws


def redrives(aws: Aws, region: str, queue: str) -> bool:
    """Whether messages are moved away from a queue after some receives. Raises Rejected when there is no queue."""
    url = aws.call("sqs", region, "get_queue_url", QueueName=queue)["QueueUrl"]
    found = aws.call("sqs", region, "get_queue_attributes", QueueUrl=url, AttributeNames=["RedrivePolicy"])
    return bool(found.get("Attributes", {}).get("RedrivePolicy"))


def peek(aws: Aws, region: str, queue: str, most: int = 100) -> tuple[str, ...]:
    """The bodies of the messages that lie in a queue, each once.

    With a visibility timeout of 0 no other reader is kept from a message. One receive may show only a part of the
    queue, so it goes on until a receive shows nothing new.
    """
    url = aws.call("sqs", region, "get_queue_url", QueueName=queue)["QueueUrl"]
    seen: dict[str, str] = {}
    while len(seen) < most:
        found = aws.call(
            "sqs",
            region,
            "receive_message",
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
            WaitTimeSeconds=0,
        )
        new = {each["MessageId"]: each["Body"] for each in found.get("Messages", ()) if each["MessageId"] not in seen}
        if not new:
            break
        seen |= new
    return tuple(seen.values())


def knock(aws: Aws, region: str, account: str, queue: str) -> None:
    """Ask for one message without taking it, to see whether SQS answers at all. Raises Rejected, Unknown.

    The queue should be one without a redrive policy, as a message that is looked at counts as received. Its address
    is put together here, for looking it up needs a control plane.
    """
    url = f"https://sqs.{region}.amazonaws.com/{account}/{queue}"
    aws.call(
        "sqs", region, "receive_message", QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=0, WaitTimeSeconds=0
    )
