"""The lines that a journal has of one step, as it was carried out last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drcore.record.events import Event, Kind, Named, key_of
from drcore.record.history import History


@dataclass(frozen=True, slots=True)
class StepLines:
    """From a step's begin to its end: the first intent, the last look, the last result of each target.

    `ended` is None where it has not come to its end, or all of it was undone since.
    """

    began: Event
    intents: dict[str, Event] = field(default_factory=dict)
    looks: dict[str, Event] = field(default_factory=dict)
    results: dict[str, Event] = field(default_factory=dict)
    ended: Event | None = None

    @property
    def acted(self) -> Mapping[str, bool]:
        """The targets that were acted on, each with whether it is known how that went."""
        return {target: target in self.results for target in self.intents}


def step_lines(history: History, step: Named) -> StepLines | None:
    """How a step was carried out last; None where it never was. After it was undone it has not ended."""
    kinds = (Kind.STEP, Kind.INTENT, Kind.LOOK, Kind.RESULT, Kind.STEP_ENDED, Kind.UNDONE)
    lines: StepLines | None = None
    for line in history.lines(*kinds, step=step):
        match line["event"]:
            case Kind.STEP:  # what was begun before it was the step's turn, or before a restart, belongs to it
                lines = StepLines(line, lines.intents if lines and not lines.ended else {})
            case Kind.UNDONE if lines:
                lines = StepLines(lines.began)
            case Kind.INTENT if lines:
                lines.intents.setdefault(line["target"], line)
            case Kind.LOOK if lines:
                lines.looks[line["target"]] = line
            case Kind.RESULT if lines:
                lines.results[line["target"]] = line
            case Kind.STEP_ENDED if lines:
                lines = StepLines(lines.began, lines.intents, lines.looks, lines.results, line)
    return lines


def left_open(history: History) -> str:
    """The key of the step that was begun last and has not ended, as where a kernel was lost; empty: none."""
    last = history.last(Kind.STEP, Kind.STEP_ENDED)
    return key_of(last) if last and last["event"] == Kind.STEP else ""
