"""How outcomes, times or states are put into words, the same in every card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drcore.engine.step import Outcome, State, Step, TargetResult

# A symbol beside the word, so that an outcome can be told at a glance, in grey, in a terminal.
SYMBOLS = {"ALREADY": "●", "DONE": "✔", "SKIPPED": "○", "WOULD": "▷", "UNKNOWN": "?", "FAILED": "✖"}
MEANINGS = {
    "ALREADY": "was so before, nothing was needed",
    "DONE": "seen to be as expected",
    "SKIPPED": "not done, the plan goes on",
    "WOULD": "rehearsed, nothing was sent",
    "UNKNOWN": "cannot be told, which is not healthy",
    "FAILED": "not as expected",
}
ANSWERS = {"yes": "✔ yes", "no": "✖ no", "never": "✖ never", "unknown": "? unknown"}
_LONGEST = 120  # a longer value is cut: the whole of it is in the journal
_MOST = 6  # so many fields of a state that did not change are shown


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a state. `before` is None where there is nothing to compare with."""

    name: str
    before: str | None
    after: str


def named(outcome: Outcome | str) -> str:
    """`✔ DONE`."""
    return f"{SYMBOLS[outcome]} {outcome}"


def duration(seconds: float | None) -> str:
    """`0.4 s`, `32 s`, `12 min 5 s`, `1 h 2 min`."""
    if seconds is None:
        return "unknown"
    if abs(seconds) < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(abs(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    large = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return ("-" if seconds < 0 else "") + " ".join(f"{number} {unit}" for number, unit in large if number)


def at(moment: datetime) -> str:
    """`09:41:12`, UTC."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def day(moment: datetime) -> str:
    """`2026-01-05`, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def plain(value: object, none: str = "none") -> str:
    """Any value in one line, never with a memory address."""
    match value:
        case None:
            return none
        case bool():
            return "yes" if value else "no"
        case Enum():
            return plain(value.value)
        case str():
            return short(value) or "(empty)"
        case float():
            return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"
        case int():
            return str(value)
        case datetime():
            return f"{day(value)} {at(value)}Z"
        case date():
            return value.isoformat()
        case bytes():
            return short(value.decode(errors="replace"))
        case Mapping():
            return short(", ".join(f"{key} {plain(inner)}" for key, inner in value.items()) or "none")
        case Set():
            return short(", ".join(sorted(map(plain, value))) or "none")
        case list() | tuple():
            return short(", ".join(map(_inner, value)) or "none")
    if is_dataclass(value) and not isinstance(value, type):
        return short(", ".join(f"{name} {plain(inner)}" for name, inner in flat(value)))
    return f"a {type(value).__name__}"


def _inner(value: object) -> str:
    return " ".join(map(plain, value)) if isinstance(value, list | tuple) else plain(value)


@dataclass
class _Hidden:
    by: Callable[[str], str] = str


_hidden = _Hidden()


def hide(redact: Callable[[str], str]) -> None:
    """From now on take secrets out of every value before it is cut: nobody recognises one half of a secret."""
    _hidden.by = redact


def _line(text: str) -> str:
    return " ".join(visible(_hidden.by(text)).split())


def short(text: str, longest: int = _LONGEST) -> str:
    """The text in one line of what can be seen, cut where it is too long."""
    line = _line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def middle(text: str, longest: int) -> str:
    """The text, its middle left out where it is too long: names that begin alike differ at their ends."""
    line = _line(text)
    half = (longest - 1) // 2
    return line if len(line) <= longest else f"{line[: longest - 1 - half]}…{line[-half:]}"


def visible(text: str) -> str:
    """The text without what cannot be seen but acts: escape sequences of a terminal, reversed writing."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\xa0" else " " for letter in text)


def flat(state: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """The fields of a state by name, those of inner ones as `outer.inner`.

    What does not count (`compare=False`) is left out.
    """
    if is_dataclass(state) and not isinstance(state, type):
        for each in fields(state):
            if each.compare:
                yield from flat(getattr(state, each.name), f"{prefix}.{each.name}")
    elif isinstance(state, Mapping) and state:
        for key, value in state.items():
            yield from flat(value, f"{prefix}.{plain(key)}")
    else:
        yield prefix.removeprefix("."), state


def changed(result: TargetResult) -> tuple[str, tuple[Field, ...]]:
    """What to say of a target's states: a heading with the fields that differ, or a few of those seen."""
    before, after = result.before, result.after
    if before is None or after is None:
        seen: State = before if after is None else after
        heading = "" if seen is None else "seen" if before is None else "seen before, not after"
        return heading, _some(seen)
    old, new = dict(flat(before)), dict(flat(after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if not names:
        return "seen", _some(after)
    return "changed", tuple(_difference(name, old.get(name), new.get(name)) for name in names)


def _difference(name: str, old: object, new: object) -> Field:
    before, after = plain(old), plain(new)
    return Field(name, before, after) if before != after else Field(name, str(old), str(new))


def _some(state: State) -> tuple[Field, ...]:
    if state is None:
        return ()
    seen = list(flat(state))
    more = [Field("", None, f"{len(seen) - _MOST} more fields, in the journal")] if len(seen) > _MOST else []
    return (*(Field(name, None, plain(value)) for name, value in seen[:_MOST]), *more)


def asked(step: Step) -> str:
    """What a step asks for before it acts: `go`, `a typed phrase`, or nothing."""
    return "" if step.consent.value == "none" else str(step.consent.value)


def because(result: TargetResult) -> str:
    """Why a target ended so. A rehearsed call is shown in full elsewhere."""
    if result.outcome != "WOULD" or not result.calls:
        return result.why
    return f"would call {', '.join(f'{call.service}:{call.operation}' for call in result.calls)}"


def columns(rows: Sequence[tuple[str, ...]], indent: str = "  ") -> list[str]:
    """Rows as lines of text whose columns stand under each other; the last column is as long as it likes."""
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)] if rows else []
    lines = []
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append((indent + "  ".join([*padded, row[-1]])).rstrip())
    return lines
