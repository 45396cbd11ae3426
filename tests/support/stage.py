"""A sandbox with a plan to be carried out on it, all in this process: no socket, no kernel, no child.

Product code is as it is in a run: only the connection below urllib3, and the one below botocore, end in the sandbox.
"""

from __future__ import annotations

import gc
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sns.models import sns_backends

from drcore import plans, show
from drcore.clock import RemoteClock
from drcore.engine import votes
from drcore.engine.consent import Approvals
from drcore.engine.outcome import Outcome, Target
from drcore.engine.prepare import prepare
from drcore.engine.step import Plan, Step
from drcore.errors import DrcoreError
from drcore.launcher.request import fault_of
from drcore.launcher.result import RunResult, result_from_journal
from drcore.launcher.world import inject
from drcore.parameters import Mode, at_world
from drcore.record.events import Event, read_events
from drcore.record.proof import verify
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.syncwell.company import principals
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY
from tests.support import kept_past
from tests.support.effects import Effect, watch
from tests.support.exhaustive import EXHAUSTIVE, ONE_ANSWER
from tests.support.in_process_transport import end_in
from tests.support.runners_role import let

# A world is half a million objects that stay: to look through them again and again is a sixth of a drill's time.
gc.set_threshold(100_000, 20, 100)
kept_past.share()

ENVIRONMENT = "sandbox"  # the one that comes with a world of its own
ADMINISTRATOR: dict[str, Any] = {"aws_access_key_id": ADMINISTRATOR_KEY, "aws_secret_access_key": "-"}  # a colleague's
PLANS = tuple(map(plans.find, plans.ids()))
# Shorter waits, for tests of what happens, not of how long it takes. A plan takes those that it has.
SHORT = {
    **dict.fromkeys(("hold_minutes", "automation_minutes", "lever_minutes", "gate_minutes"), 1),
    "recovery_hold_minutes": 2,
}
# What is to be seen with these is seen with more, only later: half of a drill of plan G is to read each of them, often.
FEW_USERS = 1000
GOOD = (Outcome.ALREADY, Outcome.DONE, Outcome.SKIPPED)


