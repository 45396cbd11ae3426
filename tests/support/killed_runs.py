"""Carries out a plan in child processes, each killed at another moment and gone on with in the next one.

Run as a script with a plan: prints drills that were left alone and that were killed, as JSON. They are killed once a
step, or at every moment where everything is to be proved.
A world is a process of its own here, and so is each run on it. All of them are forked from this process, which has
imported everything and has no threads: that is ten times as quick as starting them, and is not done in the tests' own
process.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import urllib3

from drcore import plans
from drcore.calls.gate import Call, CallGate, Writes
from drcore.clock import RemoteClock
from drcore.engine import lock
from drcore.engine.prepare import prepare
from drcore.engine.step import Plan, Step
from drcore.launcher.request import fault_of
from drcore.parameters import Mode
from drcore.record.events import Event, Kind, Named, read_events
from drcore.record.journal import Record
from drcore.record.proof import verify
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.application import Application
from drcore.sandbox.endpoints.http_server import Server
from drcore.sandbox.protocol.exchange import Headers, Request, Response
from tests.support.effects import Effect, watch
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.runners_role import let
from tests.support.stage import (
    ENVIRONMENT,
    FEW_USERS,
    SHORT,
    Scene,
    carry_out,
    known_to,
    scene_of,
    scenes_of,
    staged,
    undrawn,
)

BEFORE_CALL = "between the intent and the act"
BEFORE_ANSWER = (
    "between the act and its result"  # right after it: the service has done it, and the journal knows nothing
)
AFTER_STEP = "between two steps"
KINDS = (BEFORE_CALL, BEFORE_ANSWER, AFTER_STEP)
RUN_ID = "killed-1"  # the same in every world, so that what bears the run's name is equal too
SEED = 1


@dataclass(frozen=True)
class Moment:
    """When a run is killed. `target` is empty for a boundary between steps."""

    kind: str
    step: str
    target: str = ""


@dataclass(frozen=True)
class Kill:
    """What was found after a run had been killed: whether it had, what was wrong with its record, what was done."""

    moment: Moment
    killed: bool
    problems: tuple[str, ...]
    effects: int


@dataclass(frozen=True)
class Drill:
    """A drill on one world, killed at each of some moments and each time gone on with; `trouble` is of the last run."""

    scene: str
    kills: list[Kill]
    trouble: str
    problems: tuple[str, ...]
    effects: list[dict[str, str]]
    state: Any
    truth: Any


def main(plan: Plan[Any], folder: Path) -> list[dict[str, Drill]]:
    """A drill that was left alone and one that was killed, for each scene with acts that no scene before it has.

    The scene that differs most from a plain one comes first: the boundaries between steps are its own, and each act is
    of the scene where it is first. Unless everything is to be proved, one moment of each step, in as few scenes.

    Plan G repairs in its last scene, where it is killed only after the writers were halted: a kill before that leaves
    the corruption time for more users, so the two drills would lawfully repair different ones.
    """
    with pytest.MonkeyPatch.context() as patch:
        undrawn(patch)
        with staged(folder) as warm:  # so that the children find all models and modules loaded
            warm.drill(scene_of(plan), facts=SHORT, run_id="warm")
        gc.freeze()
        pairs: list[dict[str, Drill]] = []
        known: set[tuple[str, str]] = set()
        met: set[str] = set()
        for scene in reversed(scenes_of(plan)):
            alone = drill(scene, [], folder / scene.name / "alone" / RUN_ID)
            intents = acts(folder / scene.name / "alone" / RUN_ID)
            moments = [Moment(kind, *act) for act in intents if act not in known for kind in KINDS[:2]]
            if not pairs:
                moments = in_order(plan, [*moments, *(Moment(AFTER_STEP, step.title) for step in plan.steps)])
            known |= set(intents)
            if not EXHAUSTIVE:
                moments = few(plan, [moment for moment in moments if moment.step not in met])
            if moments:
                killed = drill(scene, moments, folder / scene.name / "killed" / RUN_ID)
                pairs.append({"alone": alone, "killed": killed})
                met |= {moment.step for moment in moments}
            if not EXHAUSTIVE:
                break  # the one that differs most
    return pairs


def steps(plan: Plan[Any]) -> tuple[Step[Any, Any], ...]:
    """All that a run of a plan does, the lock's two included."""
    return (lock.TAKE, *plan.steps, lock.GIVE)


