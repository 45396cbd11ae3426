"""A sandbox with a plan to be carried out on it, all in this process: no socket, no kernel, no child.

Product code is as it is in a run: only the connection below urllib3, and the one below botocore, end in the sandbox.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
from urllib3.connection import HTTPConnection

from drcore import plans, show
from drcore.consent import Approvals
from drcore.errors import DrcoreError
from drcore.launch import Ended, judge_from
from drcore.parameters import Mode, at_world
from drcore.record import Event, read_events, verify
from drcore.run import Run
from drcore.sandbox.dispatch import Proceed
from drcore.sandbox.door import ENDPOINT, InProcess
from drcore.sandbox.exchange import Answer
from drcore.sandbox.frugal import LOADER
from drcore.sandbox.layer import Call, HttpCall
from drcore.sandbox.world import World
from drcore.setting import Setting, prepare
from drcore.steps import Outcome, Plan, Step, Target
from drcore.world import inject

ENVIRONMENT = "sandbox"  # the one that comes with a world of its own
# Plan A asks a name server by UDP, which this stage does not carry yet, and its drills have no `automation_minutes`:
# until both are done it has tests of its own, tests/test_plan_a.py. Every other plan is found here by itself.
# Plan G's drill takes so long that it has tests of its own too, tests/test_plan_g.py and tests/test_plan_g_data.py.
PLANS = tuple(plans.find(name) for name in plans.ids() if name not in ("a", "g"))
FAULTS = tuple((plan, fault) for plan in PLANS for fault in plan.faults)
STEPS = tuple((plan, step) for plan in PLANS for step in plan.steps)
# Shorter waits, by parameters that an environment may set: for tests of what happens, not of how long it takes.
SHORT = {"hold_minutes": 1, "automation_minutes": 1}
GOOD = (Outcome.ALREADY, Outcome.DONE, Outcome.SKIPPED)


def named(plan: Plan, other: Step | str) -> str:
    """The id of a test."""
    return f"{plan.id}-{other if isinstance(other, str) else other.id}"


each_plan = pytest.mark.parametrize("plan", PLANS, ids=[plan.id for plan in PLANS])
each_fault = pytest.mark.parametrize(("plan", "fault"), FAULTS, ids=[named(*each) for each in FAULTS])
each_step = pytest.mark.parametrize(("plan", "step"), STEPS, ids=[named(*each) for each in STEPS])


@dataclass(frozen=True)
class Effect:
    """A call that the sandbox has handled and that was no read, whatever became of the answer."""

    call: str
    region: str
    asked: str


def watch(world: World, note: Callable[[Effect], object]) -> Callable[[], None]:
    """Tell of every write that the world handles from now on; returns how that is ended."""

    def handled(call: Call | HttpCall, proceed: Proceed) -> Answer:
        answer = proceed()
        looks = call.reads or call.operation in ("ReceiveMessage", "SimulatePrincipalPolicy", "AssumeRole")
        if answer.status < 300 and not looks:
            note(Effect(f"{call.service}:{call.operation}", call.region, call.identity))
        return answer

    return world.interfere(handled)


@dataclass
class Stage:
    """One sandbox, and a folder for the records of the runs on it."""

    door: InProcess
    folder: Path
    seed: int
    opened: list[Run] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop_watching = watch(self.door.world, self.effects.append)

    def prepare(
        self,
        plan: Plan,
        mode: Mode = Mode.DRILL,
        *,
        fault: str = "",
        options: Mapping[str, str] | None = None,
        run_id: str = "",
        service: Mapping[str, object] | None = None,
        facts: Mapping[str, object] | None = None,
        incident: Mapping[str, object] | None = None,
    ) -> Setting:
        """What the launcher would write: read from the parameter files, with some of it changed."""
        setting = prepare(plan, ENVIRONMENT, mode, incident or {}, run_id=run_id, seed=self.seed)
        setting = replace(
            setting,
            service=setting.service.model_copy(update=dict(service or {})),
            facts=dict(setting.facts) | dict(facts or {}),
            world={"address": ENDPOINT, "pid": None},
        )
        if fault:
            told = inject(at_world(setting.service, ENDPOINT), fault, options or {})
            setting = replace(setting, fault=told)
        return setting

    def open(
        self, setting: Setting, *, plan: Plan | None = None, approvals: Approvals | None = None, keyboard: Any = None
    ) -> Run:
        """Open a run, first time or again; nobody is at the keyboard if none is given, `plan` is the real one."""
        folder = self.folder / setting.run_id
        folder.mkdir(exist_ok=True)
        if not (folder / "parameters.json").exists():
            setting.write(folder)
        run = Run(
            plan or plans.find(setting.plan),
            Setting.read(folder),
            folder,
            keyboard=keyboard or (lambda prompt: None),
            approvals=approvals,
        )
        share_models(run)
        self.door.attach(run.aws.session)
        self.opened.append(run)
        return run

    def drill(self, plan: Plan, fault: str = "", **changes: Any) -> Run:
        """A whole drill. Anything but an end without trouble is an error here."""
        run = self.open(self.prepare(plan, fault=fault, **changes))
        trouble = carry_out(run)
        assert trouble is None, trouble
        return run

    def again(self, run: Run, **changes: Any) -> Run:
        """The same run, opened once more."""
        return self.open(run.setting, **changes)

    def state(self) -> Any:
        return self._ask("GET", "state")

    def truth(self) -> Any:
        return self._ask("GET", "truth")

    def fault(self, name: str, **options: object) -> None:
        """Put one of the sandbox's faults on."""
        self._stop_watching()
        self._ask("POST", "faults", {"name": name, "options": options})
        self._stop_watching = watch(self.door.world, self.effects.append)  # nearest to the service, behind the fault

    def mend(self, name: str) -> None:
        """Take one of the sandbox's faults away."""
        self._ask("DELETE", f"faults/{name}")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        status, document = self.door.request(method, f"/_sandbox/{path}", body)
        assert status == 200, document
        return document

    def close(self) -> None:
        """Give every record free."""
        for run in self.opened:
            with suppress(ValueError):  # closed already, as at the end of every run
                run.record.close()


