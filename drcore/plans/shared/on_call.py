"""Telling whoever is on call: one page a run.

A step that every plan has in the same form; a plan gives the words. The page is looked for before it is sent, so that
nobody is told twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.step import Step, Way
from drcore.errors import Rejected, Unknown
from drcore.services import sns, sqs

if TYPE_CHECKING:
    from drcore.engine.context import Run

Words = Callable[["Run"], str]


@dataclass(frozen=True, slots=True)
class Paged:
    """Whether this run's page went out, and what it says. An empty text: there is nothing to tell."""

    sent: bool
    text: str = field(default="", compare=False)


def notify_on_call(words: Words, *, plan: str, needs: tuple[str, ...]) -> Step:
    """Page whoever is on call, once for each run, with what was seen. `words` is empty when nothing was."""

    def look(run: Run, target: Target) -> Paged:
        queue = run.service.on_call.audit_queues[target.region]
        sent = any(_run_id(body) == run.id for body in sqs.peek(run.aws, target.region, queue))
        return Paged(sent, "" if sent else words(run))

    def expect(run: Run, target: Target, paged: Paged) -> Check:
        if paged.sent:
            return yes("the page went out")
        return no(f"to be told: {paged.text}") if paged.text else yes("there is nothing to tell")

    def act(run: Run, target: Target, paged: Paged) -> None:
        message = json.dumps({"run_id": run.id, "environment": run.service.environment, "text": paged.text})
        topic = run.service.on_call.topics[target.region]
        sns.publish(run.aws, target.region, topic, f"SyncWell, plan {run.plan.upper()}: {run.id}", message)

    return Step(
        title="Notify on-call",
        plan=plan,
        changes="whoever is on call is paged, with what was seen",
        look=look,
        expect=expect,
        act=act,
        targets=_healthy_region,
        needs=needs,
        way=Way.COMPENSABLE,
        within=30,
        every=5,
        permissions=("sns:Publish", "sqs:GetQueueUrl", "sqs:ReceiveMessage"),
    )


def audit_queue(run: Run) -> tuple[str, Check]:
    """For a plan's `must_exist`: a page can be looked for, and is not moved away by being looked at.

    Each look counts as a receive, so the queue must have no redrive policy.
    """
    region = run.service.runner_region
    queue = run.service.on_call.audit_queues[region]
    try:
        moved = sqs.redrives(run.aws, region, queue)
    except Rejected as error:
        return "on-call audit queue", no(str(error))
    except Unknown as error:
        return "on-call audit queue", unknown(str(error))
    if moved:
        return "on-call audit queue", no(f"{queue} has a redrive policy: a look would move its messages away")
    return "on-call audit queue", yes(queue)


def _healthy_region(run: Run) -> list[Target]:
    return [Target(run.service.runner_region, "the on-call topic")]


def _run_id(body: str) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    return str(message.get("run_id", "")) if isinstance(message, dict) else ""