@dataclass(frozen=True)
class Scene:
    """What a plan is drilled against: a fault, with the facts and the incident's parameters that differ in it."""

    plan: Plan[Any]
    fault: str
    way: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    incident: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name, for the ids of tests and for folders."""
        return "-".join(filter(None, (self.plan.id, self.fault.partition(":")[0], *self.way.split())))


# Ways of a plan that none of its faults alone leads to, but an environment that is another one, or a choice.
OTHER_WAYS = (
    Scene(
        plans.find("a"),
        "region-outage-no-failover:region=us-west-2",  # the check's control plane stands in the other one
        "no lever but the check",
        {"arc": None, "levers": {"bucket": "syncwell-levers-{region}", "key": "not-read.json"}, "rto_minutes": 15},
        {"runner_region": "us-east-1"},
    ),
    Scene(plans.find("g"), "data-corruption", "switch", incident={"remedy": "switch"}),
)
SCENES = tuple(
    scene
    for plan in PLANS
    for scene in (
        *(Scene(plan, each) for each in plan.faults if EXHAUSTIVE or each.partition(":")[0] not in ONE_ANSWER),
        *(other for other in OTHER_WAYS if other.plan is plan),
    )
)
# What is sampled of a plan's scenes: its first fault, and the ways that no fault leads to.
SAMPLED = tuple(scene for scene in SCENES if EXHAUSTIVE or scene.way or scene.fault == scene.plan.faults[0])


def scenes_of(plan: Plan[Any]) -> tuple[Scene, ...]:
    """All that a plan is drilled against."""
    return tuple(scene for scene in SCENES if scene.plan is plan)


def scene_of(plan: Plan[Any]) -> Scene:
    """The one that is taken where one is enough."""
    return Scene(plan, plan.faults[-1])


def known_to(plan: Plan[Any], facts: Mapping[str, object]) -> dict[str, object]:
    """Those of some facts that a plan has."""
    return {name: value for name, value in facts.items() if name in plan.facts.model_fields}


each_plan = pytest.mark.parametrize("plan", PLANS, ids=[plan.id for plan in PLANS])
each_sampled_scene = pytest.mark.parametrize("scene", SAMPLED, ids=[scene.name for scene in SAMPLED])
each_scene = pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])


class Runs(ABC):
    """Runs of plans on one sandbox, wherever it is; a folder for their records."""

    def __init__(self, address: str, folder: Path, seed: int) -> None:
        self.address = address
        self.folder = folder
        self.seed = seed
        self.opened: list[Runbook] = []

    def prepare(
        self,
        scene: Scene | Plan[Any],
        mode: Mode = Mode.DRILL,
        *,
        options: Mapping[str, str] | None = None,
        run_id: str = "",
        service: Mapping[str, object] | None = None,
        facts: Mapping[str, object] | None = None,
        incident: Mapping[str, object] | None = None,
    ) -> RunParameters:
        """What the launcher would write: read from the parameter files, with some of it changed; for a scene broken.

        Of `facts` the plan takes those that it has.
        """
        scene = scene if isinstance(scene, Scene) else Scene(scene, "")
        known = {**scene.incident, **(incident or {})}
        setting = prepare(scene.plan, ENVIRONMENT, mode, known, run_id=run_id, seed=self.seed)
        setting = replace(
            setting,
            service=setting.service.model_copy(update=dict(service or {})),
            facts={**setting.facts, **known_to(scene.plan, facts or {}), **scene.facts},
            world={"address": self.address, "pid": None},
        )
        if scene.fault:
            name, given = fault_of(scene.plan, scene.fault)
            told = inject(at_world(setting.service, self.address), name, given | dict(options or {}))
            setting = replace(setting, fault=told)
        return setting

    def open(
        self,
        setting: RunParameters,
        *,
        plan: Plan[Any] | None = None,
        approvals: Approvals | None = None,
        keyboard: Any = None,
    ) -> Runbook:
        """Open a run, first time or again; nobody is at the keyboard if none is given, `plan` is the real one."""
        folder = self.folder / setting.run_id
        folder.mkdir(exist_ok=True)
        if not (folder / "parameters.json").exists():
            setting.write(folder)
        run = Runbook(
            plan or plans.find(setting.plan),
            RunParameters.read(folder),
            folder,
            keyboard=keyboard or (lambda prompt: None),
            approvals=approvals,
        )
        self.attach(run)
        self.opened.append(run)
        return run

    def drill(self, scene: Scene | Plan[Any], **changes: Any) -> Runbook:
        """A whole drill. Anything but an end without trouble is an error here."""
        run = self.open(self.prepare(scene, **changes))
        trouble = carry_out(run)
        assert trouble is None, trouble
        return run

    def again(self, run: Runbook, **changes: Any) -> Runbook:
        """The same run, opened once more."""
        return self.open(run.run.setting, **changes)

    def state(self) -> Any:
        return self._ask("GET", "state")

    def truth(self) -> Any:
        return self._ask("GET", "truth")

    def fault(self, name: str, **options: object) -> None:
        """Put one of the sandbox's faults on."""
        self._ask("POST", "faults", {"name": name, "options": options})

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._ask("POST", "clock", {"sleep": seconds})

    def mend(self, name: str) -> None:
        """Take one of the sandbox's faults away."""
        self._ask("DELETE", f"faults/{name}")

    def close(self) -> None:
        """Give every record free."""
        for run in self.opened:
            with suppress(ValueError):  # closed already, as at the end of every run
                run.record.close()

    @abstractmethod
    def attach(self, run: Runbook) -> None:
        """Have the run's calls end in the sandbox, where its address alone does not do that."""

    @abstractmethod
    def _ask(self, method: str, path: str, body: object = None) -> Any: ...


class Stage(Runs):
    """Runs on a sandbox in this process, every effect of which is seen."""

    def __init__(self, door: InProcess, folder: Path, seed: int) -> None:
        super().__init__(ENDPOINT, folder, seed)
        self.door = door
        self._plans: set[str] = set()
        self.effects: list[Effect] = []
        self._stop_watching = watch(door.world, self.effects.append)

    def fault(self, name: str, **options: object) -> None:
        self._stop_watching()
        super().fault(name, **options)
        self._stop_watching = watch(self.door.world, self.effects.append)  # nearest to the service, behind the fault

    def prepare(self, scene: Scene | Plan[Any], mode: Mode = Mode.DRILL, **changes: Any) -> RunParameters:
        """As always; the runner's role has what the plans print that are carried out here, and no other plan's."""
        prepared = super().prepare(scene, mode, **changes)
        plan = scene.plan if isinstance(scene, Scene) else scene
        self._plans.add(plan.id)
        if self._plans <= set(principals.RUNBOOKS):
            let(self.door.world, plan, prepared, *sorted(self._plans - {plan.id}))
        return prepared

    def attach(self, run: Runbook) -> None:
        self.door.attach(run.run.aws.session)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        status, document = self.door.request(method, f"/_sandbox/{path}", body)
        assert status == 200, document
        return document


def carry_out(run: Runbook, *, until: Step[Any, Any] | None = None, again: bool = False) -> DrcoreError | None:
    """The steps up to the first trouble (`again`: by `go_on`), the three last cells always. Returns the trouble."""
    trouble: DrcoreError | None = None
    try:
        run.preflight()
        run.overview()
        run.go_on() if again else None
        for step in () if again else run.plan.steps:
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


