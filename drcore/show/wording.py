"""How outcomes or times are put into words, the same in every card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drcore.engine.outcome import TargetResult
    from drcore.engine.outcome_word import OutcomeWord
    from drcore.engine.step import Step

ANSWERS = {"yes": "✔ yes", "no": "✖ no", "never": "✖ never", "unknown": "? unknown"}
_LONGEST = 120  # a longer value is cut: the whole of it is in the journal


def named(word: OutcomeWord) -> str:
    """`✔ DONE`."""
    return f"{word.sign} {word}"


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
    if all(map(str.isprintable, text.split("\n"))):  # a hundred times as quick as letter by letter
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\xa0" else " " for letter in text)


def asked(step: Step[Any, Any], second: bool) -> str:
    """What a step asks for before it acts: `go`, `a typed phrase`, one of several, or nothing.

    `second`: whether a second person is asked, too.
    """
    asks = "one of several typed phrases" if step.choices else str(step.consent.value)
    if second:
        return f"{asks}, then for a second person"
    return "" if asks == "none" else asks


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
