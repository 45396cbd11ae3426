"""A run of one plan: what its steps are given, what the notebook calls.

The notebook opens it with `runbook(…)` and then makes one call a cell. Everything that matters is in the record, so
a run that was killed is opened again under its id and goes on.
"""

from __future__ import annotations

import getpass
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from drcore import plans, show
from drcore.calls.aws import Aws
from drcore.calls.gate import RECOVERED, Call, CallGate
from drcore.calls.http import Http
from drcore.clock import WallClock, clock_at, iso, parse_time
from drcore.engine import lock, preflight
from drcore.engine.break_glass import break_glass
from drcore.engine.consent import GOING_BACK, Approvals, Consent, Desk, read_approvals
from drcore.engine.loop import carry, carry_back
from drcore.engine.prepare import HOME, Setting, prepare
from drcore.engine.step import Outcome, Plan, Step, StepResult, Target, TargetResult
from drcore.engine.verdict import Objective, Verdict, Word, judge
from drcore.errors import BadInput, DrcoreError, Exit, Refused, Rejected, RollbackFailed, StepFailed, Unknown
from drcore.parameters import Mode, SecretRef, as_data, at_world, parse, put_in_world
from drcore.record import history
from drcore.record.evidence import Chart, Exhibit, Mark
from drcore.record.journal import CARD, NOTEBOOK, PAGE, PARAMETERS, Event, Record, read_events, write_whole
from drcore.record.redact import HIDDEN, Redactor

APPROVALS = "DRCORE_APPROVALS"  # how the launcher hands the kernel an approvals file: never by notebook parameters
_GOOD = (Outcome.ALREADY, Outcome.DONE, Outcome.SKIPPED, Outcome.WOULD)


def runbook(plan: str, *, environment: str, mode: str, run_id: str = "", **incident: Any) -> Run:
    """Open a run in a notebook. `incident` are the facts that only the incident knows.

    In a folder that holds the `parameters.json` of this run (where `drcore` starts a notebook) it goes on from there;
    elsewhere it begins a new record below `records/`.
    """
    chosen = plans.find(plan)
    here = Path.cwd()
    if (here / PARAMETERS).is_file():
        asked = {"plan": plan, "environment": environment, "mode": mode, "run_id": run_id}
        return _at(chosen, _agreed(here, asked, as_data(parse(incident, chosen.incident, chosen.notebook))), here)
    if mode not in list(Mode):
        raise BadInput(f"mode: expected one of {', '.join(Mode)}, seen {mode!r}")
    setting = prepare(chosen, environment, Mode(mode), incident, run_id=run_id)
    folder = HOME / "records" / setting.run_id
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / PARAMETERS).is_file():
        setting.write(folder)
    return _at(chosen, Setting.read(folder), folder)


def warm_up() -> None:
    """Load what charts are drawn with beside what is done now, which mostly waits for answers."""
    Thread(target=show.preload, daemon=True).start()


_opened: dict[Path, Run] = {}


def _at(plan: Plan, setting: Setting, folder: Path) -> Run:
    """The run of a folder: the same one where this notebook has opened it before, with what it has done since."""
    if folder in _opened and not _opened[folder].closed:
        _opened[folder].open_again()
    else:
        _opened[folder] = Run(plan, setting, folder)
    return _opened[folder]


