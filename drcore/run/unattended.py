"""Acts that were begun, which nobody sees through: their process was killed, or their cell was interrupted.

They go on by themselves: a ramp, a region that gets traffic. While other steps are carried out they are looked at, and
backed out of where they go wrong; before the run ends, all that are not as expected by then.
"""

from __future__ import annotations

from typing import Any

from drcore import show
from drcore.engine.context import Run
from drcore.engine.loop import see_to
from drcore.engine.progress import Phase, StepProgress, Tell
from drcore.engine.step import Plan, Step
from drcore.run.screen import Screen


class Unattended:
    """What a run has on its way that none of this process' steps is carrying out."""

    def __init__(self, run: Run[Any, Any], plan: Plan[Any], screen: Screen) -> None:
        self._run, self._screen = run, screen
        self._steps = tuple(plan.step(name.key) for name in plan.guarded)

    def beside(self, step: Step[Any, Any], tell: Tell) -> Tell:
        """What is told of a step under way, with a look at those acts each time. Raises Refused."""

        def tell_and_see(progress: StepProgress) -> None:
            tell(progress)
            if progress.phase is not Phase.ASKING:  # what is read to be asked is no part of the step
                self.see_to(but=step)

        return tell_and_see

    def see_to(self, *, over: bool = False, but: Step[Any, Any] | None = None) -> None:
        """Back out of what goes wrong; where the run is `over`, of all that is not as expected. Raises Refused."""
        if not self._run.fencing_token:  # nothing may be changed: it is told as what stands
            return
        for step in self._steps:
            if but and step.key == but.key:
                continue
            for begun in self._run.history.on_its_way(step.name):
                result = see_to(self._run, step, begun, over=over)
                if result:
                    self._screen.show(show.note(f"{step.title} ({result.target}): {result.why}"))
