"""SNS: a page to whoever is on call."""

from __future__ import annotations

from drcore.calls.aws import Aws


def is_heard(aws: Aws, region: str, topic: str) -> bool:
    """Whether anybody has confirmed to be told what goes to a topic. Raises Rejected, Unknown."""
    subscriptions = aws.pages("sns", region, "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    return any(
        each["SubscriptionArn"].startswith("arn:") for each in subscriptions
    )  # else PendingConfirmation, or Deleted


def publish(aws: Aws, region: str, topic: str, subject: str, message: str) -> str:
    """Send one message. SNS takes a subject of up to 100 characters, ASCII only. Returns the id of the message.

    Once there is an id SNS has stored the message, and goes on to deliver it. Nobody can ask for it later.
    """
    sent = aws.call("sns", region, "publish", TopicArn=topic, Subject=subject[:100], Message=message)
    return str(sent["MessageId"])
