"""CodePipeline's executions: from stage to stage, waiting where a transition is closed.

Simplified: Source takes ten seconds, Build one minute, Deploy as long as the deployment that it starts; one
execution waits at a stage at most (mode SUPERSEDED); no actions, no manual approval, no retries.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World

_DURATIONS = {"Source": timedelta(seconds=10), "Build": timedelta(minutes=1)}


@dataclass(slots=True)
class PipelineExecution:
    """One run of a pipeline for one revision of the source."""

    id: str
    source: str
    trigger: str
    started: datetime
    updated: datetime
    status: str = "InProgress"
    stage: int = 0
    entered: datetime | None = None
    poll: Callable[[], str] | None = None


@dataclass(slots=True)
class PipelineStage:
    """A stage with its inbound transition."""

    name: str
    changed_at: datetime
    changed_by: str = "arn:aws:iam::123456789012:role/syncwell-pipeline"
    enabled: bool = True
    reason: str = ""
    waiting: PipelineExecution | None = None
    latest: PipelineExecution | None = None
    outcome: str = "Succeeded"

    def close(self, reason: str, who: str, at: datetime) -> None:
        """Let nobody in."""
        self.enabled, self.reason, self.changed_by, self.changed_at = False, reason, who, at

    def open(self, who: str, at: datetime) -> None:
        """Let who waits in."""
        self.enabled, self.reason, self.changed_by, self.changed_at = True, "", who, at


class DeployAction(Protocol):
    """What the Deploy stage does: the world's pipeline gives one."""

    def __call__(self, region: str, source: str) -> Callable[[], str]:
        """Start to deploy; returns a function that tells the stage's status."""


@dataclass(slots=True)
class RegionPipeline:
    """A pipeline of one region; `head` is what its source branch holds."""

    region: str
    name: str
    created: datetime
    head: str
    deployer: DeployAction
    stages: list[PipelineStage]
    executions: list[PipelineExecution] = field(default_factory=list)


class CodePipeline:
    """The pipelines of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pipelines: dict[str, dict[str, RegionPipeline]] = {region: {} for region in world.regions}
        world.add_to_dump("codepipeline", self._state)

    def create(self, region: str, name: str, head: str, deployer: DeployAction) -> RegionPipeline:
        """A pipeline with the stages Source, Build and Deploy."""
        now = self._world.clock.now()
        stages = [PipelineStage(stage, now) for stage in ("Source", "Build", "Deploy")]
        self._pipelines[region][name] = RegionPipeline(region, name, now, head, deployer, stages)
        return self._pipelines[region][name]

    def pipelines(self, region: str) -> list[RegionPipeline]:
        """The pipelines of one region."""
        return list(self._pipelines[region].values())

    def pipeline(self, region: str, name: str) -> RegionPipeline:
        """A pipeline by its name. Raises AwsError (PipelineNotFoundException)."""
        if name not in self._pipelines[region]:
            raise AwsError("PipelineNotFoundException", f"Pipeline '{name}' does not exist")
        return self._pipelines[region][name]

    def start(self, pipeline: RegionPipeline, trigger: str, *, built: bool = False) -> PipelineExecution:
        """A new execution of the pipeline's head; `built` when it is already at the door of Deploy."""
        now, number = self._world.clock.now(), len(pipeline.executions)
        stream = self._world.rng("pipeline execution", pipeline.region, pipeline.name, number)
        name = str(uuid.UUID(int=stream.getrandbits(128), version=4))
        execution = PipelineExecution(name, pipeline.head, trigger, now, now)
        pipeline.executions.append(execution)
        if built:
            for stage in pipeline.stages[:-1]:
                stage.latest, stage.outcome = execution, "Succeeded"
            execution.stage = len(pipeline.stages) - 1
        self._arrive(pipeline, execution)
        return execution

    def stop(self, pipeline: RegionPipeline, execution: PipelineExecution) -> None:
        """Stop an execution, where it waits or where it is."""
        stage = pipeline.stages[execution.stage]
        if stage.waiting is execution:
            stage.waiting = None
        else:
            stage.outcome = "Stopped"
        execution.status, execution.updated = "Stopped", self._world.clock.now()

    def finish_at_once(self, execution: PipelineExecution, pipeline: RegionPipeline) -> None:
        """Mark an execution as long done, for the history before the doors opened."""
        for stage in pipeline.stages:
            stage.latest, stage.outcome, stage.waiting = execution, "Succeeded", None
        execution.status, execution.stage = "Succeeded", len(pipeline.stages)

    def tick(self, at: datetime) -> None:
        """Let who waits in where the door is open, then move on who is in."""
        for pipelines in self._pipelines.values():
            for pipeline in pipelines.values():
                self._admit(pipeline, at)
                for execution in pipeline.executions:
                    if execution.status == "InProgress" and execution.entered is not None:
                        self._work(pipeline, execution, at)

    def _arrive(self, pipeline: RegionPipeline, execution: PipelineExecution) -> None:
        stage = pipeline.stages[execution.stage]
        execution.entered = None
        if stage.waiting is not None:
            stage.waiting.status = "Superseded"
        stage.waiting = execution

    def _admit(self, pipeline: RegionPipeline, at: datetime) -> None:
        for stage in pipeline.stages:
            execution = stage.waiting
            busy = stage.latest is not None and stage.outcome == "InProgress"
            if execution is None or not stage.enabled or busy:
                continue
            stage.waiting, stage.latest, stage.outcome = None, execution, "InProgress"
            execution.entered = execution.updated = at
            if stage.name == "Deploy":
                execution.poll = pipeline.deployer(pipeline.region, execution.source)

    def _work(self, pipeline: RegionPipeline, execution: PipelineExecution, at: datetime) -> None:
        stage = pipeline.stages[execution.stage]
        entered = execution.entered or at
        outcome = "Succeeded" if at >= entered + _DURATIONS.get(stage.name, timedelta()) else "InProgress"
        if execution.poll is not None:
            outcome = execution.poll()
        if outcome == "InProgress":
            return
        stage.outcome, execution.updated = outcome, at
        execution.stage += 1
        if outcome == "Succeeded" and execution.stage < len(pipeline.stages):
            self._arrive(pipeline, execution)
        else:
            execution.status = outcome

    def _state(self) -> dict[str, Any]:
        return {
            region: {
                p.name: {
                    "transitions": {s.name: [s.enabled, s.reason] for s in p.stages},
                    "executions": len(p.executions),
                }
                for p in pipelines.values()
            }
            for region, pipelines in self._pipelines.items()
        }
