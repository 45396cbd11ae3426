"""Where the time of a run went, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drcore.show.wording import duration

if TYPE_CHECKING:
    from drcore.engine.outcome import StepResult
    from drcore.engine.outcome_word import OutcomeWord
    from drcore.record.evidence import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """One step on the timeline. `human`, `machine`, `cloud` in seconds; how they interleave is not known."""

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
    """A bar a step, with the moments of the incident; `due` is when the RTO is over, None where there is none."""

    name: str
    title: str
    bars: tuple[Bar, ...]
    moments: tuple[tuple[str, datetime], ...]
    due: datetime | None = None

    def table(self) -> Table:
        """The same numbers: a row a step, then a row a moment."""
        from drcore.record.evidence import Table

        steps = [
            ("step", bar.title, bar.outcome, bar.word, bar.began, bar.ended, bar.machine, bar.human, bar.cloud)
            for bar in self.bars
        ]
        moments = [("moment", name, None, None, moment, moment, None, None, None) for name, moment in self.moments]
        columns = ("kind", "name", "outcome", "word", "began", "ended", "machine_s", "human_s", "cloud_s")
        return Table(self.name, self.title, columns, (*steps, *moments))


def timeline(results: Mapping[str, StepResult], moments: Mapping[str, datetime], rto: float | None = None) -> Timeline:
    """A run's steps, in the order in which they were carried out, with its moments. `rto` in seconds."""
    bars = tuple(
        Bar(
            title=result.name.title,
            outcome=result.outcome.value,
            word=result.word,
            began=result.began,
            ended=result.ended,
            human=result.seconds.human,
            machine=result.seconds.machine,
            cloud=result.seconds.cloud,
        )
        for result in sorted(results.values(), key=lambda result: result.began)
    )
    parts = {
        "waiting for the cloud": sum(bar.cloud for bar in bars),
        "people": sum(bar.human for bar in bars),
        "machine": sum(bar.machine for bar in bars),
    }
    text = ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts.items())
    title = f"{duration(sum(parts.values()))} in steps: {text}"
    # Harm may have begun long before: the steps would be the last tenth of the picture.
    dated = [(name, moment) for name, moment in moments.items() if name != "harm"]
    start = moments.get("fault") or moments.get("detected")  # as the verdict counts
    due = start + timedelta(seconds=rto) if start and rto else None
    return Timeline("timeline", title, bars, tuple(sorted(dated, key=lambda each: each[1])), due)
