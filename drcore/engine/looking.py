"""What the loop does without changing anything: looks at all targets, waits for them, says what that means.

The first look has the same patience as those after an act: what is not answered, or busy, is asked again. One target
that does not answer keeps no other from being acted on meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from drcore.clock import Waiting, iso, until
from drcore.engine.context import Run
from drcore.engine.looks import Looks, longest_pause, may_pass, odd_answers_are_none, pause, see
from drcore.engine.outcome import AS_EXPECTED, Answer, Check, Outcome, State, Target, TargetResult
from drcore.engine.outcome_word import OutcomeWord
from drcore.engine.progress import Phase, StepProgress, Tell, tell_nobody
from drcore.engine.step import Step
from drcore.errors import NoAnswer, Rejected, Unknown, is_missing
from drcore.record.events import Kind

_T = TypeVar("_T")
_REHEARSED = 30  # seconds at most for what is not answered in a rehearsal, where nobody is in need


@dataclass
class Looking:
    """One step under way, as far as it looks."""

    run: Run[Any, Any]
    step: Step[Any, Any]
    tell: Tell = tell_nobody
    patient: bool = True  # else what is not answered is asked once
    results: dict[Target, TargetResult] = field(default_factory=dict)

    # ── the first look ───────────────────────────────────────────────────────────────────────────────────────────

    def targets(self) -> tuple[Target, ...]:
        """What the step is about. Where that cannot be told, the result says so, and there is none."""

        def look() -> tuple[Target, ...]:
            with odd_answers_are_none(self.step):
                return tuple(self.step.targets(self.run))

        try:
            targets = self._patiently(look)
        except (Unknown, Rejected) as error:
            self.note(self.unseen(Target(), error))
            return ()
        self.results = {target: TargetResult(target, Outcome.UNKNOWN, "not looked at yet") for target in targets}
        return targets

    def see(self, target: Target) -> State:
        """Look at a target, again where it is not answered. Raises Unknown, Rejected."""
        return self._patiently(lambda: see(self.run, self.step, target))

    def _patiently(self, look: Callable[[], _T]) -> _T:
        answers: list[_T] = []
        last: Unknown | Rejected | None = None

        def trouble() -> Unknown | Rejected | None:
            nonlocal last
            try:
                answers.append(look())
                last = None
            except (Unknown, Rejected) as error:
                last = error
            return last

        self._until_answered(
            trouble, lambda error: not (error and may_pass(self.step, error)), lambda: pause(last), self._first_s()
        )
        if last:
            raise last
        return answers[-1]

    def _until_answered(
        self, look: Callable[[], _T], good: Callable[[_T], bool], busy: Callable[[], float], within: float
    ) -> None:
        """Before anything was done: look until there is an answer."""
        until(self.run.clock, look, good, within=within, every=self.step.patience.every, pause=busy)

    def _first_s(self) -> float:
        if not self.patient:
            return 0
        within = self.step.patience.within_s(self.run)
        if self.run.rehearsing:
            return 0 if self.only_rehearsed() else min(within, _REHEARSED)
        return within

    def first_looks(self, targets: tuple[Target, ...]) -> tuple[dict[Target, State], dict[Target, Looks]]:
        """Look at every target once. Settles those that need nothing, or cannot be helped.

        Returns those that are to be acted on, and those to be looked at again, as they gave no answer.
        """
        looks = {target: Looks(self.run, self.step, target) for target in targets}
        for target, look in looks.items():
            look.look()
            self._journal(target, look)
        silent = {target: each for target, each in looks.items() if self._is_silent(each) and self._first_s()}
        return self._settle({target: each for target, each in looks.items() if target not in silent}), silent

    def look_again(self, silent: Mapping[Target, Looks]) -> dict[Target, State]:
        """Look again at those that gave no answer, until they do. Settles them like the first look."""

        def look_at_silent() -> bool:
            for target, look in silent.items():
                if self._is_silent(look):
                    look.look()
                    self._journal(target, look)
            self._tell_looks(silent, None)
            return not any(map(self._is_silent, silent.values()))

        busy = longest_pause(silent.values())
        nap = max(self.step.patience.every, busy())
        if silent and nap <= self._first_s():
            self.run.clock.sleep(nap)
            self._until_answered(look_at_silent, bool, busy, self._first_s() - nap)
        return self._settle(silent)

    def _is_silent(self, looks: Looks) -> bool:
        """Whether it gave no answer, and might if it is asked again."""
        return looks.check.answer is Answer.UNKNOWN and (looks.error is None or may_pass(self.step, looks.error))

    def _journal(self, target: Target, looks: Looks) -> None:
        if looks.error is None:
            fields = {"state": self.step.to_json(looks.after), "check": looks.check.answer, "why": looks.check.why}
            self.run.record.append(Kind.LOOK, step=self.step, target=str(target), **fields)

    def _settle(self, looks: Mapping[Target, Looks]) -> dict[Target, State]:
        remaining: dict[Target, State] = {}
        for target, look in looks.items():
            check, state = look.check, look.after
            if look.error:
                self.note(self.unseen(target, look.error))
            elif check.answer is Answer.NO:
                remaining[target] = state
            else:
                since = self.run.clock.now() if check.answer is Answer.YES else None
                outcome, why = self._excused(self._found(target, check), check.why)
                result = TargetResult(target, outcome, why, state, state, since, own_word=check.word)
                stopped_before = outcome is Outcome.FAILED and self.run.intended(self.step, target)
                self.note(self.made_safe(result) if stopped_before else result)
        return remaining

    def _found(self, target: Target, check: Check) -> Outcome:
        if check.answer is Answer.YES:
            # After a restart the act is found done; it is this run's own if its intent is in the journal.
            return Outcome.DONE if self.run.intended(self.step, target) else Outcome.ALREADY
        return Outcome.FAILED if check.answer is Answer.NEVER else Outcome.UNKNOWN

    def made_safe(self, result: TargetResult) -> TargetResult:
        """What becomes of an act that this run had begun and that cannot come to hold: whoever acts says so."""
        return result

    # ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def watch(self, targets: tuple[Target, ...]) -> None:
        """Look at all targets together until all are as expected (or one, where that is enough), and stay so."""
        looks, since = self._until_all(targets)
        for target, look in looks.items():
            result = self._result(target, look, since, look.after, acted=False)
            good = look.check.answer is Answer.YES and result.outcome not in AS_EXPECTED
            self.note(replace(result, why=f"{result.why}; {self._not_held(looks)}") if good else result)

    def wait(
        self, target: Target, before: State, back_to: State | None, *, patient: bool = True
    ) -> tuple[TargetResult, bool]:
        """After an act, look at one target until it is as expected, or back as it was; and whether it still can be.

        Not `patient`: until there is an answer.
        """
        looks = Looks(self.run, self.step, target, back_to)
        since = self._settle_one(target, looks, patient=patient)
        if not patient and self._is_silent(looks):
            self._until_answered(
                looks.look, lambda _: not self._is_silent(looks), lambda: pause(looks.error), self._first_s()
            )
            since = self._settle_one(target, looks, patient=False) if looks.settled else None
        result = self._result(target, looks, since, before, acted=True)
        return result, looks.check.answer is not Answer.NEVER

    def wait_all(self, begun: Mapping[Target, State]) -> dict[Target, tuple[TargetResult, State | None]]:
        """Look at targets whose acts were begun, together, until all are as expected and stay so.

        `begun` has what was there before. Returns each result; with what was seen last, where another act may help.
        """
        looks, since = self._until_all(begun)
        ended = {}
        for target, look in looks.items():
            result = self._result(target, look, since, begun[target], acted=True)
            if since is None and look.check.answer is Answer.YES:  # another one has kept it from being seen to last
                result, _ = self.wait(target, begun[target], None)
            ended[target] = (result, None if look.check.answer is Answer.NEVER else look.after)
        return ended

    def _until_all(self, targets: Iterable[Target]) -> tuple[dict[Target, Looks], datetime | None]:
        """Look at all together until all are settled (or one, where that is enough); and since when they are."""
        looks = {target: Looks(self.run, self.step, target) for target in targets}
        enough = any if self.step.one_is_enough else all

        def look_at_all() -> bool:
            for look in looks.values():
                look.look()
            return enough(each.settled for each in looks.values())

        return looks, self._until(look_at_all, bool, looks)[1]

    def _settle_one(self, target: Target, looks: Looks, *, patient: bool) -> datetime | None:
        holds = not looks.goes_back
        return self._until(looks.look, lambda _: looks.settled, {target: looks}, patient=patient, hold=holds)[1]

    def _until(
        self,
        look: Callable[[], _T],
        good: Callable[[_T], bool],
        looks: Mapping[Target, Looks],
        *,
        patient: bool = True,
        hold: bool = True,
    ) -> tuple[_T, datetime | None]:
        run, step = self.run, self.step
        waits = not run.rehearsing  # in a rehearsal nothing was done that could be waited for
        within = step.patience.within_s(run) if waits and patient else 0
        lasting = step.patience.hold_s(run) if waits and hold else 0
        return until(
            run.clock,
            look,
            good,
            within=within,
            every=step.patience.every,
            hold=lasting,
            pause=longest_pause(looks.values()),
            after_look=lambda waiting: self._tell_looks(looks, waiting),
        )

    def _tell_looks(self, looks: Mapping[Target, Looks], waiting: Waiting | None) -> None:
        states = {target: each.after for target, each in looks.items() if each.after is not None}
        whys = {target: each.check.why for target, each in looks.items()}
        good = frozenset(target for target, each in looks.items() if each.check.answer is Answer.YES)
        self.tell(StepProgress(Phase.WAITING, states, whys, good, waiting=waiting))

    # ── what it means ────────────────────────────────────────────────────────────────────────────────────────────

    def _result(
        self, target: Target, looks: Looks, since: datetime | None, before: State, *, acted: bool
    ) -> TargetResult:
        check, after = looks.check, looks.after
        fields = {"state": self.step.to_json(after), "check": check.answer, "why": check.why, "looks": looks.count}
        self.run.record.append(Kind.LOOK, step=self.step, target=str(target), **fields)
        outcome, why = self._meaning(check, acted=acted, held=since is not None), check.why
        outcome, why = self._excused(outcome, why, looks.error)
        if outcome is Outcome.DONE and not acted and looks.all_good:
            outcome = Outcome.ALREADY
        good = check.answer is Answer.YES
        word = check.word if good and outcome in AS_EXPECTED else None
        dated = (since, looks.not_yet) if good else (None, None)
        return TargetResult(target, outcome, why, before, after, *dated, own_word=word)

    def _not_held(self, looks: Mapping[Target, Looks]) -> str:
        """Why a good last look at one target is not enough."""
        silent, count = sum(each.unanswered for each in looks.values()), sum(each.count for each in looks.values())
        lost = f"; {silent} of {count} looks got no answer" if silent else ""
        return f"but not all were so at the same time, for {self.step.patience.hold_s(self.run):g} s on end{lost}"

    def _meaning(self, check: Check, *, acted: bool, held: bool) -> Outcome:
        if check.answer is Answer.YES and (held or self.step.one_is_enough or not self.step.gate):
            return Outcome.DONE
        if check.answer is Answer.UNKNOWN:
            return Outcome.UNKNOWN
        return Outcome.FAILED if self.step.gate or acted else Outcome.SKIPPED

    def unseen(self, target: Target, error: Unknown | Rejected) -> TargetResult:
        """The result of a target that could not be looked at."""
        return TargetResult(target, *self._excused(Outcome.UNKNOWN, str(error), error))

    def _excused(self, outcome: Outcome, why: str, error: Unknown | Rejected | None = None) -> tuple[Outcome, str]:
        """Neither a failure nor a pass where it is missing because a step that was needed was only rehearsed.

        A refusal is no such thing: in the incident it would be the same. Nor is silence, unless the step says why it
        asks a region that may be away, or what it waits for has not come.
        """
        first = self.only_rehearsed()
        excused = error is None or is_missing(error) or (isinstance(error, NoAnswer) and self._may_be_away())
        if first and outcome in (Outcome.FAILED, Outcome.UNKNOWN) and excused:
            return Outcome.SKIPPED, f"after {first}, which was not done in this rehearsal: {why}"
        return outcome, why

    def _may_be_away(self) -> bool:
        """Whether it asks by a waiver, or a step that it needs was looked at in this rehearsal in vain."""
        if self.step.waiver:
            return True
        needed = [self.run.result(name) for name in self.step.needs]
        return any(result.outcome is Outcome.SKIPPED and result.after_rehearsed for result in needed if result)

    def only_rehearsed(self) -> str:
        """The first step that this one needs, itself or by another, and that was only rehearsed; empty if none."""
        for name in self.step.needs if self.run.rehearsing else ():
            result = self.run.result(name)
            if result and (result.outcome is Outcome.WOULD or result.after_rehearsed):
                return name.title
        return ""

    def note(self, result: TargetResult) -> None:
        """Keep a target's result, in the journal too."""
        word = result.own_word or _word_for(self.step, result.outcome, after_rehearsed=bool(self.only_rehearsed()))
        self.results[result.target] = result = replace(result, own_word=word)
        fields = {"region": result.target.region, "thing": result.target.thing}
        fields |= {"since": iso(result.since)} if result.since else {}
        fields |= {"outcome": result.outcome, "word": word, "why": result.why}
        self.run.record.append(Kind.RESULT, step=self.step, target=str(result.target), **fields)


def _word_for(step: Step[Any, Any], outcome: Outcome, *, after_rehearsed: bool) -> OutcomeWord:
    """What happened to a target of a step, where its check has not said so itself.

    `after_rehearsed`: a step that it needs was only rehearsed.
    """
    match outcome:
        case Outcome.ALREADY | Outcome.DONE if step.act is None:
            return OutcomeWord.PASSED if step.gate else OutcomeWord.FOUND
        case Outcome.ALREADY:
            return OutcomeWord.NOT_NEEDED
        case Outcome.SKIPPED if after_rehearsed:
            return OutcomeWord.NOT_YET
        case Outcome.SKIPPED:
            return OutcomeWord.NOT_TRIED if step.act else OutcomeWord.NOT_FOUND
        case Outcome.FAILED | Outcome.UNKNOWN if step.only_tells and step.act:
            return OutcomeWord.NOT_TOLD
        case _:
            return OutcomeWord[outcome.name]