def ended(run: Runbook) -> RunResult:
    """What the launcher would say at the end."""
    return result_from_journal(read_events(run.folder), run.folder, run.run.setting, None)


def outcomes(run: Runbook) -> dict[str, Outcome]:
    return {result.name.title: result.outcome for result in run.results.values()}


def lines(run: Runbook, event: str) -> list[Event]:
    """The journal's lines of one kind."""
    return [line for line in read_events(run.folder) if line["event"] == event]


def writes(run: Runbook) -> list[Event]:
    """The calls that changed something, or were meant to, but for the lock's."""
    return [line for line in lines(run, "call") if line["write"] and not of_the_lock(line)]


def of_the_lock(call: Event) -> bool:
    return bool(call["call"].startswith("s3:") and call["parameters"].get("Key", "").startswith("locks/"))


def targets(run: Runbook, title: str) -> dict[Target, Outcome]:
    (result,) = (each for each in run.results.values() if each.name.title == title)
    return {each.target: each.outcome for each in result.targets}


def proven(run: Runbook) -> None:
    """The record on disk holds."""
    proof = verify(run.folder)
    assert proof.holds, proof.problems


def pages_of(run: Runbook) -> int:
    """How many messages of this run went out to whoever is on call, in all regions."""
    messages = (
        each[1]
        for region, topic in run.run.service.on_call.topics.items()
        for each in sns_backends[run.run.service.account][region].topics[topic].sent_notifications
    )
    return sum(json.loads(message).get("run_id") == run.run.id for message in messages if message.startswith("{"))


def pages_due(plan: Plan[Any]) -> int:
    """How many messages a drill of a plan sends to whoever is on call: one, where it has the step."""
    return sum(step.key == "notify-on-call" for step in plan.steps)


def incidents(stage: Stage) -> list[dict[str, Any]]:
    """All incidents of the status page."""
    found: list[dict[str, Any]] = stage.state()["own"]["statuspage"]["incidents"]
    return found


def transitions(run: Runbook) -> dict[str, bool]:
    """Whether deployments may enter, by region; nothing for a plan that has no pipeline."""
    asked: dict[str, bool] = {}
    if not hasattr(run.run.facts, "pipeline"):
        return asked
    for region in run.run.service.regions:
        found = _client(run, "codepipeline", region).get_pipeline_state(name=run.run.facts.pipeline.name)
        into = next(each for each in found["stageStates"] if each["stageName"] == run.run.facts.pipeline.stage)
        asked[region] = into["inboundTransitionState"]["enabled"]
    return asked


def locks(run: Runbook) -> list[str]:
    """The locks that are held, in any region that is not away."""
    found: set[str] = set()
    for region, bucket in votes.places(run.run.service):
        try:
            listed = _client(run, "s3", region).list_objects_v2(Bucket=bucket, Prefix="locks/")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ServiceUnavailable":
                raise
            continue
        found |= {each["Key"] for each in listed.get("Contents", ())}
    return sorted(found)


def client(run: Runbook, service: str, region: str) -> Any:
    """A client past the gate: what a colleague, or the console, would use."""
    return _client(run, service, region)


def _client(run: Runbook, service: str, region: str) -> Any:
    session = run.run.aws.session
    return session.client(service, region_name=region, endpoint_url=run.run.service.endpoint, **ADMINISTRATOR)


def undrawn(patch: pytest.MonkeyPatch) -> None:
    """Keep runs from drawing, which takes half of their time and has tests of its own, and from waiting.

    Neither for the disk, as no test cuts the power and what a killed process has written is there without it; nor, by
    the wall's clock, before botocore's next try.
    """
    patch.setattr(show, "display_chart", lambda chart, redact: b"a picture")
    patch.setattr("os.fsync", lambda handle: None)
    patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    patch.setattr(show, "preload", lambda: None)


@contextmanager
def staged(folder: Path, seed: int = 1, users: int = FEW_USERS, tokens_a_secret: int = 800) -> Iterator[Stage]:
    """A stage: while it is open, HTTP and DNS to any address end in its sandbox."""
    door = InProcess(seed, users, tokens_a_secret)
    with pytest.MonkeyPatch.context() as patch:
        end_in(door, patch)
        # Asked 1,200 times a drill, and free in the world, too: as a request it is a tenth of a drill's time.
        patch.setattr(RemoteClock, "now", lambda clock: door.world.clock.now())
        undrawn(patch)
        stage = Stage(door, folder, seed)
        try:
            yield stage
        finally:
            stage.close()
