"""What a run shows under its notebook's cells: cards, tables, charts, how a step stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from drcore import show
from drcore.engine.context import Run
from drcore.engine.last_drill import last_drill_history
from drcore.engine.outcome import Target
from drcore.engine.progress import Phase, StepProgress
from drcore.engine.step import Plan, Step
from drcore.errors import Rejected, Unknown
from drcore.record.events import Kind
from drcore.record.evidence import Bars, Chart, Document, Exhibit
from drcore.record.step_turns import step_turns
from drcore.run.forecast import Forecast, durations, forecast


class Screen:
    """Where one run shows what it does; without secrets, and without the port of the moment."""

    def __init__(self, run: Run[Any, Any], plan: Plan[Any]) -> None:
        self._run, self._plan = run, plan
        self._took: Mapping[str, timedelta] | None = None  # each step of the last drill, once it was read

    def banner(self) -> None:
        """Show where the run acts, as whom, how far it goes."""
        fault = self._run.setting.fault
        self.show(
            show.banner(
                plan=self._plan,
                mode=self._run.mode,
                environment=self._run.service.environment,
                account=self._run.service.account,
                regions=self._run.service.regions,
                who=self._run.service.role or "your own credentials",
                run_id=self._run.id,
                production=self._run.service.production,
                fault=fault["name"] if fault else "",
            )
        )

    def show(self, card: tuple[str, str]) -> None:
        """Show a card, given as HTML with its text."""
        show.display(*(self._run.redact(self.at_its_address(text)) for text in card))

    def at_its_address(self, text: str) -> str:
        """The text with the world's address as the parameters give it.

        A port of the moment is no fact of a plan: equal drills then look alike, and the commands fit a world that was
        started by hand.
        """
        world = self._run.setting.service.world
        address = (self._run.setting.world or {}).get("address")
        if not world or not address:
            return text
        now, then = urlsplit(address), urlsplit(world.address)
        in_dig = (f"@{now.hostname} -p {now.port}", f"@{then.hostname} -p {then.port}")  # its port stands apart
        return text.replace(address, world.address).replace(*in_dig)

    def watch(self, step: Step[Any, Any]) -> Watch:
        """What is shown of a step while it is carried out."""
        return Watch(self, self._run, step)

    def clock(self) -> str:
        """What is left of the RTO; empty before harm has begun, and when users are well."""
        start = self._counts_from()
        used = (self._run.clock.now() - start).total_seconds() if start else None
        return show.rto_clock(used, self._plan.rto(self._run))

    def forecast(self, step: Step[Any, Any], began: datetime) -> Forecast:
        """Whether the RTO will be kept, by the last drill; empty where that cannot be told. It is read once."""
        run, start, rto = self._run, self._counts_from(), self._plan.rto(self._run)
        if start is None or rto is None or step not in self._plan.steps:
            return Forecast()
        if self._took is None:
            made = len(run.calls.made)
            self._took = durations(last_drill_history(run))
            del run.calls.made[made:]  # they are no part of the step
        return forecast(self._plan, step, self._took, began, run.clock.now(), start + timedelta(seconds=rto))

    def _counts_from(self) -> datetime | None:
        """Since when the RTO is being used up; None before harm has begun, and when users are well."""
        moments = self._run.moments
        return None if "healthy" in moments else moments.get("fault") or moments.get("detected")

    def warn(self, step: Step[Any, Any], forecast: Forecast) -> None:
        """Say under the cell, at the terminal and in the journal that the RTO will be missed."""
        text = f"{step.title}: {forecast.text}."
        self._run.record.append(Kind.FORECAST, step=step, why=forecast.text)
        show.tell_at_once(*(self._run.redact(self.at_its_address(each)) for each in show.note(text)))

    def before_asking(self, step: Step[Any, Any], how: StepProgress, clock: str) -> None:
        """Show what was seen, and the step's tables and charts, above the question that is asked of it."""
        asked_about = show.asked_about(step, how.states, clock)
        self.keep(asked_about)
        self._lay_above(asked_about)
        for exhibit in self.exhibits(step, how.states):
            self._draw(exhibit)
            self._lay_above(exhibit)

    def _lay_above(self, exhibit: Exhibit) -> None:
        if self._run.prompt.wants_words:
            self._run.prompt.lay_above(self._run.redact(self.at_its_address(show.in_words(exhibit))) + "\n")

    def exhibits(self, step: Step[Any, Any], states: Mapping[Target, Any]) -> Iterator[Exhibit]:
        """The tables and charts of a step; where they cannot be read that is said, in the journal too."""
        if not step.shows or not states:
            return
        try:
            with self._run.calls.under(step.waiver):
                yield from step.shows(self._run, states)
        except (Unknown, Rejected) as error:
            text = f"The evidence of this step could not be read: {error}"
            self._run.record.append(Kind.NO_EVIDENCE, step=step, why=str(error))
            self.show(show.note(text))

    def keep(self, exhibit: Exhibit) -> None:
        """Show a table or chart, and keep it as evidence."""
        if isinstance(exhibit, Document):
            self._run.record.add_evidence(f"{exhibit.name}.md", exhibit.text, title=exhibit.title)
        else:
            table = exhibit.table() if isinstance(exhibit, Chart | Bars) else exhibit
            self._run.record.add_evidence(f"{exhibit.name}.csv", table.csv(), title=exhibit.title)
        picture = self._draw(exhibit)
        if picture:
            self._run.record.add_evidence(f"{exhibit.name}.png", picture, title=exhibit.title)

    def timeline(self) -> None:
        """Show where the time went, by the journal: before a restart too. Kept as evidence."""
        turns, run = step_turns(self._run.history), self._run
        if turns:
            chart = show.timeline(turns, run.marks(), self._plan.rto(run))
            run.record.add_evidence("timeline.csv", chart.table().csv(), title=chart.title)
            run.record.add_evidence("timeline.png", show.display_chart(chart, run.redact), title=chart.title)

    def _draw(self, exhibit: Exhibit) -> bytes:
        """Show a table or chart; returns the picture of a chart, empty for what has none."""
        if isinstance(exhibit, Chart | Bars):
            return show.display_chart(exhibit, self._run.redact)
        self.show(show.page(exhibit))
        return b""


