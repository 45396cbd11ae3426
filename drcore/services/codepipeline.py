"""CodePipeline: the transition into a stage, open or closed; what waits before it."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.calls.aws import Aws
from drcore.errors import Rejected


@dataclass(frozen=True, slots=True)
class Transition:
    """The way into a stage. `reason` says why it is closed; `waiting` is the execution that stands before it."""

    open: bool = field(metadata={"label": "deployments may enter"})
    reason: str = field(default="", metadata={"label": "closed because"})
    waiting: str = field(default="", compare=False)


def transition(aws: Aws, region: str, pipeline: str, stage: str) -> Transition:
    """Raises Rejected when there is no such pipeline or stage, Unknown."""
    pipeline_state = aws.call("codepipeline", region, "get_pipeline_state", name=pipeline)
    into = next((each for each in pipeline_state["stageStates"] if each["stageName"] == stage), None)
    if into is None:
        raise Rejected(f"codepipeline in {region}: {pipeline} has no stage {stage}", "StageNotFoundException")
    state = into.get("inboundTransitionState", {"enabled": True})
    waiting = into.get("inboundExecution", {}).get("pipelineExecutionId", "")
    return Transition(state["enabled"], state.get("disabledReason", ""), waiting)


def close(aws: Aws, region: str, pipeline: str, stage: str, reason: str) -> None:
    """Let nothing more into a stage. AWS takes a reason of up to 300 characters."""
    aws.call(
        "codepipeline",
        region,
        "disable_stage_transition",
        pipelineName=pipeline,
        stageName=stage,
        transitionType="Inbound",
        reason=reason[:300],
    )


def open_(aws: Aws, region: str, pipeline: str, stage: str) -> None:
    """Let executions into a stage again; one that waits enters at once."""
    aws.call(
        "codepipeline",
        region,
        "enable_stage_transition",
        pipelineName=pipeline,
        stageName=stage,
        transitionType="Inbound",
    )


def stop(aws: Aws, region: str, pipeline: str, execution: str, reason: str) -> None:
    """Stop an execution and give up what it is about. One that has ended is refused."""
    aws.call(
        "codepipeline",
        region,
        "stop_pipeline_execution",
        pipelineName=pipeline,
        pipelineExecutionId=execution,
        abandon=True,
        reason=reason[:200],
    )