def sampled(plan: Plan[Any]) -> set[str]:
    """The steps at which the sample kills: those that act, of more than eight every other one; the last of the plan.

    An act that several steps share, of one plan or of many, is killed in the first of them. What stands in the journal
    after a step that only looks stands there before the next act too.
    """
    return {step.title for step in _killed(plan)} | {plan.steps[-1].title}


def _killed(plan: Plan[Any]) -> list[Step[Any, Any]]:
    own = _of_its_own(plan)
    return own if len(own) <= 8 else own[::2]


def _of_its_own(plan: Plan[Any]) -> list[Step[Any, Any]]:
    """The steps of a plan whose act no step before them has, in this plan or in an earlier one."""
    first: dict[str, tuple[str, Step[Any, Any]]] = {}
    for each in map(plans.find, plans.ids()):
        for step in steps(each):
            act = step.act
            if act:
                own = f"{act.__module__}.{act.__qualname__}"
                first.setdefault(own if _is_shared(own) else f"{own} {step.key}", (each.id, step))
    return [step for plan_id, step in first.values() if plan_id == plan.id]


def _is_shared(act: str) -> bool:
    return act.startswith(("drcore.engine.", "drcore.plans.shared."))


def few(plan: Plan[Any], moments: list[Moment]) -> list[Moment]:
    """Of the moments of each step one: of those that act in turns the first before its call, the last after it."""
    kinds = {plan.steps[-1].title: AFTER_STEP}
    kinds |= dict(zip((step.title for step in _killed(plan)), cycle(KINDS[:2])))
    fitting = [each for each in moments if each.kind == kinds.get(each.step)]
    first, last = ({each.step: each for each in some} for some in (reversed(fitting), fitting))
    return [each for each in fitting if each is (first if each.kind == BEFORE_CALL else last)[each.step]]


def in_order(plan: Plan[Any], moments: list[Moment]) -> list[Moment]:
    """Moments in the order in which a run comes to them: acts that are begun together before any of them has ended."""
    titles = [step.title for step in steps(plan)]
    together = {name.title: step.begins[0].title for step in plan.steps for name in step.begins}

    def place(moment: Moment) -> tuple[int, bool, int]:
        ended, own = moment.kind == AFTER_STEP, titles.index(moment.step)
        return (own if ended else titles.index(together.get(moment.step, moment.step)), ended, own)

    return sorted(moments, key=place)


def acts(folder: Path) -> list[tuple[str, str]]:
    """Step and target of each act of a run, in order; one that takes several writes counts once, with its first."""
    told = [(line["step"], line["target"]) for line in read_events(folder) if line["event"] == "intent"]
    return list(dict.fromkeys(told))


def drill(scene: Scene, moments: list[Moment], record: Path) -> Drill:
    """One drill in a world of its own."""
    record.mkdir(parents=True)
    plan, kills = scene.plan, []
    time = SharedTime()
    setting = prepare(plan, ENVIRONMENT, Mode.DRILL, scene.incident, run_id=RUN_ID, seed=SEED)
    setting = replace(setting, facts={**setting.facts, **known_to(plan, SHORT), **scene.facts})
    with world(time, scene, setting) as (address, injected):
        replace(setting, fault=injected, world={"address": address, "pid": None}).write(record)
        for moment in moments:
            killed = child(partial(go, plan, record, time, moment)) == -signal.SIGKILL
            kills.append(Kill(moment, killed, verify(record).problems, len(ask(address, "truth")["effects"])))
        end = child(partial(go, plan, record, time, None))
        trouble = record.parent / "trouble"
        truth = ask(address, "truth")
        return Drill(
            scene.name,
            kills,
            trouble.read_text() if trouble.exists() else f"the child ended with {end}" if end else "",
            verify(record).problems,
            truth.pop("effects"),
            ask(address, "state"),
            truth,
        )


