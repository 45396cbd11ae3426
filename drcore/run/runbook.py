"""A run as its notebook calls it: open, preflight, step, verify, go back, close.

The notebook opens it with `runbook(…)` and then makes one call a cell. Everything that matters is in the record, so
a run that was killed is opened again under its id and goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

from drcore import show
from drcore.clock import Clock, parse_time
from drcore.engine import preflight, second_person
from drcore.engine.consent import APPROVALS, GOING_BACK, TERMINAL, Approvals, Consent, FrontEnd, read_approvals
from drcore.engine.context import Run
from drcore.engine.foresight import foreseen
from drcore.engine.loop import run_step
from drcore.engine.outcome import GOOD, StepName, StepResult
from drcore.engine.permissions import Place, fingerprint
from drcore.engine.standing import what_stands
from drcore.engine.step import Plan, Step
from drcore.engine.verdict import Verdict, Word
from drcore.errors import BadInput, Exit, Refused, RollbackFailed, StepFailed
from drcore.parameters import put_in_world
from drcore.record.events import Kind
from drcore.record.files import NOTEBOOK, PAGE, PARAMETERS
from drcore.record.redact import Redactor
from drcore.record.run_parameters import RunParameters
from drcore.run import paper, undo
from drcore.run.host import host
from drcore.run.judged import judged, note
from drcore.run.locking import take_the_lock
from drcore.run.plan_change import plan_change
from drcore.run.reading import Reading, cell
from drcore.run.recall import recalled, what_is_next
from drcore.run.screen import Screen
from drcore.run.together import Together, interruptible
from drcore.run.unattended import Unattended

_GOING_BACK = StepName("going-back", GOING_BACK, "going back")


def warm_up() -> None:
    """Load what charts are drawn with beside what is done now, which mostly waits for answers."""
    Thread(target=show.preload, daemon=True).start()


class Runbook:
    """One run, as the cells of its notebook call it, in the order in which they stand. What steps see is `run`."""

    def __init__(
        self,
        plan: Plan[Any],
        setting: RunParameters,
        folder: Path,
        *,
        keyboard: Callable[[str], str | None] | None = None,
        clock: Clock | None = None,
        approvals: Approvals | None = None,
        run_by: str = "drcore",
    ) -> None:
        self.plan, self.folder, self._run_by = plan, folder, run_by
        address = (setting.world or {}).get("address")
        facts = plan.facts.model_validate_json(put_in_world(json.dumps(setting.facts), setting.service, address))
        redact = Redactor(facts=setting.public)
        show.hide(redact)
        self.run: Run[Any, Any] = Run(
            plan.id,
            setting,
            facts,
            plan.incident.model_validate_json(json.dumps(setting.incident)),
            folder,
            redact=redact,
            whereabouts=show.whereabouts(
                environment=setting.service.environment,
                account=setting.service.account,
                regions=setting.service.regions,
                who=setting.service.role or "your own credentials",
                production=setting.service.production,
            ),
            keyboard=keyboard,
            clock=clock,
            approvals=approvals or read_approvals(Path(os.environ[APPROVALS]) if os.environ.get(APPROVALS) else None),
            front_end=FrontEnd(show.watched, bare=bool(os.environ.get(TERMINAL))),
        )
        self.run.prompt.announce = lambda text: self._screen.show(show.note(text))
        self.run.prompt.later = lambda step: foreseen(self.run, plan, step)
        self.record = self.run.record
        self._screen = Screen(self.run, plan)
        self.verdict: Verdict | None = None
        self.closed = self._ready = False
        self._together = Together(self.run, plan, self._screen)
        self._unattended = Unattended(self.run, plan, self._screen)
        self._earlier = recalled(self.run, plan)  # before a restart
        self.reading = Reading(lambda: show.watched() and not self.closed, self.run.clock.person)
        self._open()
        self.reading.begin()

    @property
    def results(self) -> Mapping[str, StepResult]:
        """How the steps went that this process has carried out."""
        return self.run.results

    @cell
    def preflight(self) -> None:
        """Check what must be so before anything is touched, and take the lock. Raises Refused, BadInput."""
        findings = []
        for finding in preflight.findings(self.run, self.plan):
            findings.append(finding)
            self.record.append(Kind.FINDING, what=finding.what, check=finding.check.answer, why=finding.check.why)
        self._screen.show(show.findings(findings))
        stops = [finding for finding in findings if finding.stops]
        if stops:
            why = f"{'; '.join(dict.fromkeys(each.text for each in stops))}. Nothing was changed."
            raise self._refused("preflight", why, BadInput if all(each.check.parameter for each in stops) else Refused)
        if not self.run.rehearsing:
            try:
                self.run.fencing_token = take_the_lock(self.run)
            except Refused as error:
                raise self._refused("lock", str(error)) from None
        self._ready = True
        by = self.run.person
        self.record.append(Kind.READY, by=by.name, arn=by.arn, login=self.run.login)

    @cell
    def overview(self) -> None:
        """Draw all steps of the plan, also how those ended that were carried out before a restart."""
        second = second_person.asked_at(self.run.service, self.plan.id)
        self._screen.show(show.overview(self.plan.steps, self._known(), second))

    @cell
    def go_on(self) -> None:
        """Carry on at the next step, after the preflight where this process has not passed it, and judge at the end.

        What is done by the record is done: it is not looked at again. Raises as `preflight` and `step` do.
        """
        if not self._ready:
            self.preflight()
        for step in self._to_come():
            self.step(step)
        self.verify()

    @cell
    def step(self, step: Step[Any, Any], *, despite: str = "") -> None:
        """Carry out one step and show it.

        A step whose needed steps are not done is refused, unless a reason is given with `despite`. Raises StepFailed
        when it ends FAILED or UNKNOWN, or one that it needs has and the plan went on until here; Refused when consent
        is not given.

        After the last step of a round it is carried out once more, while there is something left for it. A step that
        only tells raises no StepFailed: what it had to tell is tried again before the next one that tells,
        at the end, and when the run is resumed.
        """
        self._recall(before=step)
        self._do_unanswered()
        if step.only_tells:
            self._make_up(before=step)
        self._together.begin(step)
        result = self._run_step(step, despite)
        self._together.begin(step)
        if result.stops and not step.goes_on:
            self._unattended.see_to(over=True)
            raise StepFailed(f"{step.title} is {result.word}: {result.why}")
        for cycle in () if self.run.rehearsing else self.plan.rounds:
            if step.name == cycle.last and cycle.again(self.run):
                first = self.plan.steps.index(self.plan.step(cycle.first.key))
                for once_more in self.plan.steps[first : self.plan.steps.index(step) + 1]:
                    self.step(once_more)

    def _run_step(self, step: Step[Any, Any], despite: str = "", *, patient: bool = True) -> StepResult:
        self._in_order(step, despite)
        watch = self._screen.watch(step)
        try:
            with interruptible(self.run, step):
                result = run_step(self.run, step, tell=self._unattended.beside(step, watch.tell), patient=patient)
        except Refused as error:
            raise self._refused(step.title, str(error)) from None
        finally:
            watch.over()
        self.run.results[step.key] = result
        self._settle(step, result)
        self._screen.show(show.card(result, marks=self.run.marks()))
        for exhibit in self._screen.exhibits(step, result.states):
            self._screen.keep(exhibit)
        seconds = {"machine": result.seconds.machine, "human": result.seconds.human, "cloud": result.seconds.cloud}
        self.record.append(Kind.STEP_ENDED, step=step, outcome=result.outcome, word=result.word, seconds=seconds)
        return result

    def _make_up(self, before: Step[Any, Any] | None = None) -> None:
        """Try again to tell what could not be told, in order; nothing is waited for while a recovery is under way.

        What was told, or was found to need no telling, after something that is told now is looked at again.
        """
        made_up = False
        for step in () if self.run.rehearsing else self.plan.steps:
            if step is before:
                return
            result = self.results.get(step.key)
            if not step.only_tells or not step.act or not result or not (result.untold or made_up):
                continue
            try:
                made_up |= not self._run_step(step, patient=before is None).untold and result.untold
            except Refused as error:
                self._screen.show(show.note(f"Still to be told: {step.title}. {error}"))

    def _do_unanswered(self, *, at_the_end: bool = False) -> None:
        """Do what is due where nobody has consented to a step that only tells."""
        for step in () if self.run.rehearsing else self.plan.steps:
            late = step.unanswered.step if step.unanswered else None
            due = step.unanswered.due(self.run) if step.unanswered else None
            over = at_the_end and "healthy" not in self.run.moments
            if late and due and (over or due <= self.run.clock.now()):
                self._run_step(late)

    @cell
    def verify(self) -> None:
        """Say whether the goal was reached, and what it cost in time and data; tell first what is still to be told.

        What was begun and is on its way by itself is backed out of before, where it is not as expected by now.
        """
        self._unattended.see_to(over=True)
        if not self.results:
            self._recall()
        self._do_unanswered(at_the_end=True)
        self._make_up()
        self.verdict = judged(self.plan, self.run)
        note(self.run, self.verdict)
        self._screen.show(show.verdict(self.verdict))
        self._screen.timeline()

    def note(self, text: str) -> None:
        """Put a remark of the person who runs this into the journal. After the end: `drcore note RUN "…"`."""
        if not text.strip():
            raise BadInput('run.note("…"): expected a remark, seen nothing')
        line = self.record.append(Kind.NOTE, text=text.strip(), by=self.run.who, after_end=False)
        self._screen.show(show.note(f"Noted, line {line['n']}: {line['text']}"))

    @cell
    def go_back(self) -> None:
        """Undo what this run has done, last first, each verified. Only when the goal was missed and somebody says so.

        Past a point of no return nothing is undone, and nobody is asked: what is left then is a goal that was missed.
        Raises RollbackFailed when something is not as it was before.
        """
        done = list(undo.acts(self.plan, self.run))
        entries = undo.as_they_stand(done)
        undoable = [act for act in done if act[0].undo]
        if self.run.rehearsing or not undoable or (self.verdict and self.verdict.reached):
            kept = entries and not self.run.rehearsing and self.verdict and self.verdict.reached
            self._screen.show(show.back(entries, note="The goal was reached: nothing is undone." if kept else ""))
            return
        passed = next((why for step, _, _ in done if step.no_return and (why := step.no_return(self.run))), "")
        if passed:
            self.record.append(Kind.NO_WAY_BACK, why=passed)
            self._screen.show(show.back(entries, note=f"Nothing was undone: {passed}."))
            return
        names = ", ".join(f"{step.title} ({target})" for step, target, _ in undoable)
        phrase = f"GO BACK {self.run.id}"
        with self.run.clock.person():
            given = self.run.prompt.ask(GOING_BACK, Consent.TYPED, phrase, f"undoes, in this order: {names}")
        self.record.append(Kind.CONSENT, step=_GOING_BACK, phrase=phrase, **given.as_data())
        if not given.granted:
            self._screen.show(show.back(entries, note=f"Nothing was undone: {given.reason}. {given.next}"))
            return
        results = [(step, undo.undo(self.run, step, target, before)) for step, target, before in undoable]
        self._screen.show(show.back(results))
        bad = [f"{step.title}: {result.target}: {result.why}" for step, result in results if result.outcome not in GOOD]
        word, end = (Word.ROLLBACK_FAILED, Exit.ROLLBACK_FAILED) if bad else (Word.GONE_BACK, Exit.MISSED)
        if self.verdict:
            why = "; ".join(bad or ["what this run had done is undone", *undo.still_out(done)])
            stands = what_stands(self.plan.stands, self.run.history, self.plan.guarded)
            self.verdict = replace(self.verdict, word=word, why=why, moments=self.run.moments, exit=end, stands=stands)
            note(self.run, self.verdict)
        if bad:
            raise RollbackFailed("; ".join(bad))

    @cell
    def close(self) -> None:
        """Give the lock back, seal the record, and say where it lies."""
        lost, broke = "", bool(self.run.setting.fault) and not self.run.rehearsing
        if self.run.fencing_token or broke:  # a drill holds it since before its fault
            given_back = undo.give_lock_back(self.run)
            lost = "" if given_back.outcome in GOOD else f"The lock could not be given back: {given_back.why}"
            self.run.fencing_token = ""
        self.record.append(Kind.CLOSED, lock=lost or "given back")
        self.record.seal()
        self._screen.show(show.record(self.run.id, len(self.run.history), lost))
        self.record.close()
        self.closed = True

    # ── what was done before a restart ──────────────────────────────────────────────────────────────────────────────

    def _known(self) -> Mapping[str, StepResult]:
        return {**self._earlier, **self.results}

    def _to_come(self) -> tuple[Step[Any, Any], ...]:
        """The steps from the first one on that is not done."""
        known, steps = self._known(), self.plan.steps
        place = next((n for n, step in enumerate(steps) if step.key not in known or known[step.key].stops), len(steps))
        return steps[place:]

    def _recall(self, before: Step[Any, Any] | None = None) -> None:
        """Take up how the steps before one went, where this process has not carried them out."""
        for step in self.plan.steps:
            if step is before:
                return
            if step.key in self._earlier:
                self.run.results.setdefault(step.key, self._earlier[step.key])

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        again = self.run.history.has(Kind.OPENED)
        changed = plan_change(self.plan, self.run.history) if again else None
        if changed and changed.refused:
            refused = self._refused("open", changed.why)
            self.record.close()
            raise refused
        self.record.append(Kind.HOST, **host(), run_by=self._run_by)
        self._note_opened(again)
        for name in (NOTEBOOK, PAGE):  # written anew while this run goes on
            self.record.unbind(name)
        if not again:
            self.record.bind(PARAMETERS, title="what this run was started with")
            paper.write_at_open(self.plan, self.run, self._screen)
        if self.run.setting.fault:
            self.run.settle_moment("fault", parse_time(self.run.setting.fault["at"]))
        warm_up()
        self._screen.banner()
        if changed:
            self._screen.show(show.note(changed.why))
        if again:
            self._screen.show(show.note(what_is_next(self.run, self.plan, self._to_come())))

    def open_again(self) -> None:
        """The cell that opens the run was run again: nothing is lost, and the journal says so."""
        with self.reading.cell():
            self._note_opened(True)
            self._screen.banner()

    def _note_opened(self, again: bool) -> None:
        self.record.append(
            Kind.OPENED_AGAIN if again else Kind.OPENED,
            run_id=self.run.id,
            plan=self.plan.id,
            mode=self.run.mode,
            environment=self.run.service.environment,
            steps=self.plan.fingerprints(),
            policy=fingerprint(self.plan.permissions, Place(self.run.service, self.run.facts)),
        )

    def _in_order(self, step: Step[Any, Any], despite: str) -> None:
        order = [each.name for each in self.plan.steps]
        late = [each.unanswered.step for each in self.plan.steps if each.unanswered]
        if step.name not in order and step not in late:
            raise BadInput(f"plan {self.plan.id} has no step {step.title!r}")
        lacking = [name.title for name in step.needs if name.key not in self.results or self.results[name.key].stops]
        ended = [self.results[name.key] for name in step.needs if name.title in lacking and name.key in self.results]
        if ended and not despite and all(self.plan.step(each.name.key).goes_on for each in ended):
            whys = "; ".join(f"{each.name} is {each.word}: {each.why}" for each in ended)
            raise StepFailed(f"{step.title} was not begun: {whys}")
        if lacking and not despite:
            raise self._refused(
                step.title,
                f"{step.title} needs {', '.join(lacking)}, which is not done. Run that first, or say why not: "
                f'run.step(…, despite="the reason"). Nothing was changed.',
            )
        place = order.index(step.name) if step.name in order else len(order)
        later = [name.title for name in order[place + 1 :] if name.key in self.results]
        self.record.append(
            Kind.STEP, step=step, plan=step.plan, again=step.key in self.results, after=later, despite=despite
        )

    def _refused(self, what: str, why: str, kind: type[Refused | BadInput] = Refused) -> Refused | BadInput:
        self.record.append(Kind.REFUSED, what=what, why=why, exit=int(kind.exit))
        return kind(why)

    def _settle(self, step: Step[Any, Any], result: StepResult) -> None:
        """What a step has settled for the whole run: a moment, the data lost, whether a region is back."""
        settles = step.settles
        at = settles.at(result) if settles.moment else None
        if at:
            self.run.settle_moment(settles.moment, at)
        harm = settles.harm(result) if settles.harm else None
        if harm:
            self.run.settle_harm(harm)
        seconds = settles.lost(self.run, result) if settles.lost else None
        if seconds is not None:
            self.run.settle_loss(step, seconds)
        self.run.know_failed_region()
