"""Asking whether SQS answers takes no message, however short the visibility of one would be."""

from __future__ import annotations

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.services import sqs

EAST, QUEUE = "us-east-1", "syncwell-jobs"


def received(aws: Aws) -> dict[str, str]:
    url = aws.call("sqs", EAST, "get_queue_url", QueueName=QUEUE)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return dict(aws.call("sqs", EAST, "get_queue_attributes", QueueUrl=url, AttributeNames=names)["Attributes"])


def test_it_leaves_every_message_as_it_is(aws: Aws, gate: CallGate) -> None:
    url = aws.call("sqs", EAST, "get_queue_url", QueueName=QUEUE)["QueueUrl"]
    aws.call("sqs", EAST, "send_message", QueueUrl=url, MessageBody="a job")
    before = received(aws)
    made = len(gate.made)
    sqs.ask(aws, EAST, QUEUE)
    assert [(call.operation, call.write) for call in gate.made[made:]] == [("GetQueueUrl", False)]
    assert received(aws) == before
