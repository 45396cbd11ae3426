"""How a step stands while it is carried out: one card that is drawn anew in its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from drcore.show.html import render
from drcore.show.wording import at, columns, duration

if TYPE_CHECKING:
    from drcore.clock import Waiting
    from drcore.engine.progress import StepProgress
    from drcore.engine.step import Step

_DOES = {
    "looking": "reads what is there",
    "asking": "waits for your answer, in the field below",
    "acting": "changes something",
    "waiting": "looks until it is as expected",
}
_MOST = 12  # so many targets are listed: a card is drawn anew every few seconds


def rto_clock(used: float | None, rto: float | None) -> str:
    """`RTO 8 min of 20 min, 12 min left`; empty where there is none, or nothing has begun or users are well."""
    if rto is None or used is None:
        return ""
    left = f"{duration(rto - used)} left" if used <= rto else f"{duration(used - rto)} over"
    return f"RTO {duration(used)} of {duration(rto)}, {left}"


def progress(
    step: Step[Any, Any], how: StepProgress, now: datetime, phases: Sequence[tuple[str, datetime]], clock: str
) -> tuple[str, str]:
    """One moment of a step. `phases` are those until now with their begin, `clock` says what is left of the RTO."""
    rows = [("✔" if each in how.good else "…", str(each), why or "not looked at yet") for each, why in how.whys.items()]
    facts = [("now", f"{at(now)} UTC, {duration((now - phases[0][1]).total_seconds())} since it began")]
    if how.target:
        facts.append(("at", str(how.target)))
    if how.waiting:
        facts += _wait(how.waiting, len(how.good), len(rows), now)
    facts += [("clock", clock)] if clock else []
    word, does = f"… {how.phase.value.upper()}", _DOES[how.phase.value]
    more = f"and {len(rows) - _MOST} more" if len(rows) > _MOST else ""
    html = render(
        "progress", word=word, title=step.title, does=does, facts=facts, rows=rows[:_MOST], more=more, way=_way(phases)
    )
    lines = [f"{word}  {step.title}: {does}", *columns(facts), *columns(rows[:_MOST], indent="    ")]
    return html, "\n".join([*lines, *([f"    {more}"] if more else [])])


def _wait(waiting: Waiting, good: int, all_: int, now: datetime) -> list[tuple[str, str]]:
    facts = [("as expected", f"{good} of {all_}")]
    if waiting.since:
        held = f"since {at(waiting.since)}"
        until = now + timedelta(seconds=waiting.hold_left)
        facts.append(("holds", f"{held}, to be believed at {at(until)}" if waiting.hold_left else held))
    else:
        until = now + timedelta(seconds=waiting.left)
        facts.append(("waits", f"until {at(until)}, {duration(waiting.left)} more" if waiting.left else "no longer"))
    return facts


def passed(step: Step[Any, Any], phases: Sequence[tuple[str, datetime]], now: datetime) -> tuple[str, str]:
    """What stays in its place when the step has ended: when it looked, asked, acted, waited."""
    text = f"{step.title}: {_way(phases)}, over {at(now)}"
    return render("note", head="", text=text), text


def _way(phases: Sequence[tuple[str, datetime]]) -> str:
    return " → ".join(f"{name} {at(since)}" for name, since in phases)
