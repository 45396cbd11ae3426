"""The one loop that carries out a step.

`before = look()`; if `expect(before)` holds it is ALREADY so. Otherwise consent, then the intent on disk, then
`act()`, then look until `expect` holds: DONE or FAILED. Rehearsal, idempotence, resume, verification, evidence,
timing all come from here; no step has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from drcore.calls.gate import Writes, WriteStopped
from drcore.clock import until, while_busy
from drcore.engine import lock
from drcore.engine.consent import Given
from drcore.engine.context import Run
from drcore.engine.outcome import (
    Answer,
    Check,
    Outcome,
    Seconds,
    State,
    StepResult,
    Target,
    TargetResult,
    no,
    unknown,
    yes,
)
from drcore.engine.step import Step
from drcore.errors import Busy, DrcoreError, Refused, Rejected, Unknown
from drcore.record.events import Kind

_T = TypeVar("_T")
_ATTEMPTS = 3  # so often is an act, or one batch, tried if it is not answered; each time after a look


def carry(run: Run[Any, Any], step: Step[Any, Any]) -> StepResult:
    """Carry out one step for all its targets, and return how it went. Raises Refused when consent was not given."""
    with run.calls.under(step.waiver):
        return _Carrying(run, step).all()


def carry_back(run: Run[Any, Any], step: Step[Any, Any], target: Target, before: State) -> TargetResult:
    """Undo one act: bring `before` back, and look until it is there. The caller has asked for consent."""
    with run.calls.under(step.waiver):
        state = step.look(run, target)
        if state == before:
            return TargetResult(target, Outcome.ALREADY, "as it was before this run", state, state)
        return _Carrying(run, step).act_until(target, state, back_to=before)


class _Looks:
    """The looks at one target: the last answer, the last state, whether every answer was good."""

    def __init__(self, carrying: _Carrying, target: Target, back_to: State | None = None) -> None:
        self._carrying, self._target, self._back_to = carrying, target, back_to
        self.check, self.after, self.count, self.all_good = unknown("not looked at"), None, 0, True

    @property
    def settled(self) -> bool:
        """Whether looking again makes no sense: it is so, or can never be."""
        return self.check.answer in (Answer.YES, Answer.NEVER)

    def look(self) -> Check:
        """Look once. No answer is an answer of its own, never a yes."""
        run, step = self._carrying.run, self._carrying.step
        try:
            self.after = step.look(run, self._target)
        except (Unknown, Rejected) as error:
            self.check = unknown(str(error))
        else:
            self.check = step.expect(run, self._target, self.after) if self._back_to is None else self._is_back()
            run.watched.setdefault(step.key, []).append((run.clock.now(), self._target, self.after))
        self.count += 1
        self.all_good = self.all_good and self.check.answer is Answer.YES
        return self.check

    def _is_back(self) -> Check:
        back = self.after == self._back_to
        return yes("as it was before this run") if back else no("not as it was before")


@dataclass
class _Carrying:
    """One step under way: what the loop has to remember."""

    run: Run[Any, Any]
    step: Step[Any, Any]
    human: float = 0
    given: Given | None = None
    results: dict[Target, TargetResult] = field(default_factory=dict)

    def all(self) -> StepResult:
        run, step = self.run, self.step
        began, slept, first_call = run.clock.now(), run.clock.slept, len(run.calls.made)
        remaining = self._look_all()
        if remaining and step.act is None:
            self._watch(tuple(remaining))
        elif remaining and run.rehearsing:
            for target, before in remaining.items():
                self._note(self._rehearse(target, before))
        elif remaining:
            self._ask(remaining)
            for target, before in remaining.items():
                lacking = self._lacking(target)
                if lacking:
                    why = f"not tried: it depends on {lacking.target}, which is {lacking.outcome}"
                    self._note(TargetResult(target, Outcome.SKIPPED, why, before, before))
                else:
                    self._note(self._backed_out(self.act_until(target, before)))
        ended, cloud = run.clock.now(), run.clock.slept - slept
        machine = (ended - began).total_seconds() - self.human - cloud
        seconds = Seconds(round(machine, 3), round(self.human, 3), round(cloud, 3))
        calls = tuple(run.calls.made[first_call:])
        return StepResult(
            step.name,
            tuple(self.results.values()),
            began,
            ended,
            seconds,
            self.given,
            calls,
            one_is_enough=step.one_is_enough,
            waiver=step.waiver.why if step.waiver else "",
            after_rehearsed=self._only_rehearsed(),
        )

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _look_all(self) -> dict[Target, State]:
        """Look at every target. Settles those that need nothing, or cannot be helped; returns the others."""
        try:
            targets = tuple(self.step.targets(self.run))
        except (Unknown, Rejected) as error:
            self._note(self._unseen(Target(), error))
            return {}
        self.results = {target: TargetResult(target, Outcome.UNKNOWN, "not looked at yet") for target in targets}
        remaining: dict[Target, State] = {}
        for target in targets:
            if self.step.act is None:
                remaining[target] = None  # it only looks: that is done, with patience, in _watch
                continue
            try:
                state = self.step.look(self.run, target)
            except (Unknown, Rejected) as error:
                self._note(self._unseen(target, error))
                continue
            check = self._check(target, state)
            settled = self._settled(target, check)
            if settled:
                since = self.run.clock.now() if check.answer is Answer.YES else None
                outcome, why = self._excused(settled, check.why)
                result = TargetResult(target, outcome, why, state, state, since)
                stopped_before = outcome is Outcome.FAILED and self.run.intended(self.step, target)
                self._note(self._backed_out(result) if stopped_before else result)
            else:
                remaining[target] = state
        return remaining

    def _settled(self, target: Target, check: Check) -> Outcome | None:
        if check.answer is Answer.YES:
            # After a restart the act is found done; it is this run's own if its intent is in the journal.
            return Outcome.DONE if self.run.intended(self.step, target) else Outcome.ALREADY
        if check.answer is Answer.NO:
            return None
        return Outcome.FAILED if check.answer is Answer.NEVER else Outcome.UNKNOWN

    def _check(self, target: Target, state: State) -> Check:
        check = self.step.expect(self.run, target, state)
        told = {"state": self.step.to_json(state), "check": check.answer, "why": check.why}
        self.run.record.append(Kind.LOOK, step=self.step, target=str(target), **told)
        return check

    def _unseen(self, target: Target, error: DrcoreError) -> TargetResult:
        return TargetResult(target, *self._excused(Outcome.UNKNOWN, str(error)))

    def _excused(self, outcome: Outcome, why: str) -> tuple[Outcome, str]:
        """Neither a failure nor a pass where a step that was needed was only rehearsed."""
        first = self._only_rehearsed()
        if first and outcome in (Outcome.FAILED, Outcome.UNKNOWN):
            return Outcome.SKIPPED, f"after {first}, which was not done in this rehearsal: {why}"
        return outcome, why

    def _lacking(self, target: Target) -> TargetResult | None:
        """A target that this one depends on, and that is not as expected; None where there is none."""
        needed = self.step.depends_on(self.run, target) if self.step.depends_on else ()
        results = [self.results[each] for each in needed if each in self.results]
        return next((each for each in results if each.outcome not in (Outcome.ALREADY, Outcome.DONE)), None)

    def _only_rehearsed(self) -> str:
        """The first step that this one needs, itself or by another, and that was only rehearsed; empty if none."""
        for name in self.step.needs if self.run.rehearsing else ():
            result = self.run.result(name)
            if result and (result.outcome is Outcome.WOULD or result.after_rehearsed):
                return name.title
        return ""

    def _watch(self, targets: tuple[Target, ...]) -> None:
        """Look at all targets together until all are as expected (or one, where that is enough), and stay so."""
        looks: dict[Target, _Looks] = {target: _Looks(self, target) for target in targets}
        enough = any if self.step.one_is_enough else all

        def look() -> bool:
            for each in looks.values():
                each.look()
            return enough(each.settled for each in looks.values())

        _, since = self._until(look, lambda settled: settled)
        for target, each in looks.items():
            self._note(self._result(target, each, since, each.after, acted=False))

    def _wait(
        self, target: Target, before: State, back_to: State | None, *, patient: bool = True
    ) -> tuple[TargetResult, bool]:
        """After an act, look at one target until it is as expected, or back as it was; and whether it still can be."""
        looks = _Looks(self, target, back_to)
        _, since = self._until(looks.look, lambda _: looks.settled, patient=patient, hold=back_to is None)
        result = self._result(target, looks, since, before, acted=True)
        return result, looks.check.answer is not Answer.NEVER

    def _until(
        self, look: Callable[[], _T], good: Callable[[_T], bool], *, patient: bool = True, hold: bool = True
    ) -> tuple[_T, datetime | None]:
        run, step = self.run, self.step
        waits = not run.rehearsing  # in a rehearsal nothing was done that could be waited for
        within = step.patience.within_s(run) if waits and patient else 0
        lasting = step.patience.hold_s(run) if waits and hold else 0
        return until(run.clock, look, good, within=within, every=step.patience.every, hold=lasting)

    def _result(
        self, target: Target, looks: _Looks, since: datetime | None, before: State, *, acted: bool
    ) -> TargetResult:
        check, after = looks.check, looks.after
        told = {"state": self.step.to_json(after), "check": check.answer, "why": check.why, "looks": looks.count}
        self.run.record.append(Kind.LOOK, step=self.step, target=str(target), **told)
        outcome, why = self._excused(self._meaning(check, acted=acted, held=since is not None), check.why)
        if outcome is Outcome.DONE and not acted and looks.all_good:
            outcome = Outcome.ALREADY
        return TargetResult(target, outcome, why, before, after, since if check.answer is Answer.YES else None)

    def _meaning(self, check: Check, *, acted: bool, held: bool) -> Outcome:
        if check.answer is Answer.YES and (held or self.step.one_is_enough or not self.step.gate):
            return Outcome.DONE
        if check.answer is Answer.UNKNOWN:
            return Outcome.UNKNOWN
        return Outcome.FAILED if self.step.gate or acted else Outcome.SKIPPED

    # ── acting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _rehearse(self, target: Target, before: State) -> TargetResult:
        """Call the act with the gate closed: its first write is reported with its exact arguments, and not made."""
        assert self.step.act  # carried here only with an act
        try:
            with self.run.calls.during(Writes.STOPPED):
                self.step.act(self.run, target, before)
        except WriteStopped as stopped:
            return TargetResult(target, Outcome.WOULD, str(stopped), before, before, calls=(stopped.call,))
        except (Unknown, Rejected) as error:
            return self._unseen(target, error)
        return TargetResult(target, Outcome.FAILED, "the act made no write that could be rehearsed", before, before)

    def _ask(self, states: Mapping[Target, State]) -> None:
        run, step = self.run, self.step
        try:
            lock.fence(run, step)
        except Unknown as error:
            raise Refused(f"{step.title}: the lock cannot be read ({error}). This step changed nothing.") from error
        phrase = step.phrase(run, states) if step.phrase else f"{step.title.upper()}: {', '.join(map(str, states))}"
        before = run.clock.now()
        with run.clock.person():
            self.given = run.desk.ask(step.title, step.consent, phrase, step.changes)
        self.human = (run.clock.now() - before).total_seconds()
        run.record.append(Kind.CONSENT, step=step, phrase=phrase, durable=True, **self.given.as_data())
        if not self.given.granted:
            raise Refused(f"{step.title}: {self.given.reason}. This step changed nothing.\n{self.given.next}")

    def act_until(self, target: Target, before: State, *, back_to: State | None = None) -> TargetResult:
        """Intent on disk, act, look until it shows. Where the answer was lost: look first, only then try again.

        What is refused because the service is busy was not done: it is tried for as long as the step is patient.
        """
        step, state, tries, attempts, began = self.step, before, 0, 0, self.run.clock.now()
        while True:
            tries += 1
            trouble = self._act(target, state, tries, back_to)
            calm, busy = trouble is None, isinstance(trouble, Busy)
            attempts += not busy
            last = attempts >= _ATTEMPTS if not busy else self.run.clock.now() >= began + self._busy_for
            patient = (calm or (last and not busy)) and not step.repeat
            result, can_be = self._wait(target, before, back_to, patient=patient)
            if result.outcome is not Outcome.FAILED or not can_be:
                break
            moved = step.repeat and result.after != state
            if isinstance(trouble, Unknown | Busy) and (moved or not last):
                self.run.clock.sleep(step.patience.every)
            elif not (calm and moved):
                if calm and step.repeat:  # no batch is moving any more: give the last one the step's whole time
                    result, _ = self._wait(target, before, back_to)
                break
            state = result.after
            if moved:  # each batch has attempts, and a time, of its own
                attempts, began = 0, self.run.clock.now()
        if trouble and result.outcome is not Outcome.DONE:
            why = f"{trouble}; then seen: {result.why}"
            result = TargetResult(target, result.outcome, why, before, result.after)
        return result

    def _act(self, target: Target, state: State, tries: int, back_to: State | None) -> DrcoreError | None:
        run, step = self.run, self.step
        act = step.act if back_to is None else step.undo
        assert act  # carried here only with one
        kind = Kind.INTENT if back_to is None else Kind.UNDO_INTENT
        told = {"region": target.region, "thing": target.thing, "try": tries, "before": step.to_json(state)}
        try:
            lock.fence(run, step)
            run.record.append(kind, step=step, target=str(target), durable=True, **told)
            with run.calls.during(Writes.ALLOWED):
                answer = act(run, target, state if back_to is None else back_to)
        except (Unknown, Rejected) as error:
            refused = isinstance(error, Rejected)  # else it may have been done all the same
            run.record.append(Kind.ACT_FAILED, step=step, target=str(target), refused=refused, why=str(error))
            return error
        if isinstance(answer, str):  # the id of what was set in motion, to ask for it after any restart
            run.record.append(Kind.ACTED, step=step, target=str(target), answer=answer, durable=True)
        return None

    def _backed_out(self, result: TargetResult) -> TargetResult:
        """The same result, after a step that has acted and does not hold was made safe again."""
        run, step, target = self.run, self.step, result.target
        back_out, seen = step.back_out, result.after
        if back_out is None or seen is None or result.outcome not in (Outcome.FAILED, Outcome.UNKNOWN):
            return result
        lock.fence(run, step)
        run.record.append(Kind.BACK_OUT_INTENT, step=step, target=str(target), why=result.why, durable=True)
        try:
            with run.calls.during(Writes.ALLOWED):
                while_busy(run.clock, lambda: back_out(run, target, seen), self._busy_for, step.patience.every)
            after = step.look(run, target)
        except (Unknown, Rejected) as error:
            run.record.append(Kind.BACK_OUT_FAILED, step=step, target=str(target), why=str(error), durable=True)
            return replace(result, why=f"{result.why}; backing out failed: {error}")
        run.record.append(Kind.BACKED_OUT, step=step, target=str(target), durable=True)
        return replace(result, why=f"{result.why}; backed out", after=after)

    @property
    def _busy_for(self) -> timedelta:
        """How long a service may say that it is busy: the step's own time, three tries at least."""
        patience = self.step.patience
        return timedelta(seconds=max(patience.within_s(self.run), (_ATTEMPTS - 1) * patience.every))

    def _note(self, result: TargetResult) -> None:
        self.results[result.target] = result
        told = {"outcome": result.outcome, "why": result.why}
        self.run.record.append(Kind.RESULT, step=self.step, target=str(result.target), durable=True, **told)