def _agreed(folder: Path, asked: Mapping[str, str], incident: Mapping[str, Any]) -> Setting:
    """The setting of the record that the notebook lies in. Raises BadInput when the notebook asks for another one.

    What only the incident knows may still be changed in the notebook, until the run is opened for the first time.
    """
    setting = Setting.read(folder)
    if incident != setting.incident and not read_events(folder):
        setting = replace(setting, incident=incident)
        setting.write(folder)
    known = {"plan": setting.plan, **setting.as_parameters()}
    wrong = [
        f"{name}: expected {known[name]!r}, seen {value!r}"
        for name, value in {**asked, **incident}.items()
        if value != known[name] and (name, value) != ("run_id", "")
    ]
    if wrong:
        raise BadInput(
            f"{'; '.join(wrong)}. This notebook lies in the record of run {setting.run_id}, which was started so; for "
            "other parameters start another run. Nothing was changed."
        )
    return setting


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision: the choice (empty: none was made yet), who made it, why."""

    choice: str = ""
    by: str = ""
    reason: str = ""


class Run:
    """One run. Steps read its public attributes; the notebook calls its methods, in the order in which they stand."""

    def __init__(
        self,
        plan: Plan,
        setting: Setting,
        folder: Path,
        *,
        keyboard: Any = None,
        clock: Any = None,
        approvals: Approvals | None = None,
    ) -> None:
        self.plan, self.setting, self.folder = plan, setting, folder
        self.id, self.mode = setting.run_id, setting.mode
        address = (setting.world or {}).get("address")
        self.service = at_world(setting.service, address)
        self.facts: Any = plan.facts.model_validate_json(
            put_in_world(json.dumps(setting.facts), setting.service, address)
        )
        self.incident: Any = plan.incident.model_validate_json(json.dumps(setting.incident))
        self.rehearsing = self.mode is Mode.REHEARSE
        self.clock = clock or clock_at(self.service.clock)
        self.redact = Redactor()
        show.hide(self.redact)
        self.record = Record(folder, self.clock, self.redact)
        self.calls = CallGate(self.record.append)
        self.aws = Aws(
            self.calls, endpoint=self.service.endpoint, role=self.service.role, run_id=self.id, now=self.clock.now
        )
        self.http = Http(self.calls)
        self.who = f"{getpass.getuser()}@{platform.node()}"
        beforehand = approvals or read_approvals(Path(os.environ[APPROVALS]) if os.environ.get(APPROVALS) else None)
        policy = self.service.drill_policy if self.mode is Mode.DRILL else None
        where = show.whereabouts(
            environment=self.service.environment,
            account=self.service.account,
            regions=self.service.regions,
            who=self.service.role or "your own credentials",
            production=self.service.production,
        )
        self.desk = Desk(
            self.id, self.who, self.clock, policy=policy, approvals=beforehand, whereabouts=where, keyboard=keyboard
        )
        self.results: dict[str, StepResult] = {}
        self.moments: dict[str, datetime] = {}
        self.watched: dict[str, list[tuple[datetime, Target, Any]]] = {}  # what each look saw, by step
        self.lost_s: float | None = None  # the seconds of data that may be lost, once a step has measured it
        self._lost_region: str = getattr(self.incident, "failed_region", "")
        self._secrets: dict[str, str] = {}
        self._token = ""
        self.closed = False
        self.verdict: Verdict | None = None
        self._open()

    # ── what steps ask of a run ──────────────────────────────────────────────────────────────────────────────────

    @property
    def failed_region(self) -> str:
        """The region that this incident has lost: the one that was named, or confirmed by a person; empty if none."""
        return self._lost_region

    def now_text(self) -> str:
        """The time, as a record writes it."""
        return iso(self.clock.now())

    def secret(self, reference: SecretRef) -> str:
        """The value of a secret; from now on it is taken out of everything that is written. Raises Unknown."""
        if reference.secret not in self._secrets:
            value = resolve(reference, self.aws, self.service.runner_region)
            self.redact.add(value)
            self._secrets[reference.secret] = value
        return self._secrets[reference.secret]

    def intended(self, step: Step, target: Target) -> bool:
        """Whether this run itself has set out to do this, and has not undone it since."""
        return history.intended(self.record.events, step.title, target)

    def only_rehearsed(self, step: Step) -> str:
        """The first step that this one needs and that was only rehearsed; empty if none."""
        for title in step.needs if self.rehearsing else ():
            result = self.results.get(title)
            if result and (result.outcome is Outcome.WOULD or self.only_rehearsed(result.step)):
                return title
        return ""

    def decide(self, step: Step, choice: str, *, failed_region: str = "") -> None:
        """The act of a step that is a decision: it is recorded. A rehearsal stops it like any other write.

        With `failed_region` it was decided which region has failed: from now on no call goes there.
        """
        call = Call("drcore", "Decide", "", True, parameters={"step": step.title, "choice": choice})
        self.calls.admit(call)
        told = {"failed_region": failed_region} if failed_region else {}
        self.record.append("decision", step=step.title, choice=choice, durable=True, **told)
        self.calls.note(call, "OK")
        self._know(failed_region)

    def decided(self, step: Step) -> Decided:
        """What was decided in a step that is a decision, before a restart too."""
        made, asked = self.last("decision", step), self.last("consent", step)
        if not made:
            return Decided()
        return Decided(made["choice"], *((asked["by"], asked["reason"]) if asked else ()))

    def last(self, event: str, step: Step) -> Event | None:
        """The last line of a kind that the journal holds for a step."""
        return next(
            (
                line
                for line in reversed(self.record.events)
                if line["event"] == event and line.get("step") == step.title
            ),
            None,
        )

    def fence(self, step: Step) -> None:
        """Make sure, right before an act, that the lock is still this run's. Raises Refused."""
        if self.rehearsing or step is lock.TAKE:
            return
        if not self._token:
            raise Refused("the preflight has not been passed: run that cell first. Nothing was changed.")
        target = Target(self.service.runner_region)
        if step is not lock.GIVE and lock.look(self, target).token != self._token:
            raise Refused(
                "the lock of this plan is no longer this run's: somebody else has taken over. Nothing was changed."
            )

    # ── what the notebook calls ──────────────────────────────────────────────────────────────────────────────────

    def preflight(self) -> None:
        """Check what must be so before anything is touched, and take the lock. Raises Refused."""
        found = []
        for finding in preflight.findings(self):
            found.append(finding)
            self.record.append("finding", what=finding.what, check=finding.check.answer, why=finding.check.why)
        self._show(show.findings(found))
        stops = [f"{finding.what}: {finding.check.why}" for finding in found if finding.stops]
        if stops:
            raise self._refused("preflight", f"{'; '.join(stops)}. Nothing was changed.")
        if not self.rehearsing:
            taken = carry(self, lock.TAKE)
            if taken.outcome not in (Outcome.DONE, Outcome.ALREADY):
                raise self._refused("lock", taken.why)
            self._token = next(iter(taken.states.values())).token
        self.record.append("ready", durable=True)

    def way(self) -> None:
        """Draw all steps of the plan."""
        self._show(show.way(self.plan.steps, self.results))

    def step(self, step: Step, *, despite: str = "") -> None:
        """Carry out one step and show it.

        A step whose needed steps are not done is refused, unless a reason is given with `despite`. Raises StepFailed
        when it ends FAILED or UNKNOWN, Refused when consent is not given.
        """
        self._in_order(step, despite)
        try:
            result = carry(self, step)
        except Refused as error:
            raise self._refused(step.title, str(error)) from None
        self.results[step.title] = result
        self._settle(step, result)
        self._show(show.card(result, marks=self.marks()))
        for exhibit in self._exhibits(result):
            self._keep(exhibit)
        seconds = {"machine": result.seconds.machine, "human": result.seconds.human, "cloud": result.seconds.cloud}
        self.record.append("step-ended", step=step.title, outcome=result.outcome, seconds=seconds, durable=True)
        if result.outcome not in _GOOD:
            raise StepFailed(f"{step.title} is {result.outcome}: {result.why}")

    def verify(self) -> None:
        """Say whether the goal was reached, and what it cost in time and data."""
        self.verdict = judge(
            self.plan.steps,
            self.results,
            self.plan.goal,
            self.moments,
            self.plan.rto(self),
            Objective(self.plan.rpo(self), self.lost_s),
            rehearsed=self.rehearsing,
        )
        self._note_verdict()
        self._show(show.verdict(self.verdict))
        if self.results:
            chart = show.timeline(self.results, self.moments)
            self.record.keep("timeline.csv", chart.table().csv(), title=chart.title)
            self.record.keep("timeline.png", show.display_chart(chart, self.redact), title=chart.title)

    def go_back(self) -> None:
        """Undo what this run has done, last first, each verified. Only when the goal was missed and somebody says so.

        Past a point of no return nothing is undone, and nobody is asked: what is left then is a goal that was missed.
        Raises RollbackFailed when something is not as it was before.
        """
        done = list(self._acts())
        entries = [(step, TargetResult(target, Outcome.DONE, "done by this run")) for step, target, _ in done]
        undoable = [act for act in done if act[0].undo]
        if self.rehearsing or not undoable or (self.verdict and self.verdict.exit is Exit.REACHED):
            self._show(show.back(entries))
            return
        passed = next((why for step, _, _ in done if step.no_return and (why := step.no_return(self))), "")
        if passed:
            self.record.append("no-way-back", why=passed, durable=True)
            self._show(show.back(entries, note=f"Nothing was undone: {passed}."))
            return
        names = ", ".join(f"{step.title} ({target})" for step, target, _ in undoable)
        phrase = f"GO BACK {self.id}"
        with self.clock.person():
            given = self.desk.ask(GOING_BACK, Consent.TYPED, phrase, f"undoes, in this order: {names}")
        self.record.append("consent", step=GOING_BACK, phrase=phrase, durable=True, **given.as_data())
        if not given.granted:
            self._show(show.back(entries, note=f"Nothing was undone: {given.reason}. {given.next}"))
            return
        results = [(step, self._undo(step, target, before)) for step, target, before in undoable]
        self._show(show.back(results))
        bad = [
            f"{step.title}: {result.target}: {result.why}" for step, result in results if result.outcome not in _GOOD
        ]
        word, end = (Word.ROLLBACK_FAILED, Exit.ROLLBACK_FAILED) if bad else (Word.GONE_BACK, Exit.MISSED)
        if self.verdict:
            why = "; ".join(bad) or "what this run had done is undone"
            self.verdict = Verdict(
                word, why, self.verdict.rto, self.verdict.rpo, self.verdict.seconds, self.moments, end
            )
            self._note_verdict()
        if bad:
            raise RollbackFailed("; ".join(bad))

    def close(self) -> None:
        """Give the lock back, write the break-glass card, seal the record, and say where it lies."""
        lost = ""
        if self._token:
            given_back = carry(self, lock.GIVE)
            lost = "" if given_back.outcome in _GOOD else f"The lock could not be given back: {given_back.why}"
            self._token = ""
        self.record.loosen(CARD)
        write_whole(self.folder / CARD, self.redact(self._told(break_glass(self.plan, self.id, self.results))).encode())
        self.record.bind(CARD, title="the plan as shell commands")
        self.record.append("closed", lock=lost or "given back", durable=True)
        self.record.seal()
        self._show(show.record(self.id, len(self.record.events), lost))
        self.record.close()
        self.closed = True

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        for line in self.record.events:
            if line["event"] == "moment":
                self.moments.setdefault(line["name"], parse_time(line["at"]))
            elif line["event"] == "lost":
                self.lost_s = line["seconds"]
            elif line["event"] == "decision":
                self._lost_region = line.get("failed_region") or self._lost_region
        self._know(self._lost_region)
        again = any(line["event"] == "opened" for line in self.record.events)
        self.record.append("host", **_host())
        self._note_opened(again)
        for name in (NOTEBOOK, PAGE):  # written anew while this run goes on
            self.record.loosen(name)
        if not again:
            self.record.bind(PARAMETERS, title="what this run was started with")
        if self.setting.fault:
            self._moment("fault", parse_time(self.setting.fault["at"]))
        warm_up()
        self._banner()

    def open_again(self) -> None:
        """The cell that opens the run was run again: nothing is lost, and the journal says so."""
        self._note_opened(True)
        self._banner()

    def _note_opened(self, again: bool) -> None:
        told = {"run_id": self.id, "plan": self.plan.id, "mode": self.mode, "environment": self.service.environment}
        self.record.append("opened-again" if again else "opened", durable=True, **told)

    def _banner(self) -> None:
        fault = self.setting.fault
        self._show(
            show.banner(
                plan=self.plan,
                mode=self.mode,
                environment=self.service.environment,
                account=self.service.account,
                regions=self.service.regions,
                who=self.service.role or "your own credentials",
                run_id=self.id,
                production=self.service.production,
                fault=fault["name"] if fault else "",
            )
        )

    def _show(self, card: tuple[str, str]) -> None:
        """Show a card, given as HTML with its text."""
        show.display(*(self.redact(self._told(text)) for text in card))

    def _told(self, text: str) -> str:
        """The text with the world's address as the parameters give it.

        A port of the moment is no fact of a plan: equal drills then look alike, and the commands fit a world that was
        started by hand.
        """
        world = self.setting.service.world
        address = (self.setting.world or {}).get("address")
        if not world or not address:
            return text
        now, then = urlsplit(address), urlsplit(world.address)
        in_dig = (f"@{now.hostname} -p {now.port}", f"@{then.hostname} -p {then.port}")  # its port stands apart
        return text.replace(address, world.address).replace(*in_dig)

    def _in_order(self, step: Step, despite: str) -> None:
        order = [each.title for each in self.plan.steps]
        if step.title not in order:
            raise BadInput(f"plan {self.plan.id} has no step {step.title!r}")
        lacking = [
            title for title in step.needs if title not in self.results or self.results[title].outcome not in _GOOD
        ]
        if lacking and not despite:
            raise self._refused(
                step.title,
                f"{step.title} needs {', '.join(lacking)}, which is not done. Run that first, or say why not: "
                f'run.step(…, despite="the reason"). Nothing was changed.',
            )
        later = [title for title in order[order.index(step.title) + 1 :] if title in self.results]
        self.record.append(
            "step", step=step.title, plan=step.plan, again=step.title in self.results, after=later, despite=despite
        )

    def _refused(self, what: str, why: str) -> Refused:
        self.record.append("refused", what=what, why=why, durable=True)
        return Refused(why)

    def _settle(self, step: Step, result: StepResult) -> None:
        """What a step has settled for the whole run: a moment, the data lost, whether a region is back."""
        at = step.at(result) if step.moment else None
        if at:
            # An alarm may have been on before; in a drill nobody is late before its fault.
            self._moment(step.moment, max(at, self.moments.get("fault", at)))
        seconds = step.lost(self, result) if step.lost else None
        if seconds is not None and self.lost_s is None:  # the first measurement is the one nearest to the fault
            self.lost_s = seconds
            self.record.append("lost", step=step.title, seconds=seconds, durable=True)
        self._know(self._lost_region)

    def _know(self, failed_region: str) -> None:
        self._lost_region = failed_region or self._lost_region
        self.calls.failed_region = "" if RECOVERED in self.moments else self._lost_region

    def _moment(self, name: str, at: datetime) -> None:
        if name not in self.moments:
            self.moments[name] = at
            self.record.append("moment", name=name, at=iso(at), durable=True)

    def marks(self) -> tuple[Mark, ...]:
        """The moments known so far, to be marked in charts."""
        return tuple(Mark(name, at) for name, at in sorted(self.moments.items(), key=lambda each: each[1]))

    def _exhibits(self, result: StepResult) -> Iterator[Exhibit]:
        if not result.step.shows or not result.states:
            return
        try:
            with self.calls.under(result.step.waiver):
                yield from result.step.shows(self, result.states)
        except (Unknown, Rejected) as error:
            told = f"The evidence of this step could not be read: {error}"
            self.record.append("no-evidence", step=result.step.title, why=str(error))
            self._show(show.note(told))

    def _keep(self, exhibit: Exhibit) -> None:
        table = exhibit.table() if isinstance(exhibit, Chart) else exhibit
        self.record.keep(f"{exhibit.name}.csv", table.csv(), title=exhibit.title)
        if isinstance(exhibit, Chart):
            picture = show.display_chart(exhibit, self.redact)
            self.record.keep(f"{exhibit.name}.png", picture, title=exhibit.title)
        else:
            self._show(show.table(exhibit))

    def _note_verdict(self) -> None:
        verdict = self.verdict
        assert verdict
        told = {"word": verdict.word, "why": verdict.why, "exit": int(verdict.exit)}
        told |= {"rto": verdict.rto.as_data(), "rpo": verdict.rpo.as_data()}
        self.record.append("verdict", durable=True, **told)

    def _acts(self) -> Iterator[tuple[Step, Target, Any]]:
        """What this run set out to do and has not undone, last first, each with what was there before."""
        for (title, _), act in reversed(history.standing(self.record.events).items()):
            if title in (lock.TAKE.title, lock.GIVE.title):
                continue
            step = self.plan.step(title)
            yield step, Target(act.first["region"], act.first["thing"]), step.from_json(act.first["before"])

    def _undo(self, step: Step, target: Target, before: Any) -> TargetResult:
        try:
            if HIDDEN in str(before):
                raise Unknown("what was there before holds a secret, which is not in the journal: undo it by hand")
            result = carry_back(self, step, target, before)
        except DrcoreError as error:
            result = TargetResult(target, Outcome.UNKNOWN, str(error), before)
        event = "undone" if result.outcome in _GOOD else "undo-failed"
        self.record.append(event, step=step.title, target=str(target), why=result.why, durable=True)
        return result


def resolve(reference: SecretRef, aws: Aws, region: str) -> str:
    """The value that a reference names. Raises Unknown when there is none."""
    kind, name = reference.secret.split(":", 1)
    if kind == "env":
        value = os.environ.get(name, "")
    else:
        value = aws.call("secretsmanager", region, "get_secret_value", SecretId=name)["SecretString"]
    if not value:
        raise Unknown(f"the secret {reference.secret} is empty or not set")
    return str(value)


def _host() -> dict[str, Any]:
    """Facts about where a run is carried out; the only ones that differ between two drills with one seed."""
    names = ("drcore", "boto3", "papermill", "nbclient", "pandas", "matplotlib")
    packages = {name: importlib.metadata.version(name) for name in names}
    described = subprocess.run(
        ["git", "-C", str(HOME), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "host": platform.node(),
        "user": getpass.getuser(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "packages": packages,
        "revision": described.stdout.strip() or "not in git",
        "wall_time": iso(WallClock().now()),
    }