class Watch:
    """One step as somebody sees it who waits for it: a card that fills in place, looking, asking, acting, waiting."""

    def __init__(self, screen: Screen, run: Run[Any, Any], step: Step[Any, Any]) -> None:
        self._screen, self._run, self._step = screen, run, step
        self._slot = show.Slot() if show.watched() else None
        self._phases: dict[str, datetime] = {}  # since when, the first time
        self._warned = False  # that the RTO will be missed: once a step

    def tell(self, how: StepProgress) -> None:
        """Draw it as it stands now; above a question what was seen, too."""
        now, clock = self._run.clock.now(), self._screen.clock()
        self._phases.setdefault(how.phase.value, now)
        if how.phase in (Phase.ASKING, Phase.WAITING):
            forecast = self._screen.forecast(self._step, next(iter(self._phases.values())))
            clock = "; ".join(filter(None, (clock, forecast.text)))
            if forecast.missed and not self._warned:
                self._warned = True
                self._screen.warn(self._step, forecast)
        if self._slot:
            self._draw(show.progress(self._step, how, now, [*self._phases.items()], clock))
        if how.phase is Phase.ASKING:
            self._screen.before_asking(self._step, how, clock)

    def over(self) -> None:
        """The step has ended: what stays is when it did what."""
        if self._phases and self._slot:
            self._draw(show.passed(self._step, [*self._phases.items()], self._run.clock.now()))

    def _draw(self, card: tuple[str, str]) -> None:
        if self._slot:
            self._slot.show(*(self._run.redact(self._screen.at_its_address(text)) for text in card))
