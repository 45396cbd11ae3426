"""What a step sees of its targets, no answer among it.

No answer is an answer of its own, never a yes. A step that only tells must not stop a recovery, so there an answer of
a shape that nobody expected is no answer either; elsewhere it is a mistake in a plan, and is shown as one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from drcore.engine.context import Run
from drcore.engine.outcome import Answer, Check, State, Target, no, unknown, yes
from drcore.engine.step import Step
from drcore.errors import BadInput, Busy, DrcoreError, Rejected, Unknown

ODD = (BadInput, LookupError, TypeError, ValueError, AttributeError)  # what reading an odd answer ends in


@contextmanager
def odd_answers_are_none(step: Step[Any, Any]) -> Iterator[None]:
    """For a step that only tells: an answer of another shape is Unknown. Raises it."""
    try:
        yield
    except ODD as error:
        if not step.only_tells:
            raise
        raise Unknown(f"an answer that cannot be read: {type(error).__name__}: {error}") from error


def see(run: Run[Any, Any], step: Step[Any, Any], target: Target) -> State:
    """Look at a target once. Raises Unknown, Rejected."""
    with odd_answers_are_none(step):
        return step.look(run, target)


def judge(run: Run[Any, Any], step: Step[Any, Any], target: Target, state: State) -> Check:
    """What the step expects of a state. Raises Unknown where it only tells and cannot be read."""
    with odd_answers_are_none(step):
        return step.expect(run, target, state)


def may_pass(step: Step[Any, Any], error: Unknown | Rejected) -> bool:
    """Whether to ask again makes sense: it was not answered, the service is busy, or there is nothing to lose."""
    return step.only_tells or isinstance(error, Unknown | Busy)


def pause(error: DrcoreError | None) -> float:
    """The seconds for which a service that is busy is not to be asked again."""
    return error.after if isinstance(error, Busy) else 0


class Looks:
    """The looks at one target: the last answer, the last state, whether every answer was good."""

    def __init__(self, run: Run[Any, Any], step: Step[Any, Any], target: Target, back_to: State | None = None) -> None:
        self._run, self._step, self._target, self._back_to = run, step, target, back_to
        self.check, self.after, self.count, self.all_good = unknown("not looked at"), None, 0, True
        self.error: Unknown | Rejected | None = None  # of the last look
        self.unanswered = 0  # how many looks got no answer
        self.not_yet: datetime | None = None  # when it was last seen not to be so, or not seen at all

    @property
    def goes_back(self) -> bool:
        """Whether it is looked at until it is as it was before."""
        return self._back_to is not None

    @property
    def settled(self) -> bool:
        """Whether looking again makes no sense: it is so, or can never be."""
        return self.check.answer in (Answer.YES, Answer.NEVER)

    def look(self) -> Check:
        """Look once."""
        run, step = self._run, self._step
        try:
            self.after, self.error = see(run, step, self._target), None
            self.check = judge(run, step, self._target, self.after) if self._back_to is None else self._is_back()
        except (Unknown, Rejected) as error:
            self.check, self.error = unknown(str(error)), error
        else:
            run.watched.setdefault(step.key, []).append((run.clock.now(), self._target, step.remembers(self.after)))
        self.count += 1
        self.unanswered += self.error is not None
        if self.check.answer is not Answer.YES:
            self.all_good, self.not_yet = False, run.clock.now()
        return self.check

    def _is_back(self) -> Check:
        back = self.after == self._back_to
        return yes("as it was before this run") if back else no("not as it was before")


def longest_pause(looks: Collection[Looks]) -> Callable[[], float]:
    """How long the busiest of some targets is not to be asked."""
    return lambda: max((pause(each.error) for each in looks), default=0)
