"""What follows from one consent is begun at once, before the first of it is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from drcore import show
from drcore.engine.context import Run
from drcore.engine.loop import begin
from drcore.engine.step import Plan, Step
from drcore.errors import Interrupted
from drcore.record.events import Kind
from drcore.run.recall import under_way
from drcore.run.screen import Screen


class Together:
    """The steps of a plan that follow from the consent to another one (`Step.begins`), in this process."""

    def __init__(self, run: Run[Any, Any], plan: Plan[Any], screen: Screen) -> None:
        self._run, self._plan, self._screen = run, plan, screen
        self._begun: set[str] = set()  # keys of the steps whose consent was followed up

    def begin(self, step: Step[Any, Any]) -> None:
        """Begin the acts of all that belong together with a step, once that consent stands, and say so.

        It is called before and after the step: the first of them that comes begins all, also after a restart. Raises
        Interrupted.
        """
        run = self._run
        first = next((each for each in self._plan.steps if step.name in (each.name, *each.begins)), step)
        known = run.results.get(first.key)
        if run.rehearsing or not first.begins or not known or known.stops or first.key in self._begun:
            return
        self._begun.add(first.key)
        parts = []
        for name in first.begins:
            if name.key not in run.results:
                following = self._plan.step(name.key)
                run.record.append(Kind.STEP, step=following, plan=following.plan, begun_by=first.key)
                with interruptible(run, following):
                    parts.append(f"{name.title} ({begin(run, following)})")
        if parts:
            self._screen.show(show.note(f"Begun at once, in this order: {', '.join(parts)}."))


@contextmanager
def interruptible(run: Run[Any, Any], step: Step[Any, Any]) -> Iterator[None]:
    """An interrupt says what is on its way, in the journal too. Raises Interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        why = f"{step.title} was interrupted; {under_way(run, step)}. To go on: run.go_on(), or this cell again."
        run.record.append(Kind.INTERRUPTED, step=step, why=why)
        raise Interrupted(why) from None
