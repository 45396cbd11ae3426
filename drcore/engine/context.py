"""A run as its steps see it: facts, clock, calls, what was decided before."""

from __future__ import annotations

import getpass
import os
import platform
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Generic

from typing_extensions import TypeVar

from drcore.calls.aws import Aws
from drcore.calls.gate import RECOVERED, Call, CallGate
from drcore.calls.http import Http
from drcore.calls.secrets import resolve
from drcore.clock import Clock, clock_at, iso
from drcore.engine.consent import UNATTENDED, Approvals, ConsentPrompt, FrontEnd
from drcore.engine.metric_minutes import MetricMinutes
from drcore.engine.outcome import Begun, Between, State, StepResult, Target
from drcore.engine.people import Person
from drcore.parameters import Mode, SecretRef, at_world
from drcore.record.events import Kind, Named
from drcore.record.evidence import Mark
from drcore.record.history import Decided, History
from drcore.record.journal import Record
from drcore.record.redact import Redactor
from drcore.record.run_parameters import RunParameters

F = TypeVar("F")  # the facts of a plan: the model of `<plan>.yaml`
N = TypeVar("N", default=Any)  # what only the incident knows: the model of the notebook's parameters cell


class Run(Generic[F, N]):
    """One run of one plan. Steps read its attributes, ask for what was done and decided, and call out through it."""

    def __init__(
        self,
        plan: str,
        setting: RunParameters,
        facts: F,
        incident: N,
        folder: Path,
        *,
        redact: Redactor,
        whereabouts: str = "",
        keyboard: Callable[[str], str | None] | None = None,
        clock: Clock | None = None,
        approvals: Approvals | None = None,
        front_end: FrontEnd = UNATTENDED,
    ) -> None:
        self.plan, self.setting, self.folder = plan, setting, folder
        self.id, self.mode = setting.run_id, setting.mode
        self.service = at_world(setting.service, (setting.world or {}).get("address"))
        self.facts, self.incident = facts, incident
        self.rehearsing = self.mode is Mode.REHEARSE
        self.clock = clock or clock_at(self.service.clock)
        self.redact = redact
        self.record = Record(folder, self.clock, self.redact)
        self.history = History(self.record.events)
        self.calls = CallGate(self.record.append)
        self.aws = Aws(
            self.calls, endpoint=self.service.endpoint, role=self.service.role, run_id=self.id, now=self.clock.now
        )
        self.http = Http(self.calls, self.clock)
        self.metrics = MetricMinutes(self.aws, self.clock.now, self.service.metric_delay_s)
        self.login = f"{login()}@{platform.node()}"
        self.who = self.login  # as AWS knows whoever this run acts as, once the preflight has asked
        self.person = Person(self.login, "")  # who runs this, from then on
        policy = self.service.drill_policy if self.mode is Mode.DRILL else None
        self.prompt = ConsentPrompt(
            self.id,
            self.who,
            self.clock,
            policy=policy,
            approvals=approvals,
            whereabouts=whereabouts,
            keyboard=keyboard,
            front_end=front_end,
        )
        self.process = secrets.token_hex(8)  # of this process: another one each time a run is opened
        self.prompt.second_is_shown = self.service.second_person is not None
        self.fencing_token = ""  # of the lock, once this run holds it
        self.results: dict[str, StepResult] = {}  # by the key of the step
        self.begun: dict[str, Begun] = {}  # acts that wait for their step's turn, by its key
        self.watched: dict[str, list[tuple[datetime, Target, State]]] = {}  # what each look saw, by key
        self._secrets: dict[str, str] = {}
        # What was settled before a restart.
        self.moments: dict[str, datetime] = self.history.moments()
        self.earliest: dict[str, datetime] = self.history.earliest()  # of moments that are known within bounds only
        self.lost_s = self.history.lost_s()  # of data that may be lost, once a step has measured it
        self._lost_region: str = getattr(incident, "failed_region", "")
        self.know_failed_region(self.history.failed_region())

    @property
    def failed_region(self) -> str:
        """The region that this incident has lost: the one that was named, or confirmed by a person; empty if none."""
        return self._lost_region

    def know_person(self, person: Person) -> None:
        """From now on whoever runs this signs by what AWS knows of them."""
        self.person = person
        self.prompt.who = person.name

    def now_text(self) -> str:
        """The time, as a record writes it."""
        return iso(self.clock.now())

    def secret(self, reference: SecretRef, *, anew: bool = False) -> str:
        """The value of a secret; from now on it is taken out of everything that is written. Raises Unknown.

        It is read once, unless it is to be read `anew`: somebody may have put another one in its place.
        """
        if anew or reference.secret not in self._secrets:
            value = resolve(reference, self.aws, self.service.runner_region)
            self.redact.add(value)
            self._secrets[reference.secret] = value
        return self._secrets[reference.secret]

    # ── what was done and decided, before a restart too ──────────────────────────────────────────────────────────

    def intended(self, step: Named, target: Target) -> bool:
        """Whether this run has set out to do this itself, and has not undone it since: the journal holds the intent."""
        return self.history.intended(step, target)

    def decide(self, step: Named, choice: str, *, failed_region: str = "") -> None:
        """The act of a step that is a decision: it is recorded. A rehearsal stops it like any other write.

        With `failed_region` it was decided which region has failed: from now on no call goes there.
        """
        call = Call("drcore", "Decide", "", True, parameters={"step": step.title, "choice": choice})
        self.calls.admit(call)
        fields = {"failed_region": failed_region} if failed_region else {}
        self.record.append(Kind.DECISION, step=step, choice=choice, **fields)
        self.calls.note(call, "OK")
        self.know_failed_region(failed_region)

    def decided(self, step: Named) -> Decided:
        """What was decided in a step that is a decision."""
        return self.history.decided(step)

    def result(self, step: Named) -> StepResult | None:
        """How a step went in this process; None before it was reached."""
        return self.results.get(step.key)

    def looks(self, step: Named) -> list[tuple[datetime, Target, State]]:
        """What each look of a step saw in this process, oldest first: when, at what, which state."""
        return self.watched.get(step.key, [])

    # ── what a step settles for the whole run ────────────────────────────────────────────────────────────────────

    def know_failed_region(self, region: str = "") -> None:
        """From now on no call goes to the region that has failed, until it has recovered."""
        self._lost_region = region or self._lost_region
        self.calls.failed_region = "" if RECOVERED in self.moments else self._lost_region

    def settle_moment(self, name: str, at: datetime | Between) -> None:
        """Date a moment of the incident, at the latest that it may have been. What was dated once stays."""
        if name in self.moments:
            return
        self.settle_harm(at.earliest if isinstance(at, Between) else at)
        at = self._after_fault(at)
        if isinstance(at, Between):
            self.moments[name], self.earliest[name] = at.latest, at.earliest
            self.record.append(Kind.MOMENT, name=name, at=iso(at.latest), earliest=iso(at.earliest))
        else:
            self.moments[name] = at
            self.record.append(Kind.MOMENT, name=name, at=iso(at))

    def settle_harm(self, at: datetime) -> None:
        """Date the begin of harm by evidence, where users had suffered before a drill put its fault in."""
        fault = self.moments.get("fault")
        if fault and at < fault and "harm" not in self.moments:
            self.moments["harm"] = at
            self.record.append(Kind.MOMENT, name="harm", at=iso(at))

    def _after_fault(self, at: datetime | Between) -> datetime | Between:
        """An alarm may have been on before; in a drill nobody is late before its fault."""
        fault = self.moments.get("fault")
        if fault is None:
            return at
        return Between(max(at.earliest, fault), max(at.latest, fault)) if isinstance(at, Between) else max(at, fault)

    def settle_loss(self, step: Named, seconds: float) -> None:
        """Keep the seconds of data that may be lost. The first measurement counts: it is the one nearest the fault."""
        if self.lost_s is None:
            self.lost_s = seconds
            self.record.append(Kind.LOST, step=step, seconds=seconds)

    def marks(self) -> tuple[Mark, ...]:
        """The moments known so far, to be marked in charts."""
        dated = sorted(self.moments.items(), key=lambda row: row[1])
        return tuple(Mark(name, at, self.earliest.get(name)) for name, at in dated)


def login() -> str:
    """The name of the operating system's user who runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        return f"user {os.getuid()}"
