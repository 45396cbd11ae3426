"""The clocks of law: they run from "we are aware", which is the decision; they stand on every card.

What they want is drafted from the record, never sent: a person reads, completes, sends it. Our words, not a lawyer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from drcore.engine.outcome import Target
from drcore.engine.step import Step
from drcore.plans.e import titles
from drcore.plans.e.facts import ERun, LegalClock
from drcore.plans.e.findings import decided_finding, decided_mode, severity
from drcore.record.evidence import Bars, Cell, Document, Exhibit, Portion, Table

_BAR = 20  # letters


def began(run: ERun, clock: LegalClock) -> datetime | None:
    """When a clock began to run; None while it does not."""
    return run.moments.get("decided" if clock.since == "aware" else "mended")


def _due(clock: LegalClock, since: datetime) -> datetime:
    return since + timedelta(hours=clock.hours)


def _hours(span: timedelta) -> float:
    return span / timedelta(hours=1)


def _are_told(run: ERun) -> bool:
    """Not before somebody is aware, nor where nothing is to be done."""
    return bool(run.decided(titles.DECIDE).choice and decided_mode(run))


def clocks_table(run: ERun, name: str) -> Iterator[Table]:
    """Every clock that runs, with what is left of it as a bar; none before somebody is aware, or where none is."""
    if not _are_told(run):
        return
    now = run.clock.now()
    rows = tuple(_row(run, each, now) for each in run.facts.clocks)
    columns = ("duty", "to", "due (UTC)", "time gone", "hours left", "hours in all")
    yield Table(name, "Clocks of law: they run since the decision; nothing is sent by itself", columns, rows)


def _row(run: ERun, clock: LegalClock, now: datetime) -> tuple[Cell, ...]:
    since = began(run, clock)
    if since is None:
        return clock.name, clock.to, "not yet running", "·" * _BAR, None, clock.hours
    gone = min(1.0, (now - since) / timedelta(hours=clock.hours))
    bar = "█" * round(_BAR * gone)
    due = _due(clock, since)
    left = round(_hours(due - now), 2)
    return clock.name, clock.to, due, f"{bar:░<{_BAR}} {100 * gone:.1f} %", left, clock.hours


def clocks_chart(run: ERun, name: str) -> Iterator[Bars]:
    """How much of each clock is gone, as bars on one scale; none where no table of them is."""
    if not _are_told(run):
        return
    now, bars, due = run.clock.now(), list[Portion](), list[tuple[datetime, str]]()
    for clock in run.facts.clocks:
        since = began(run, clock)
        if since is None:
            bars.append(Portion(clock.name, None, clock.hours, "begins once the hole is closed"))
            continue
        until = _due(clock, since)
        due.append((until, clock.name))
        left = _hours(until - now)
        text = f"{left:.1f} h left" if left > 0 else "OVERDUE"
        bars.append(Portion(clock.name, _hours(now - since), clock.hours, f"{text}, {until:%m-%d %H:%M}"))
    title = "Clocks of law: none runs yet"
    if due:
        until, name_of_first = min(due)
        left = _hours(until - now)
        when = f"due in {left:.1f} h" if left > 0 else f"OVERDUE by {-left:.1f} h"
        title = f"Clocks of law: {name_of_first} is {when}, {until:%Y-%m-%d %H:%M} UTC"
    yield Bars(name, title, "hours since the clock began", tuple(bars))


def on_every_card(steps: Iterable[Step[Any, Any]]) -> tuple[Step[Any, Any], ...]:
    """The same steps, each with the clocks below what it shows itself."""
    return tuple(_with_clocks(step) for step in steps)


def _with_clocks(step: Step[Any, Any]) -> Step[Any, Any]:
    own = step.shows

    def shows(run: ERun, states: Mapping[Target, Any]) -> Iterator[Exhibit]:
        yield from own(run, states) if own else ()
        yield from clocks_table(run, f"clocks-{step.key}")

    return replace(step, shows=shows)


def drafts(run: ERun) -> Iterator[Document]:
    """One draft for each duty, as far as the record fills it in."""
    finding = decided_finding(run)
    if finding is None or not decided_mode(run):
        return
    how_bad = severity(finding)
    facts = [
        f"- Finding: {finding.id}, {finding.title}",
        f"- Severity: SSVC {how_bad.level or 'not told'} ({how_bad.vector}); CVSS {how_bad.cvss or 'not told'}",
        f"- Exploitation: {finding.exploitation}; known exploited (KEV): {'yes' if finding.known_exploited else 'no'}",
        f"- Exposed since: {finding.exposed_since:%Y-%m-%d %H:%M} UTC",
        f"- Reported to us: {finding.reported:%Y-%m-%d %H:%M} UTC",
        *(f"- {name.capitalize()}: {at:%Y-%m-%d %H:%M:%S} UTC" for name, at in sorted(run.moments.items())),
        f"- Mended by: {finding.fixed_in or 'not known yet'}",
    ]
    for number, clock in enumerate(run.facts.clocks, 1):
        since = began(run, clock)
        due = f"{_due(clock, since):%Y-%m-%d %H:%M} UTC" if since else "its clock does not run yet"
        text = "\n".join(
            [
                f"# DRAFT: {clock.name}",
                "",
                f"To: {clock.to}. Due: {due}. Not sent: a person completes and sends it.",
                "",
                *facts,
                "",
                "- [ ] Who is affected, in which countries?",
                "- [ ] Which data was reached, and what follows for those it is about?",
                "- [ ] What was done about it, what do we ask users to do?",
                "- [ ] Whom can the reader ask?",
                "",
            ]
        )
        yield Document(f"report-{number}", f"{clock.name}: a draft, which people complete", text)
