"""A topic is heard where anybody of its subscribers has confirmed, on whatever page that one stands."""

from __future__ import annotations

from typing import Any

from drcore.calls.aws import Aws
from drcore.services import sns
from tests.services.conftest import Edit

EAST = "us-east-1"


def topic(aws: Aws, subscribers: int) -> str:
    arn = str(aws.call("sns", EAST, "create_topic", Name=f"heard-by-{subscribers}")["TopicArn"])
    for number in range(subscribers):
        aws.call("sns", EAST, "subscribe", TopicArn=arn, Protocol="email", Endpoint=f"{number}@example.com")
    return arn


def pending(answer: dict[str, Any]) -> None:
    for each in answer["Subscriptions"]:
        each["SubscriptionArn"] = "PendingConfirmation"


def test_a_topic_without_subscribers_is_not_heard(aws: Aws) -> None:
    assert not sns.is_heard(aws, EAST, topic(aws, 0))


def test_one_who_has_not_confirmed_does_not_hear(aws: Aws, edit: Edit) -> None:
    arn = topic(aws, 1)
    assert sns.is_heard(aws, EAST, arn)
    edit("sns.ListSubscriptionsByTopic", pending)
    assert not sns.is_heard(aws, EAST, arn)


def test_one_who_has_confirmed_is_found_behind_a_page_of_others(aws: Aws, edit: Edit) -> None:
    arn = topic(aws, 120)
    pages: list[int] = []

    def first_pending(answer: dict[str, Any]) -> None:
        pages.append(len(answer["Subscriptions"]))
        if len(pages) == 1:
            pending(answer)

    edit("sns.ListSubscriptionsByTopic", first_pending)
    assert sns.is_heard(aws, EAST, arn)
    assert len(pages) == 2
