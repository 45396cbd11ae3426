"""Acknowledging the incident: who has it, since when. Nobody in time: the second on-call is paged.

A step that every plan has in the same form, right after the page. No recovery waits for it: it asks whoever is there,
and goes on. Whoever consents to any step of the run has acknowledged too: it asks nobody for what the journal tells.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.clock import iso, parse_time
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Outcome, StepName, StepResult, Target, no, yes
from drcore.engine.permissions import second_topics
from drcore.engine.step import Patience, Reversibility, Settles, Step, Unanswered
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.events import Kind

_OF_A_PERSON = ("keyboard", "approvals file")  # how a consent is given that tells that somebody is there
SECOND = StepName("page-the-second-on-call", "Page the second on-call", "on-call")


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who has acknowledged, when, how (empty: nobody yet), and since when they have been paged; None: nobody was.

    `second` is the id of the message that has paged the second on-call; empty: none.
    """

    by: str = field(metadata=label("acknowledged by"))
    at: datetime | None = field(metadata=label("acknowledged at"))
    how: str = field(metadata=label("how"))
    paged: datetime | None = field(default=None, compare=False)
    second: str = field(default="", compare=False, metadata=label("message to the second on-call"))


def acknowledge(name: StepName, *, page: StepName) -> Step[Any, Acknowledged]:
    """Ask whoever is there to acknowledge what `page` has told, and page the second on-call where nobody does in time.

    In a drill the policy acknowledges, and the record says so.
    """

    def look(run: Run[Any], target: Target) -> Acknowledged:
        return _seen(run, name, page)

    def expect(run: Run[Any], target: Target, seen: Acknowledged) -> Check:
        if seen.at and seen.paged:
            took = f"{(seen.at - seen.paged).total_seconds():.0f} s after the page"
            return yes(f"acknowledged by {seen.by} ({seen.how}) at {iso(seen.at)}, {took}")
        if seen.second:
            return yes(f"nobody has acknowledged; the second on-call was paged, message {seen.second}")
        paged = run.result(page)
        if seen.paged is None and not (paged and paged.outcome is Outcome.WOULD):
            return yes("nobody was paged: there is nothing to acknowledge")
        since = f", paged at {iso(seen.paged)}" if seen.paged else ""
        return no(f"nobody has acknowledged yet{since}; in {_minutes(run)} min the second on-call is paged")

    def act(run: Run[Any], target: Target, seen: Acknowledged) -> None:
        run.decide(name, "acknowledged")

    def due(run: Run[Any]) -> datetime | None:
        seen = _seen(run, name, page)
        if seen.at or seen.second or seen.paged is None:
            return None
        return seen.paged + timedelta(minutes=run.service.on_call.acknowledge_minutes)

    def words_for_second(run: Run[Any]) -> str:
        if due(run) is None:
            return ""
        paging = run.history.act(page)
        text = paging.first["before"]["text"] if paging else ""
        return f"Nobody has acknowledged this page of {_minutes(run)} min ago, or the run has ended: {text}"

    second: Step[Any, Any] = notify_on_call(
        SECOND,
        words_for_second,
        needs=(),
        changes="the second on-call is paged, as nobody has acknowledged",
        topics_of=lambda service: service.on_call.second,
        may_publish_to=second_topics,
    )
    return Step(
        name,
        only_tells=True,
        words=lambda run: "that somebody has taken the incident on",
        changes="records who has taken the incident on, and when",
        look=look,
        expect=expect,
        act=act,
        needs=(page,),
        consent=Consent.GO,
        phrase=lambda run, states: f"ACKNOWLEDGE {run.id}",
        reversibility=Reversibility.COMPENSABLE,
        patience=Patience(within=0),
        settles=Settles("acknowledged", at=_when),
        unanswered=Unanswered(second, due),
    )


def _seen(run: Run[Any], name: StepName, page: StepName) -> Acknowledged:
    act = run.history.act(page)
    paged = parse_time(act.first["time"]) if act else None
    answer = run.history.answered(SECOND, Target(run.service.runner_region, "the on-call topic")).answer
    decided = run.decided(name).choice
    given = next(
        (
            line
            for line in run.history.lines(Kind.CONSENT)
            if line["granted"] and (line["how"] in _OF_A_PERSON or (decided and line.get("key") == name.key))
        ),
        None,
    )
    if not given:
        return Acknowledged("", None, "", paged, answer)
    at = parse_time(given["time"])
    return Acknowledged(given["by"], max(at, paged) if paged else at, given["how"], paged, answer)


def _when(result: StepResult) -> datetime | None:
    seen: Acknowledged | None = next(iter(result.states.values()), None)
    return seen.at if seen and seen.paged else None


def _minutes(run: Run[Any]) -> str:
    return f"{run.service.on_call.acknowledge_minutes:g}"
