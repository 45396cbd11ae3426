"""Telling people: the page to whoever is on call, the public status page.

Steps that every plan has in the same form; a plan gives the words. Each message is looked for before it is sent, so
that nobody is told twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drcore.engine.consent import Consent
from drcore.engine.step import Check, Step, Target, Way, no, unknown, yes
from drcore.errors import Rejected, Unknown
from drcore.services import sns, sqs, statuspage
from drcore.services.statuspage import Incident

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
        sns.publish(run.aws, target.region, topic, f"SyncWell, plan {run.plan.id.upper()}: {run.id}", message)

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


def investigating(
    title: str,
    words: Words,
    *,
    plan: str,
    needs: tuple[str, ...],
    name: str = "Some requests are failing",
    components: str = "degraded_performance",
) -> Step:
    """Open this run's incident on the status page. `words` is empty when there is nothing to tell.

    `name` is its headline, `components` is how those of the service do now, in the status page's own words.
    """

    def expect(run: Run, target: Target, incident: Incident) -> Check:
        if incident.id:
            return yes(f"incident {incident.id} is {incident.status}")
        return no(f"to be posted: {words(run)}") if words(run) else yes("there is nothing to tell")

    def act(run: Run, target: Target, incident: Incident) -> None:
        affected = dict.fromkeys(run.service.status_page.components, components)
        statuspage.open_incident(run.http, _page(run), run.id, name, words(run), affected)

    return _post(title, words, f"the status page says: {name}", expect, act, plan=plan, needs=needs)


def update(title: str, words: Words, *, plan: str, needs: tuple[str, ...]) -> Step:
    """Say on the status page what is verified by now. `words` says nothing that is not."""

    def expect(run: Run, target: Target, incident: Incident) -> Check:
        if not incident.id:
            return yes("this run has posted nothing that could be updated")
        if incident.status in ("monitoring", "resolved"):
            return yes(f"incident {incident.id} is {incident.status}")
        return no(f"to be posted: {words(run)}")

    def act(run: Run, target: Target, incident: Incident) -> None:
        affected = dict.fromkeys(run.service.status_page.components, "operational")
        statuspage.update(run.http, _page(run), incident.id, "monitoring", words(run), affected)

    return _post(title, words, "the status page says what is verified by now", expect, act, plan=plan, needs=needs)


def resolved(title: str, words: Words, *, plan: str, needs: tuple[str, ...]) -> Step:
    """Resolve this run's incident, and set the components right again."""

    def expect(run: Run, target: Target, incident: Incident) -> Check:
        if not incident.id:
            return yes("this run has posted nothing that could be resolved")
        if incident.status == "resolved":
            return yes(f"incident {incident.id} is resolved")
        return no(f"it is {incident.status}")

    def act(run: Run, target: Target, incident: Incident) -> None:
        statuspage.resolve(run.http, _page(run), incident.id, words(run), run.service.status_page.components)

    changes = "the status page says what happened and that it is over"
    return _post(title, words, changes, expect, act, plan=plan, needs=needs)


def _post(
    title: str,
    words: Words,
    changes: str,
    expect: Callable[[Run, Target, Incident], Check],
    act: Callable[[Run, Target, Incident], None],
    *,
    plan: str,
    needs: tuple[str, ...],
) -> Step:
    """One message about this run's incident, which a person reads before it goes out."""

    def look(run: Run, target: Target) -> Incident:
        return statuspage.incident_of(run.http, _page(run), run.id)

    return Step(
        title=title,
        plan=plan,
        changes=changes,
        look=look,
        expect=expect,
        act=act,
        needs=needs,
        consent=Consent.GO,
        phrase=lambda run, states: f"POST TO {run.service.status_page.page}: {words(run)}",
        way=Way.COMPENSABLE,
        within=30,
        every=5,
    )


def _healthy_region(run: Run) -> list[Target]:
    return [Target(run.service.runner_region, "the on-call topic")]


def _page(run: Run) -> statuspage.Page:
    page = run.service.status_page
    return statuspage.Page(page.url, page.page, run.secret(page.api_key))


def _run_id(body: str) -> str:
    try:
        message = json.loads(body)
    except ValueError:
        return ""
    return str(message.get("run_id", "")) if isinstance(message, dict) else ""
