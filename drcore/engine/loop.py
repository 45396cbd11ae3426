"""The one loop that carries out a step.

`before = look()`; if `expect(before)` holds it is ALREADY so. Otherwise consent, then the intent on disk, then
`act()`, then look until `expect` holds: DONE or FAILED. Rehearsal, idempotence, resume, verification, evidence,
timing all come from here; no step has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from drcore.calls.gate import Writes, WriteStopped
from drcore.clock import while_busy
from drcore.engine import lock
from drcore.engine.act_session import SessionPolicy, session_policies
from drcore.engine.consent import Choice, Consent, ConsentAnswer
from drcore.engine.context import Run
from drcore.engine.looking import Looking
from drcore.engine.looks import Looks, judge, may_pass, odd_answers_are_none, pause, see
from drcore.engine.naming import name_act
from drcore.engine.outcome import (
    AS_EXPECTED,
    GOOD,
    NOT_BEGUN,
    Answer,
    Begun,
    Outcome,
    Seconds,
    State,
    StepResult,
    Target,
    TargetResult,
)
from drcore.engine.outcome_word import OutcomeWord
from drcore.engine.permissions import OF_OWN_KEYS, Place
from drcore.engine.progress import Phase, StepProgress, Tell, tell_nobody
from drcore.engine.second_person import prove, wanted
from drcore.engine.step import Step
from drcore.errors import DrcoreError, Refused, Rejected, Unknown
from drcore.record.events import Event, Kind

_ATTEMPTS = 3  # so often is an act, or one batch, tried if it is not answered; each time after a look


def run_step(run: Run[Any, Any], step: Step[Any, Any], *, tell: Tell = tell_nobody, patient: bool = True) -> StepResult:
    """Carry out one step for all its targets, and return how it went. Raises Refused when consent was not given.

    `tell` is told how it stands meanwhile. Not `patient`: what is not answered is asked once, as it was asked before.
    """
    with run.calls.under(step.waiver):
        return _StepRun(run, step, tell, patient).all()


def begin(run: Run[Any, Any], step: Step[Any, Any]) -> int:
    """Begin the acts of a step that another one's consent covers, and wait for none. Returns how many were begun.

    What gives no answer, or a no, is left for the step's own turn (`run_step`), which also waits for those begun.
    """
    with run.calls.under(step.waiver):
        return _StepRun(run, step).begin()


def undo_step(run: Run[Any, Any], step: Step[Any, Any], target: Target, before: State) -> TargetResult:
    """Undo one act: bring `before` back, and look until it is there. The caller has asked for consent."""
    with run.calls.under(step.waiver):
        step_run = _StepRun(run, step)
        state = step_run.see(target)
        if state == before:
            return TargetResult(target, Outcome.ALREADY, "as it was before this run", state, state)
        return step_run.act_until(target, state, back_to=before)


def see_to(run: Run[Any, Any], step: Step[Any, Any], begun: Event, *, over: bool) -> TargetResult | None:
    """Look at an act that was begun and that nobody sees through; back out of it where it goes wrong.

    `over`: nobody will see it through any more, so what is not as expected by now is backed out of too. None: it was
    left alone. Raises Refused where the lock is lost.
    """
    with run.calls.under(step.waiver):
        return _StepRun(run, step).see_to(begun, over=over)


@dataclass
class _StepRun(Looking):
    """One step under way: what the loop has to remember."""

    human: float = 0
    given: ConsentAnswer | None = None
    begun: Begun = NOT_BEGUN

    def all(self) -> StepResult:
        run, step = self.run, self.step
        self.begun = run.begun.pop(step.key, NOT_BEGUN)
        began, slept, first_call = run.clock.now(), run.clock.slept, len(run.calls.made)
        self.tell(StepProgress(Phase.LOOKING))
        targets = self.targets()
        if targets and step.act is None:
            self.watch(targets)
        elif targets:
            self._look_and_act(targets)
        if run.rehearsing and step.act:
            self.results = {target: name_act(run, step, result) for target, result in self.results.items()}
        ended, cloud = run.clock.now(), run.clock.slept - slept
        machine = (ended - began).total_seconds() - self.human - cloud
        seconds = Seconds(round(machine, 3), round(self.human, 3), round(cloud, 3))
        calls = (*self.begun.calls, *run.calls.made[first_call:])
        result = StepResult(
            step.name,
            tuple(self.results.values()),
            began,
            ended,
            seconds,
            self.given,
            calls,
            one_is_enough=step.one_is_enough,
            waiver=step.waiver.why if step.waiver else "",
            after_rehearsed=self.only_rehearsed(),
            only_tells=step.only_tells,
        )
        return replace(result, words=self._words()) if result.untold else result

    def _words(self) -> str:
        """What a step that only tells had to tell, as far as that is known."""
        try:
            with odd_answers_are_none(self.step):
                return self.step.words(self.run) if self.step.words else ""
        except (Unknown, Rejected):
            return ""

    def begin(self) -> int:
        run, step = self.run, self.step
        before: dict[Target, State] = {}
        first_call = len(run.calls.made)
        with suppress(Unknown, Rejected):  # which targets there are is asked again when it is the step's turn
            for target in step.targets(run):
                with suppress(Unknown, Rejected):  # so is this one
                    self._begin(target, before)
        run.begun[step.key] = Begun(before, tuple(run.calls.made[first_call:]))
        return len(before)

    def _begin(self, target: Target, begun: dict[Target, State]) -> None:
        run, step = self.run, self.step
        needed = self._needed(target)
        if any(judge(run, step, each, see(run, step, each)).answer is not Answer.YES for each in needed):
            return
        before = state = see(run, step, target)
        if judge(run, step, target, state).answer is Answer.YES:
            if run.intended(step, target):  # before a restart: whether it lasts was not seen
                begun[target] = self._first_before(target)
            return
        tries = 0
        while judge(run, step, target, state).answer is Answer.NO:
            tries += 1
            if self._act(target, state, tries, None):
                return
            begun[target] = before
            last, state = state, see(run, step, target) if step.repeat else state
            if state == last:  # nothing moves by one more batch
                return

    def _first_before(self, target: Target) -> State:
        act = self.run.history.act(self.step, target)
        assert act  # asked for only where it was intended
        return self.step.from_json(act.first["before"])

    def _look_and_act(self, targets: tuple[Target, ...]) -> None:
        if self.begun.before and not self.step.repeat:
            self._see_through({target: self.begun.before[target] for target in targets if target in self.begun.before})
            targets = tuple(target for target in targets if target not in self.begun.before)
        ready, silent = self.first_looks(targets)
        if self.run.rehearsing:
            for target, before in (ready | self.look_again(silent)).items():
                self.note(self._rehearse(target, before))
            return
        leaning = {target: ready.pop(target) for target in [*ready] if self._leans_on(target, silent)}
        self._act_on(ready)
        late = leaning | self.look_again(silent)
        self._act_on({target: late[target] for target in targets if target in late}, after=bool(ready))

    def _see_through(self, begun: Mapping[Target, State]) -> None:
        """Wait for acts that were begun, all together; what does not come to hold is acted on again, by itself."""
        for target, (result, last) in self.wait_all(begun).items():
            again = result.outcome not in GOOD and last is not None
            self.note(self.made_safe(self.act_until(target, last) if again else result))

    def _act_on(self, states: Mapping[Target, State], *, after: bool = False) -> None:
        """Ask, and act on each.

        A no ends the run; but where others of this step were acted on, or the plan goes on without an answer, it is the
        result of these alone.
        """
        try:
            if states:
                self._ask(states)
        except Refused as error:
            if not (after or self.step.unanswered):
                raise
            for target, before in states.items():
                asked = self.step.unanswered
                why = self.step.expect(self.run, target, before).why if asked else f"not tried: {error}"
                skipped = bool(asked and not asked.step)
                outcome = Outcome.SKIPPED if skipped else Outcome.FAILED
                word = OutcomeWord.NOT_ANSWERED if skipped else None
                self.note(TargetResult(target, outcome, why, before, before, own_word=word))
            return
        for target, before in states.items():
            lacking = self._lacking(target)
            if lacking:
                why = f"not tried: it depends on {lacking.target}, which is {lacking.word}"
                self.note(TargetResult(target, Outcome.SKIPPED, why, before, before, own_word=OutcomeWord.NOT_TRIED))
            else:
                self.note(self.made_safe(self.act_until(target, before)))

    def _needed(self, target: Target) -> Iterable[Target]:
        """The targets that this one depends on."""
        return self.step.depends_on(self.run, target) if self.step.depends_on else ()

    def _leans_on(self, target: Target, silent: Mapping[Target, Looks]) -> bool:
        """Whether a target depends on one that gave no answer yet."""
        return any(each in silent for each in self._needed(target))

    def _lacking(self, target: Target) -> TargetResult | None:
        """A target that this one depends on, and that is not as expected; None where there is none."""
        results = [self.results[each] for each in self._needed(target) if each in self.results]
        return next((each for each in results if each.outcome not in AS_EXPECTED), None)

    # ── acting ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _rehearse(self, target: Target, before: State) -> TargetResult:
        """Call the act with the gate closed: its first write is reported with its exact arguments, and not made."""
        assert self.step.act  # carried here only with an act
        try:
            with self.run.calls.during(Writes.STOPPED), odd_answers_are_none(self.step):
                self.step.act(self.run, target, before)
        except WriteStopped as stopped:
            return TargetResult(target, Outcome.WOULD, str(stopped), before, before, calls=(stopped.call,))
        except (Unknown, Rejected) as error:
            return self.unseen(target, error)
        return TargetResult(target, Outcome.FAILED, "the act made no write that could be rehearsed", before, before)

    def _ask(self, states: Mapping[Target, State]) -> None:
        run, step = self.run, self.step
        made = len(run.calls.made)
        if step.consent is not Consent.NONE:
            # Nobody is asked in vain; where nobody is asked, it is refused right before the act.
            lock.fence(run, step)
            self.tell(StepProgress(Phase.ASKING, states))
            del run.calls.made[made:]  # what was read to be shown is no part of the step
        phrase = step.asks(run, states)
        choices = step.choices(run, states) if step.choices else ()
        before = run.clock.now()
        proof = None if run.rehearsing else wanted(run.service, run.plan, step.key)
        changes = f"{step.changes}; then a second person is waited for" if proof else step.changes
        with run.clock.person():
            self.given = run.prompt.choose(step.title, step.consent, choices or (Choice("", phrase),), changes)
        self.human = (run.clock.now() - before).total_seconds()
        fields = {"phrase": self.given.phrase, "choices": [each.as_data() for each in choices]}
        fields = fields if choices else {"phrase": phrase}
        run.record.append(Kind.CONSENT, step=step, **fields, **self.given.as_data())
        if proof and self.given.granted:
            self.given = prove(run, step, proof, states, self.given.phrase)
            self.human = (run.clock.now() - before).total_seconds()
        if not self.given.granted:
            raise Refused(f"{step.title}: {self.given.reason}. This step changed nothing.\n{self.given.next}")

    def act_until(self, target: Target, before: State, *, back_to: State | None = None) -> TargetResult:
        """Intent on disk, act, look until it shows. Where the answer was lost: look first, only then try again.

        What is refused because the service is busy was not done: it is tried for as long as the step is patient. So is
        what a step has to tell, whatever the refusal.
        """
        step, state, tries, attempts, began = self.step, before, 0, 0, self.run.clock.now()
        while True:
            tries += 1
            self.tell(StepProgress(Phase.ACTING, {target: state}, target=target))
            trouble = self._act(target, state, tries, back_to)
            calm, undone = trouble is None, isinstance(trouble, Rejected) and may_pass(step, trouble)
            attempts += not undone
            late = self.run.clock.now() + timedelta(seconds=pause(trouble)) >= began + self._busy_for
            last = (late if undone else attempts >= _ATTEMPTS) or not self.patient
            patient = (calm or (last and not undone)) and not step.repeat
            result, can_be = self.wait(target, before, back_to, patient=patient)
            if result.outcome is not Outcome.FAILED or not can_be:
                break
            moved = step.repeat and result.after != state
            if (undone or isinstance(trouble, Unknown)) and (moved or not last):
                self.run.clock.sleep(max(step.patience.every, pause(trouble)))
            elif not (calm and moved):
                if calm and step.repeat:  # no batch is moving any more: give the last one the step's whole time
                    result, _ = self.wait(target, before, back_to)
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
        fields = {"region": target.region, "thing": target.thing, "try": tries, "before": step.to_json(state)}
        fields |= self._limits
        try:
            lock.fence(run, step)
            run.record.append(kind, step=step, target=str(target), **fields)
            with self._writing(), odd_answers_are_none(step):
                answer = act(run, target, state if back_to is None else back_to)
        except (Unknown, Rejected) as error:
            refused = isinstance(error, Rejected)  # else it may have been done all the same
            run.record.append(Kind.ACT_FAILED, step=step, target=str(target), refused=refused, why=str(error))
            return error
        if isinstance(answer, str):  # the id of what was set in motion, to ask for it after any restart
            run.record.append(Kind.ACTED, step=step, target=str(target), answer=answer)
        return None

    def made_safe(self, result: TargetResult) -> TargetResult:
        """The same result, after a step that has acted and does not hold was made safe again."""
        run, step, target = self.run, self.step, result.target
        back_out, seen = step.back_out, result.after
        if back_out is None or seen is None or result.outcome not in (Outcome.FAILED, Outcome.UNKNOWN):
            return result
        lock.fence(run, step)
        run.record.append(Kind.BACK_OUT_INTENT, step=step, target=str(target), why=result.why)
        try:
            with self._writing():
                while_busy(run.clock, lambda: back_out(run, target, seen), self._busy_for, step.patience.every)
            after = see(run, step, target)
        except (Unknown, Rejected) as error:
            run.record.append(Kind.BACK_OUT_FAILED, step=step, target=str(target), why=str(error))
            return replace(result, why=f"{result.why}; backing out failed: {error}")
        run.record.append(Kind.BACKED_OUT, step=step, target=str(target))
        return replace(result, why=f"{result.why}; backed out", after=after)

    def see_to(self, begun: Event, *, over: bool) -> TargetResult | None:
        """As the function of that name."""
        target = Target(begun["region"], begun["thing"])
        before = self.step.from_json(begun["before"])
        looks = Looks(self.run, self.step, target)
        check = looks.look()
        if check.answer is Answer.YES or not (over or check.answer is Answer.NEVER):
            return None
        why = f"it was begun, and was not seen through: {check.why}"
        seen = before if looks.after is None else looks.after
        return self.made_safe(TargetResult(target, self._meaning(check, acted=True, held=False), why, before, seen))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Let an act write, and nothing beside what its step declares, where a role is taken on."""
        policies = [each.text for each in self._policies]
        with self.run.calls.during(Writes.ALLOWED), self.run.aws.limited_to(policies):
            yield

    @cached_property
    def _policies(self) -> Sequence[SessionPolicy]:
        """Empty: the whole role is needed, or there is none."""
        run, step = self.run, self.step
        if not run.service.role or step.whole_role:
            return ()
        return session_policies((*step.permissions, *OF_OWN_KEYS), Place(run.service, run.facts))

    @property
    def _limits(self) -> dict[str, str]:
        """What the journal says of an act that may do more than its step declares."""
        if not self.run.service.role:
            return {}
        how = self._policies[0].how if self._policies else f"the whole role: {self.step.whole_role}"
        return {"session": how} if how else {}

    @property
    def _busy_for(self) -> timedelta:
        """How long a service may say that it is busy: the step's own time, three tries at least."""
        patience = self.step.patience
        return timedelta(seconds=max(patience.within_s(self.run), (_ATTEMPTS - 1) * patience.every))
