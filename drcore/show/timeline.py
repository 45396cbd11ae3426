"""Where the time of a run went, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drcore.engine.outcome_word import OutcomeWord, word_in
from drcore.show.wording import duration

if TYPE_CHECKING:
    from drcore.record.evidence import Mark, Table
    from drcore.record.step_turns import StepTurn


@dataclass(frozen=True, slots=True)
class Bar:
    """A step that was carried out once. `human`, `machine`, `cloud` in seconds; how they interleave is not known."""

    title: str
    outcome: str
    word: OutcomeWord
    began: datetime
    ended: datetime
    human: float
    machine: float
    cloud: float

    @property
    def total(self) -> float:
        return self.human + self.machine + self.cloud


@dataclass(frozen=True, slots=True)
class Timeline:
    """A bar for each time that a step was carried out, with the moments of the incident.

    `due` is when the RTO is over, None where there is none.
    """

    name: str
    title: str
    bars: tuple[Bar, ...]
    moments: tuple[Mark, ...]
    due: datetime | None = None

    @property
    def rows(self) -> tuple[tuple[Bar, ...], ...]:
        """The bars of each step, in the order in which the steps were carried out first."""
        rows: dict[str, list[Bar]] = {}
        for bar in self.bars:
            rows.setdefault(bar.title, []).append(bar)
        return tuple(map(tuple, rows.values()))

    def table(self) -> Table:
        """The same numbers: a row each time that a step was carried out, then a row a moment, with its bounds."""
        from drcore.record.evidence import Table

        steps = [
            ("step", bar.title, bar.outcome, bar.word, bar.began, bar.ended, bar.machine, bar.human, bar.cloud)
            for bar in self.bars
        ]
        moments = [
            ("moment", each.label, None, None, each.earliest or each.at, each.at, None, None, None)
            for each in self.moments
        ]
        columns = ("kind", "name", "outcome", "word", "began", "ended", "machine_s", "human_s", "cloud_s")
        return Table(self.name, self.title, columns, (*steps, *moments))


def timeline(turns: Sequence[StepTurn], marks: Sequence[Mark], rto: float | None = None) -> Timeline:
    """A run's steps, each time that they were carried out, with its moments. `rto` in seconds."""
    bars = tuple(
        Bar(
            title=turn.title,
            outcome=turn.outcome,
            word=word_in(turn.line),
            began=turn.began,
            ended=turn.ended,
            human=turn.seconds["human"],
            machine=turn.seconds["machine"],
            cloud=turn.seconds["cloud"],
        )
        for turn in turns
    )
    parts = {
        "waiting for the cloud": sum(bar.cloud for bar in bars),
        "people": sum(bar.human for bar in bars),
        "machine": sum(bar.machine for bar in bars),
    }
    text = ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts.items())
    title = f"{duration(sum(parts.values()))} in steps: {text}"
    # Harm may have begun long before: the steps would be the last tenth of the picture.
    dated = {mark.label: mark for mark in marks if mark.label != "harm"}
    first = dated.get("fault") or dated.get("detected")  # as the verdict counts
    start = first and (first.earliest or first.at)
    due = start + timedelta(seconds=rto) if start and rto else None
    return Timeline("timeline", title, bars, tuple(sorted(dated.values(), key=lambda mark: mark.at)), due)