def go(plan: Plan[Any], record: Path, time: SharedTime, moment: Moment | None) -> None:
    """In a child: open the run, first time or again, and see it through, or die."""
    pytest.MonkeyPatch().setattr(RemoteClock, "now", lambda clock: time.now())  # never undone: this process ends
    if moment:
        die_at(moment)
    run = Runbook(plan, RunParameters.read(record), record, keyboard=lambda prompt: None)
    trouble = carry_out(run)
    if trouble:
        (record.parent / "trouble").write_text(f"{type(trouble).__name__}: {trouble}")


def die_at(moment: Moment) -> None:
    """Have this process killed at a moment of the run that it carries out."""
    at = ("", "")
    append, admit, note = Record.append, CallGate.admit, CallGate.note

    def here(kind: str) -> bool:
        return (kind, *at) == (moment.kind, moment.step, moment.target)

    def appended(self: Record, event: Kind, /, *, step: Named | None = None, **fields: Any) -> Event:
        nonlocal at
        line = append(self, event, step=step, **fields)
        at = (line["step"], line["target"]) if event == Kind.INTENT else ("", "") if event == Kind.RESULT else at
        if event == Kind.STEP_ENDED and (AFTER_STEP, line["step"]) == (moment.kind, moment.step):
            die()
        return line

    def admitted(self: CallGate, call: Call) -> None:
        if call.write and self.writes is Writes.ALLOWED and here(BEFORE_CALL):
            die()
        admit(self, call)

    def noted(self: CallGate, call: Call, answer: str, request_id: str = "") -> None:
        if call.write and here(BEFORE_ANSWER):
            die()
        note(self, call, answer, request_id)

    patch = pytest.MonkeyPatch()  # never undone: this process dies
    patch.setattr(Record, "append", appended)
    patch.setattr(CallGate, "admit", admitted)
    patch.setattr(CallGate, "note", noted)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def child(work: Callable[[], object]) -> int:
    """Do some work in a process of its own; returns its exit code, negative for the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])


def fork(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001  # nothing may come back from here into the parent's code
        traceback.print_exc()
        os._exit(1)


class SharedTime:
    """A world's time, for its own process to tell and for those of its runs to read.

    A run asks 1,200 times; as requests, which the world answers for nothing, they are a third of what it costs.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)

    def tell(self, now: datetime) -> None:
        self._memory[:] = ((now - _EPOCH) // _MICROSECOND).to_bytes(8, "little")

    def now(self) -> datetime:
        return _EPOCH + int.from_bytes(self._memory[:], "little") * _MICROSECOND


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Timed(Application):
    """A sandbox that tells the time after each answer: there is no other moment at which it moves."""

    def __init__(self, time: SharedTime) -> None:
        super().__init__(SEED, FEW_USERS)
        self._time = time

    def answer(self, request: Request) -> Response:
        try:
            return super().answer(request)
        finally:
            self._time.tell(self.world.clock.now())

    def resolve(self, wire: bytes, asker: str) -> bytes:
        try:
            return super().resolve(wire, asker)
        finally:
            self._time.tell(self.world.clock.now())


@contextmanager
def world(time: SharedTime, scene: Scene, setting: RunParameters) -> Iterator[tuple[str, dict[str, Any]]]:
    """A world for a run, a fault on, served by a process of its own: its address, and what was injected."""
    fault, options = fault_of(scene.plan, scene.fault)
    told, telling = os.pipe()

    def serve() -> None:
        application = Timed(time)
        let(application.world, scene.plan, setting)
        effects: list[Effect] = []
        watch(application.world, effects.append)
        application.world.add_truth("effects", lambda: [asdict(each) for each in effects])
        body = json.dumps({"name": fault, "options": options}).encode()
        injected = application.answer(Request("POST", "/_sandbox/faults", Headers(), body))
        assert injected.status == 200, injected.body
        server = Server(application, 0, idle_seconds=60)
        os.write(telling, json.dumps([server.address, json.loads(injected.body)]).encode())
        server.serve()

    pid = fork(serve)
    address, injected = json.loads(os.read(told, 65536))
    os.close(told)
    os.close(telling)
    try:
        yield address, injected
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def ask(address: str, what: str) -> Any:
    return urllib3.request("GET", f"{address}/_sandbox/{what}", retries=False).json()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as below:
        found = main(plans.find(sys.argv[1]), Path(below))
    sys.stdout.write(json.dumps(found, default=asdict))