def share_models(run: Run) -> None:
    """Have botocore's models read once for all runs of this process, not once for each."""
    session: Any = run.aws.session
    session._session.register_component("data_loader", LOADER)


def carry_out(run: Run, *, until: Step | None = None) -> DrcoreError | None:
    """What the notebook does: the steps up to the first trouble, the three last cells always. Returns the trouble."""
    trouble: DrcoreError | None = None
    try:
        run.preflight()
        run.way()
        for step in run.plan.steps:
            run.step(step)
            if step is until:
                return None
    except DrcoreError as error:
        trouble = error
    for always in (run.verify, run.go_back, run.close):
        try:
            always()
        except DrcoreError as error:
            trouble = trouble or error
    return trouble


def ended(run: Run) -> Ended:
    """What the launcher would say at the end."""
    return judge_from(read_events(run.folder), run.folder, run.setting, None)


def outcomes(run: Run) -> dict[str, Outcome]:
    return {title: result.outcome for title, result in run.results.items()}


def lines(run: Run, event: str) -> list[Event]:
    """The journal's lines of one kind."""
    return [line for line in read_events(run.folder) if line["event"] == event]


def writes(run: Run) -> list[Event]:
    """The calls that changed something, or were meant to, but for the lock's."""
    return [line for line in lines(run, "call") if line["write"] and not of_the_lock(line)]


def of_the_lock(call: Event) -> bool:
    return bool(call["call"].startswith("s3:") and call["parameters"].get("Key", "").startswith("locks/"))


def targets(run: Run, title: str) -> dict[Target, Outcome]:
    return {each.target: each.outcome for each in run.results[title].targets}


def proven(run: Run) -> None:
    """The record on disk holds."""
    proof = verify(run.folder)
    assert proof.holds, proof.problems


def pages_of(run: Run) -> int:
    """How many messages of this run went out to whoever is on call, in all regions."""
    found = 0
    for region, queue in run.service.on_call.audit_queues.items():
        sqs = _client(run, "sqs", region)
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        seen: dict[str, str] = {}
        while new := {
            each["MessageId"]: each["Body"]
            for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get(
                "Messages", ()
            )
            if each["MessageId"] not in seen
        }:
            seen |= new
        found += sum(json.loads(body).get("run_id") == run.id for body in seen.values() if body.startswith("{"))
    return found


def incidents(stage: Stage) -> list[dict[str, Any]]:
    """All incidents of the status page."""
    found: list[dict[str, Any]] = stage.state()["own"]["statuspage"]["incidents"]
    return found


def transitions(run: Run) -> dict[str, bool]:
    """Whether deployments may enter, by region."""
    asked: dict[str, bool] = {}
    for region in run.service.regions:
        found = _client(run, "codepipeline", region).get_pipeline_state(name=run.facts.pipeline.name)
        into = next(each for each in found["stageStates"] if each["stageName"] == run.facts.pipeline.stage)
        asked[region] = into["inboundTransitionState"]["enabled"]
    return asked


def locks(run: Run) -> list[str]:
    """The locks that are held, in any region."""
    return [
        each["Key"]
        for region, bucket in run.service.evidence.buckets.items()
        for each in _client(run, "s3", region).list_objects_v2(Bucket=bucket, Prefix="locks/").get("Contents", ())
    ]


def client(run: Run, service: str, region: str) -> Any:
    """A client past the gate: what a colleague, or the console, would use."""
    return _client(run, service, region)


def _client(run: Run, service: str, region: str) -> Any:
    return run.aws.session.client(service, region_name=region, endpoint_url=run.service.endpoint)


class _Connection(HTTPConnection):
    """A connection that ends in the sandbox of this process."""

    door: InProcess

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        self._asked = (method, url, json.loads(body) if body else None, headers)

    def getresponse(self) -> Any:
        method, url, document, headers = self._asked
        status, answer = self.door.request(method, url, document, dict(headers or {}))
        return urllib3.HTTPResponse(io.BytesIO(json.dumps(answer).encode()), {}, status, preload_content=False)

    def close(self) -> None:
        """There is nothing to close."""


def undrawn(patch: pytest.MonkeyPatch) -> None:
    """Keep runs from drawing, which takes half of their time and has tests of its own."""
    patch.setattr(show, "display_chart", lambda chart, redact: b"a picture")
    patch.setattr(show, "preload", lambda: None)


@contextmanager
def staged(folder: Path, seed: int = 1) -> Iterator[Stage]:
    """A stage: while it is open, HTTP to any address ends in its sandbox."""
    door = InProcess(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Connection, "door", door, raising=False)  # not a new class: urllib3 keeps connections in a pool
        patch.setattr("urllib3.connectionpool.HTTPConnectionPool.ConnectionCls", _Connection)
        undrawn(patch)
        stage = Stage(door, folder, seed)
        try:
            yield stage
        finally:
            stage.close()
