"""SNS: a page to whoever is on call."""

from __future__ import annotations

from drcore.calls.aws import Aws


def publish(aws: Aws, region: str, topic: str, subject: str, message: str) -> None:
    """Send one message. SNS takes a subject of up to 100 characters, ASCII only."""
    aws.call("sns", region, "publish", TopicArn=topic, Subject=subject[:100], Message=message)
