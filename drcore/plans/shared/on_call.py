"""Telling whoever is on call: one page a run.

A step that every plan has in the same form; a plan gives the words. A page cannot be looked for once it is sent: the
journal holds the id that SNS gave it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.engine.context import F, Run
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepName, Target, no, yes
from drcore.engine.permissions import Arns, iam_actions, topics
from drcore.engine.preflight import checked
from drcore.engine.step import Patience, Reversibility, Step
from drcore.parameters import Service
from drcore.services import sns


@dataclass(frozen=True, slots=True)
class Paged:
    """The id that SNS gave this run's page, and what the page says. An empty text: there is nothing to tell.

    `lost`: how often it was sent and no answer came, so that it may have gone out each time.
    """

    message: str = field(metadata=label("message id"))
    lost: int = field(default=0, metadata=label("tries without an answer"))
    text: str = field(default="", compare=False)


def notify_on_call(
    name: StepName,
    words: Callable[[Run[F]], str],
    *,
    needs: tuple[StepName, ...],
    changes: str = "whoever is on call is paged, with what was seen",
    topics_of: Callable[[Service], Mapping[str, str]] = lambda service: service.on_call.topics,
    may_publish_to: Arns = topics,
) -> Step[F, Paged]:
    """Page whoever is on call, once for each run, with what was seen. `words` is empty when nothing was.

    A page that got no answer is sent again: two pages are better than none. `topics_of` has the topic of each region.
    """

    def look(run: Run[F], target: Target) -> Paged:
        sent = run.history.answered(name, target)
        return Paged(sent.answer, sent.lost, "" if sent.answer else words(run))

    def expect(run: Run[F], target: Target, paged: Paged) -> Check:
        if paged.message:
            return yes(f"the page went out, message {paged.message}{_perhaps(paged.lost, 'more than once')}")
        if not paged.text:
            return yes("there is nothing to tell")
        return no(f"to be told: {paged.text}{_perhaps(paged.lost, 'all the same')}")

    def act(run: Run[F], target: Target, paged: Paged) -> str:
        message = json.dumps({"run_id": run.id, "environment": run.service.environment, "text": paged.text})
        topic = topics_of(run.service)[target.region]
        return sns.publish(run.aws, target.region, topic, f"SyncWell, plan {run.plan.upper()}: {run.id}", message)

    return Step(
        name,
        only_tells=True,
        words=words,
        changes=changes,
        look=look,
        expect=expect,
        act=act,
        targets=_healthy_region,
        needs=needs,
        reversibility=Reversibility.COMPENSABLE,
        patience=Patience(within=30, every=5),
        permissions=iam_actions("sns:Publish", on=may_publish_to),
    )


def _perhaps(lost: int, how: str) -> str:
    return f"; {lost} {'try' if lost == 1 else 'tries'} got no answer, so it may have gone out {how}" if lost else ""


def on_call_topic(run: Run[Any]) -> tuple[str, Check]:
    """For a plan's `must_exist`: the topic is there, and somebody is subscribed to it."""
    return "on-call topic", checked(_is_heard, run, run.service.on_call.topics)


def second_on_call_topic(run: Run[Any]) -> tuple[str, Check, bool]:
    """The same of the topic that pages where nobody has acknowledged. It stops no run: nobody may need it."""
    return "second on-call topic", checked(_is_heard, run, run.service.on_call.second), False


def _is_heard(run: Run[Any], topics: Mapping[str, str]) -> Check:
    region = run.service.runner_region
    topic = topics[region]
    heard = sns.is_heard(run.aws, region, topic)
    return yes(topic) if heard else no(f"{topic} has no subscriber: a page would reach nobody")


def _healthy_region(run: Run[Any]) -> list[Target]:
    return [Target(run.service.runner_region, "the on-call topic")]
