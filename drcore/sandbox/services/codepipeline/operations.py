"""CodePipeline: the state of stages, whose transitions can be closed.

Kept here and not in moto, which has no state of a pipeline. See codepipeline_runs for how an execution goes.
Pipelines are made by the world's set-up; creating them is not emulated.
"""

from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.identity.callers import Callers
from drcore.sandbox.services.codepipeline.state import CodePipeline, PipelineExecution, PipelineStage, RegionPipeline


@operation("codepipeline", "ListPipelines")
def list_pipelines(call: AwsCall) -> dict[str, Any]:
    """As the API, on one page."""
    pipelines = call.world.state(CodePipeline).pipelines(call.region)
    return {
        "pipelines": [{"name": p.name, "version": 1, "created": p.created, "updated": p.created} for p in pipelines]
    }


@operation("codepipeline", "GetPipelineState")
def get_pipeline_state(call: AwsCall) -> dict[str, Any]:
    """As the API; the first stage has no inbound transition."""
    pipeline = _pipeline(call, "name")
    states = [_stage_document(stage, first=stage is pipeline.stages[0]) for stage in pipeline.stages]
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": 1,
        "stageStates": states,
        "created": pipeline.created,
        "updated": pipeline.created,
    }


@operation("codepipeline", "DisableStageTransition")
def disable_stage_transition(call: AwsCall) -> dict[str, Any]:
    """As the API, inbound only: who arrives waits, who is in goes on."""
    stage = _transition(call)
    stage.close(call.params["reason"], call.world.state(Callers).of(call).principal.arn, call.world.clock.now())
    return {}


@operation("codepipeline", "EnableStageTransition")
def enable_stage_transition(call: AwsCall) -> dict[str, Any]:
    """As the API: who waits enters, here at the next tick."""
    stage = _transition(call)
    stage.open(call.world.state(Callers).of(call).principal.arn, call.world.clock.now())
    return {}


@operation("codepipeline", "StartPipelineExecution")
def start_pipeline_execution(call: AwsCall) -> dict[str, Any]:
    """As the API: builds and deploys what the main branch holds now."""
    pipeline = _pipeline(call, "name")
    execution = call.world.state(CodePipeline).start(pipeline, "StartPipelineExecution")
    return {"pipelineExecutionId": execution.id}


@operation("codepipeline", "ListPipelineExecutions")
def list_pipeline_executions(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first."""
    executions = _pipeline(call, "pipelineName").executions[::-1]
    size = int(call.params.get("maxResults") or 100)
    here, token = page(executions, call.params.get("nextToken"), size)
    summaries = [
        {
            "pipelineExecutionId": execution.id,
            "status": execution.status,
            "startTime": execution.started,
            "lastUpdateTime": execution.updated,
            "sourceRevisions": [
                {
                    "actionName": "Source",
                    "revisionId": execution.source,
                    "revisionSummary": execution.source,
                }
            ],
            "trigger": {"triggerType": execution.trigger, "triggerDetail": ""},
            "executionMode": "SUPERSEDED",
            "executionType": "STANDARD",
        }
        for execution in here
    ]
    return {"pipelineExecutionSummaries": summaries} | ({"nextToken": token} if token else {})


@operation("codepipeline", "StopPipelineExecution")
def stop_pipeline_execution(call: AwsCall) -> dict[str, Any]:
    """As the API, which abandons what a stage has begun: that goes on by itself. Here also where it is not asked to."""
    pipeline, wanted = _pipeline(call, "pipelineName"), call.params["pipelineExecutionId"]
    execution = next((each for each in pipeline.executions if each.id == wanted), None)
    if execution is None or execution.status != "InProgress":
        raise AwsError("PipelineExecutionNotStoppableException", f"Execution {wanted} cannot be stopped")
    call.world.state(CodePipeline).stop(pipeline, execution)
    return {"pipelineExecutionId": wanted}


def _pipeline(call: AwsCall, key: str) -> RegionPipeline:
    return call.world.state(CodePipeline).pipeline(call.region, call.params[key])


def _transition(call: AwsCall) -> PipelineStage:
    pipeline = _pipeline(call, "pipelineName")
    stages = [stage for stage in pipeline.stages if stage.name == call.params["stageName"]]
    if not stages:
        raise AwsError("StageNotFoundException", f"Stage '{call.params['stageName']}' does not exist in the pipeline")
    if call.params["transitionType"] != "Inbound" or stages[0] is pipeline.stages[0]:
        raise AwsError("ValidationException", "only inbound transitions of the second and later stages are emulated")
    return stages[0]


def _execution_document(execution: PipelineExecution, status: str) -> dict[str, Any]:
    return {"pipelineExecutionId": execution.id, "status": status, "type": "STANDARD"}


def _stage_document(stage: PipelineStage, *, first: bool) -> dict[str, Any]:
    document: dict[str, Any] = {"stageName": stage.name, "actionStates": []}
    if not first:
        transition: dict[str, Any] = {"enabled": stage.enabled, "lastChangedBy": stage.changed_by}
        transition["lastChangedAt"] = stage.changed_at
        if not stage.enabled:
            transition["disabledReason"] = stage.reason
        document["inboundTransitionState"] = transition
    if stage.waiting is not None:
        inbound = _execution_document(stage.waiting, "InProgress")
        document |= {"inboundExecution": inbound, "inboundExecutions": [inbound]}
    if stage.latest is not None:
        document["latestExecution"] = _execution_document(stage.latest, stage.outcome)
    return document
