"""What is shown of a step: its card, its tables."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drcore.calls.gate import as_shell_commands
from drcore.engine.outcome_word import OutcomeWord
from drcore.record.evidence import Document, Table
from drcore.show.html import render
from drcore.show.states import as_text, seen
from drcore.show.values import plain
from drcore.show.wording import at, because, columns, day, duration, named

if TYPE_CHECKING:
    from drcore.calls.gate import Call
    from drcore.engine.outcome import Seconds, State, StepResult, Target, TargetResult
    from drcore.engine.step import Step
    from drcore.record.evidence import Cell, Mark


def card(result: StepResult, *, marks: Sequence[Mark] = ()) -> tuple[str, str]:
    """A step: outcome first, then each target with what changed, why; at last how to do it by hand.

    `marks` are the moments known so far: the card says how long after them the step began.
    """
    would = [call for target in result.targets if target.outcome == "WOULD" for call in target.calls]
    if_needed = [call for target in result.targets for call in target.if_needed]
    calls = [*would, *result.calls]
    rows = list(_facts(result))
    html = render(
        "card",
        result=result,
        when=_when(result, marks),
        why=_why(result),
        would=[_exactly(call) for call in would],
        if_needed=[_exactly(call) for call in if_needed],
        rows=rows,
        writes=as_shell_commands(calls, write=True),
        reads=as_shell_commands(calls, write=False),
    )
    lines = [f"{named(result.word)}  {result.name.title}", f"  {_why(result)}"]
    for target in result.targets:
        one = len(result.targets) == 1
        lines += [*([] if one else [f"  {named(target.word)}  {_said(target)}"]), *as_text(target)]
    lines += [f"  WOULD {call}" for call in would]
    lines += [f"  IF NEEDED {call}" for call in if_needed]
    return html, "\n".join([*lines, *(f"  {name}: {value}" for name, value in rows)])


def asked_about(step: Step[Any, Any], states: Mapping[Target, State], clock: str) -> Table:
    """What a step has seen, to be shown before it asks; `clock` says what is left of the RTO."""
    rows = tuple(
        (str(target), field.name, "; ".join(field.after)) for target, state in states.items() for field in seen(state)
    )
    title = ". ".join(filter(None, [f"{step.title}: seen now, before it asks", clock]))
    return Table(f"{step.key}-asked", title, ("target", "what", "seen"), rows)


def _when(result: StepResult, marks: Sequence[Mark]) -> str:
    """`09:12:05 to 09:12:37 UTC, 2026-01-05; 12 min 5 s after fault`."""
    text = f"{at(result.began)} to {at(result.ended)} UTC, {day(result.began)}"
    since = [
        f"{duration((result.began - mark.at).total_seconds())} after {mark.label}"
        for mark in sorted(marks, key=lambda mark: mark.at)
        if mark.at < result.began
    ]
    return "; ".join([text, *dict.fromkeys([*since[:1], *since[-1:]])])  # the fault, the latest news


def _why(result: StepResult) -> str:
    """Why, in one line; where targets ended in different ways, how many in which, with the reasons of the worst."""
    if not result.targets:
        return "there was nothing to do it for"
    if len(result.targets) == 1:
        return _said(result.targets[0])
    order = list(OutcomeWord)
    count = sorted(Counter(target.word for target in result.targets).items(), key=lambda pair: -order.index(pair[0]))
    counts = f"{len(result.targets)} targets: {', '.join(f'{number} {word}' for word, number in count)}"
    worst = [_said(each) for each in result.targets if each.outcome is result.outcome]
    return f"{counts}. {'; '.join(worst)}" if result.outcome in ("FAILED", "UNKNOWN") else counts


def _said(target: TargetResult) -> str:
    named_target = str(target.target)
    return because(target) if named_target == "all" else f"{named_target}: {because(target)}"


def _facts(result: StepResult) -> Iterable[tuple[str, str]]:
    given = result.given
    if given and given.how != "none needed":
        who = f"{given.by}, by {given.how}" if given.granted else f"REFUSED: {given.how or 'nobody was there'}"
        yield "consent", f"{who}: {given.reason}" if given.reason else who
    if given and given.granted and given.answer:
        yield "answer", given.phrase
    if result.untold:
        later = "the recovery goes on without it; it is tried again later in this run, at its end, and by drcore resume"
        yield "STILL TO BE TOLD", f"{result.words}; {later}" if result.words else later
    if result.waiver:
        yield "waiver", result.waiver
    yield "time", spent(result.seconds)


def spent(seconds: Seconds) -> str:
    """`32 s: machine 2 s, people 0 s, waiting for the cloud 30 s`."""
    parts = [
        ("machine", seconds.machine),
        ("people", seconds.human),
        ("waiting for the cloud", seconds.cloud),
    ]
    return f"{duration(seconds.total)}: {', '.join(f'{name} {duration(value)}' for name, value in parts)}"


def _exactly(call: Call) -> str:
    data = json.loads(json.dumps(call.parameters, default=plain))
    line = json.dumps(data, ensure_ascii=False)
    arguments = line if len(line) < 100 else json.dumps(data, indent=2, ensure_ascii=False)
    return f"{call.service}:{call.operation}" + (f" in {call.region}" if call.region else "") + f" {arguments}"


def table(shown: Table, limit: int = 20) -> tuple[str, str]:
    """A table with its title, the first `limit` rows. An unknown value says so."""
    rows = shown.rows[:limit]
    note = f"{limit} of {len(shown.rows)} rows; all are in {shown.name}.csv" if len(shown.rows) > limit else ""
    if not rows:
        note = "no rows"
    drawn = [_drawn(shown, row) for row in rows]
    html = render("table", table=shown, rows=drawn, note=note)
    cells = [shown.columns, *(tuple(cell.text for cell in row) for row in drawn)]
    return html, "\n".join([shown.title, *columns(cells), *([f"  {note}"] if note else [])])


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A cell as text, with the classes of its look."""

    text: str
    look: str = ""


def _drawn(shown: Table, row: tuple[Cell, ...]) -> list[_Drawn]:
    """The cells of a row. Two that are compared and alike are no change, and look like none."""
    if shown.compares is None:
        return [_cell(cell) for cell in row]
    before, after = shown.compares
    cells = dict(zip(shown.columns, row, strict=True))
    signs = {before: "-", after: "+"} if cells[before] != cells[after] else {before: "", after: ""}
    pairs = zip(shown.columns, row, strict=True)
    return [_compared(cell, signs[column]) if column in signs else _cell(cell) for column, cell in pairs]


def _compared(cell: Cell, sign: str) -> _Drawn:
    look = {"-": " dr-gone", "+": " dr-came"}.get(sign, "")
    return _Drawn("absent") if cell is None else _Drawn(f"{sign} {plain(cell)}".strip(), look)


def _cell(cell: Cell) -> _Drawn:
    number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return _Drawn(plain(cell, "unknown"), " dr-num" if number else "")


def page(shown: Table | Document) -> tuple[str, str]:
    """A table; a document with its title, as it was written."""
    if isinstance(shown, Document):
        return render("document", document=shown), "\n".join([shown.title, shown.text])
    return table(shown)
