"""What is shown at the end of a run: the verdict, the going back, the record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from drcore.show.cards import spent
from drcore.show.html import render
from drcore.show.states import as_text
from drcore.show.wording import at, columns, duration, named

if TYPE_CHECKING:
    from drcore.engine.outcome import TargetResult
    from drcore.engine.step import Step
    from drcore.engine.verdict import Objective, Verdict

_CELLS = 20  # of a bar, from nothing to its target


@dataclass(frozen=True, slots=True)
class _Moment:
    """A moment of the incident, with the seconds since the one before and since the first."""

    name: str
    at: datetime
    when: str
    after_last: float
    after_first: float


def verdict(judged: Verdict) -> tuple[str, str]:
    """Are we there: the word, why, time and data lost against their targets, the moments."""
    good = judged.reached
    word = f"{'✔' if good else '✖'} {judged.word.upper()}"
    objectives = [
        (name, *_measured(each, judged.recovered)) for name, each in (("RTO", judged.rto), ("RPO", judged.rpo))
    ]
    moments = list(_moments(judged.moments, judged.earliest))
    rows = [("still to be told", each) for each in judged.untold]
    rows += [("stands still", each) for each in judged.stands]
    rows += [*(("told", each) for each in judged.remarks), ("time spent", spent(judged.seconds))]
    html = render("verdict", verdict=judged, good=good, word=word, objectives=objectives, moments=moments, rows=rows)
    lines = [f"{word}  {judged.why}"]
    lines += [f"  {name}  {bar}{' ' if bar else ''}{text}" for name, bar, text in objectives]
    rows_of_moments = [
        (moment.name, moment.when, f"{duration(moment.after_last)} after {before.name}" if before else "")
        for before, moment in zip([None, *moments], moments, strict=False)
    ]
    return html, "\n".join([*lines, *columns(rows_of_moments), *columns(rows)])


def _measured(objective: Objective, recovered: bool) -> tuple[str, str]:
    """A bar, then the same in words. The bar's `┃` is the target. A goal that was missed has met nothing."""
    target, measured = objective.target, objective.measured
    if target is None:
        return "", "no target, " + ("not measured" if measured is None else f"measured {_took(objective)}")
    if measured is None:
        return "", f"not measured; the target is {duration(target)}"
    over = measured - target
    cells = math.ceil(_CELLS * measured / target) if target else _CELLS * 2 if measured else 0
    within = min(cells, _CELLS)
    bar = "█" * within + "░" * (_CELLS - within) + "┃" + "▓" * min(cells - within, _CELLS)
    end = f": MISSED by {duration(over)}" if over > 0 else ": met" if recovered else ""
    return bar, f"{_took(objective)} of {duration(target)}{end}"


def _took(objective: Objective) -> str:
    least = "" if objective.least is None else f"{duration(objective.least)} to "
    return f"{least}{duration(objective.measured)}"


def _moments(moments: Mapping[str, datetime], earliest: Mapping[str, datetime]) -> Iterator[_Moment]:
    in_order = sorted(moments.items(), key=lambda row: row[1])
    for (_, last), (name, moment) in zip([*in_order[:1], *in_order], in_order, strict=False):
        first = in_order[0][1]
        bound = f"{at(earliest[name])} to " if name in earliest else ""
        yield _Moment(
            name, moment, f"{bound}{at(moment)}", (moment - last).total_seconds(), (moment - first).total_seconds()
        )


def back(entries: Sequence[tuple[Step[Any, Any], TargetResult]], *, note: str = "") -> tuple[str, str]:
    """What this run has done, in the order in which it is undone (last first), or how undoing it ended."""
    lines = [
        f"{len(entries)} acts, the last one first."
        if entries
        else "This run has changed nothing: there is nothing to undo."
    ]
    why = " ".join(filter(None, [note, *lines]))
    html = render("back", entries=entries, why=why)
    text = [f"Going back: {why}"]
    for number, (step, result) in enumerate(entries, start=1):
        there = "can be undone" if step.undo else "no way back"
        text.append(f"  {number}. {named(result.word)}  {step.title}, {result.target} ({there}): {result.why}")
        text += as_text(result)
    return html, "\n".join(text)


def record(run_id: str, events: int, lost: str) -> tuple[str, str]:
    """The end: the record is sealed. `lost` says what went wrong with closing, empty when nothing did."""
    text = f"{events} events, each with the digest of the one before. Prove it with: drcore verify {run_id}"
    head = f"The record of {run_id} is sealed."
    sentence = f"{text}. {lost}" if lost else text
    return render("note", head=head, text=sentence), f"{head} {sentence}"
