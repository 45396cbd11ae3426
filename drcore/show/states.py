"""What is shown of a target's states: the fields that changed, otherwise what was seen."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drcore.show.values import flat, lines, plain
from drcore.show.wording import short

if TYPE_CHECKING:
    from drcore.engine.outcome import State, TargetResult

_LONGEST = 400  # letters of a value; what is longer is a file, not a line of a card
_WHOLE = 10_000
_MOST = 20  # so many of several states are shown: more of them belong into a table
_NOTHING = (plain(None), plain(""))
_ABSENT: tuple[str, object] = ("", None)
_WIDTH = 116  # letters of a line of text


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a state, each side in lines. `before` is None where there is nothing to compare with."""

    name: str
    before: tuple[str, ...] | None
    after: tuple[str, ...]

    @property
    def in_lines(self) -> bool:
        """Whether one line is not enough for it."""
        return max(len(self.before or ()), len(self.after)) > 1

    @property
    def gone(self) -> tuple[str, ...]:
        """The lines of before that are in it no more."""
        return tuple(line for line in self.before or () if line not in (*self.after, *_NOTHING))

    @property
    def came(self) -> tuple[str, ...]:
        """The lines that it did not have before."""
        return tuple(line for line in self.after if line not in (*(self.before or ()), *_NOTHING))


def changed(result: TargetResult) -> tuple[str, tuple[Field, ...]]:
    """What to say of a target's states: a heading with the fields that differ, or with those seen."""
    before, after = result.before, result.after
    if before is None or after is None:
        seen: State = before if after is None else after
        heading = "" if seen is None else "seen" if before is None else "seen before, not after"
        return heading, _all(seen)
    old, new = _by_label(before), _by_label(after)
    pairs = {name: (old.get(name, _ABSENT), new.get(name, _ABSENT)) for name in {**old, **new}}
    different = tuple(_difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])
    return ("changed", different) if different else ("seen", _all(after))


def as_text(result: TargetResult) -> list[str]:
    """The same as lines of text."""
    heading, fields = changed(result)
    if heading == "changed":
        return [line for field in fields for line in _change(field)]
    values = ", ".join(f"{field.name} {field.after[0]}".strip() for field in fields if not field.in_lines)
    first = [f"{heading}: {values}"] if values else []
    text = [
        line
        for each in first
        for line in textwrap.wrap(each, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    ]
    text += [line for field in fields if field.in_lines for line in _seen_in_lines(heading, field)]
    return [f"      {line}" for line in text]


def _change(field: Field) -> list[str]:
    if not field.in_lines and field.before:
        return [f"      {field.name}: {field.before[0]} → {field.after[0]}".replace("  : ", "  ")]
    name = [f"      {field.name}:"] if field.name else []
    return [*name, *(f"        - {line}" for line in field.gone), *(f"        + {line}" for line in field.came)]


def _seen_in_lines(heading: str, field: Field) -> list[str]:
    return [" ".join(filter(None, [heading, field.name])) + ":", *(f"  {line}" for line in field.after)]


def _by_label(state: State) -> dict[str, tuple[str, object]]:
    by_label: dict[str, tuple[str, object]] = {}
    for name, unit, value in flat(state):
        name = f"{name} ({len(by_label)})" if name in by_label else name  # noqa: PLW2901 - no change is lost by a label
        by_label[name] = (unit, value)
    return by_label


def _difference(name: str, old: tuple[str, object], new: tuple[str, object]) -> Field:
    before, after = (_shown(value, unit) for unit, value in (old, new))
    if before != after:
        return Field(name, before, after)
    return Field(name, (short(str(old[1]), _WHOLE),), (short(str(new[1]), _WHOLE),))  # they differ after the cut only


def seen(state: State) -> tuple[Field, ...]:
    """All fields of a state that is compared with nothing."""
    return _all(state)


def _all(state: State) -> tuple[Field, ...]:
    if state is None:
        return ()
    return tuple(Field(name, None, _shown(value, unit)) for name, unit, value in flat(state))


def _shown(value: object, unit: str) -> tuple[str, ...]:
    shown = lines(value, unit, _LONGEST)
    return shown if len(shown) <= _MOST else (*shown[:_MOST], f"{len(shown) - _MOST} more")
