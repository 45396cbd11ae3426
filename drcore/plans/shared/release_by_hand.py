"""Going back to a release by hand: its name by a look, aliases, the stage, whatever else deploys.

`of` gives a part of `$RELEASE` in a region, as the manifest has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drcore.engine.by_hand import HandAct, words
from drcore.engine.outcome import StepName
from drcore.engine.permissions import Place
from drcore.plans.shared.by_hand import in_regions
from drcore.plans.shared.facts import Pipeline
from drcore.plans.shared.releases import Manifest


def knows_release(at: Place[Any], manifest: Manifest) -> str:
    """The newest stable release is `$RELEASE`, the newest of all `$LEFT`."""
    region = at.service.runner_region
    bucket = manifest.bucket.format(region=region)
    return (
        f"aws s3api get-object --region {region} --bucket {words([bucket])} --key {words([manifest.key])} "
        "releases.json > /dev/null\n"
        "jq -r '.releases[] | \"\\(.release) \\(.status)\"' releases.json\n"
        "RELEASE=$(jq -r '[.releases[] | select(.status == \"stable\")][-1].release' releases.json)\n"
        "LEFT=$(jq -r '.releases[-1].release' releases.json)\n"
        'of() { jq -r --arg r "$RELEASE" --arg g "$1" --arg f "$3" '
        '".releases[] | select(.release == \\$r) | .regions[\\$g]$2" releases.json; }'
    )


def deployments_stop(at: Place[Any], step: StepName, application: str, group: str, *, again: bool = False) -> HandAct:
    """Stop what CodeDeploy deploys; a rollback of its own is waited for. `again`: what an act before has defined."""
    named = f"--application-name {words([application])} --deployment-group-name {words([group])}"
    stops = (
        f"running() {{ aws deploy list-deployments --region $G {named} \\\n"
        "  --include-only-statuses Created Queued InProgress Baking Ready --query 'deployments[]'; }\nhalt() { "
        + in_regions(
            at.service,
            "for D in $(running); do",
            '  [ "$(aws deploy get-deployment --region $G --deployment-id $D \\',
            '    --query deploymentInfo.rollbackInfo.rollbackTriggeringDeploymentId)" = None ] &&',
            "    aws deploy stop-deployment --region $G --deployment-id $D --auto-rollback-enabled",
            "done",
            'until [ -z "$(running)" ]; do sleep 10; done',
        )
        + "; }\n"
    )
    return HandAct(
        step,
        do="halt" if again else f"{stops}halt",
        look=in_regions(at.service, "running"),
        shows="nothing: no deployment runs, none of CodeDeploy's own rollbacks either",
        back="none: deploy anew once it is over",
    )


def freeze(at: Place[Any], step: StepName, pipeline: Pipeline) -> HandAct:
    """Keep new deployments out."""
    there = f"--pipeline-name {words([pipeline.name])} --stage-name {words([pipeline.stage])} --transition-type Inbound"
    ways = (
        "gate() { "
        + in_regions(at.service, f'aws codepipeline "$1-stage-transition" --region $G {there} "${{@:2}}"')
        + "; }\nentry() { aws codepipeline get-pipeline-state --region $G "
        f"--name {words([pipeline.name])} --query \\\n"
        f"  \"stageStates[?stageName=='{pipeline.stage}'].$1\"; }}\n"
    )
    look = _entries(at)
    return HandAct(step, do=ways + _CLOSE, look=look, shows="False for each region", undo=_OPEN)


def unfreeze(at: Place[Any], step: StepName, pipeline: Pipeline) -> HandAct:
    """Let deployments in again, but not what waits at the door: it would deploy at once."""
    stops = in_regions(
        at.service,
        "W=$(entry inboundExecution.pipelineExecutionId)",
        f'[ -z "$W" ] || aws codepipeline stop-pipeline-execution --region $G --abandon '
        f"--pipeline-name {words([pipeline.name])} \\",
        '  --pipeline-execution-id "$W" --reason "by hand"',
    )
    return HandAct(
        step,
        do=f"{stops}\n{_OPEN}",
        look=_entries(at),
        shows="True for each region",
        undo=_CLOSE,
    )


_CLOSE, _OPEN = 'gate disable --reason "by hand"', "gate enable"


def _entries(at: Place[Any]) -> str:
    return in_regions(at.service, "entry inboundTransitionState.enabled")


def points_aliases(at: Place[Any], step: StepName, functions: Sequence[str], alias: str) -> HandAct:
    """Point the alias of each function at `$RELEASE`, with no weights left on another version.

    What it was before is kept in a file: CodeDeploy may have put it back already, and then nothing is to be undone.
    """
    loop = f"for F in {words(functions)}; do"
    where = f"--region $G --function-name $F --name {words([alias])}"
    none = "{AdditionalVersionWeights: {}}"
    return HandAct(
        step,
        do="point() { "
        + in_regions(
            at.service,
            loop,
            f"  aws lambda get-alias {where} --output json > $G-$F.json",
            f"  aws lambda update-alias {where} --function-version \"$(of $G '.functions[$f]' $F)\" \\",
            "    --routing-config '{\"AdditionalVersionWeights\": {}}' --query '[AliasArn,FunctionVersion]'",
            "done",
        )
        + "; }\npoint",
        look=in_regions(
            at.service,
            loop,
            f"  echo $G $F $(aws lambda get-alias {where} \\",
            "    --query '[FunctionVersion,RoutingConfig]') should be $(of $G '.functions[$f]' $F)",
            "done",
        ),
        shows='"N None should be N" in each line: the version twice, and no weights between',
        undo=in_regions(
            at.service,
            loop,
            f"  aws lambda update-alias {where} --function-version $(jq -r .FunctionVersion $G-$F.json) \\",
            "    --query '[AliasArn,FunctionVersion]' --routing-config \\",
            f"    \"$(jq -c '.RoutingConfig // {none}' $G-$F.json)\"",
            "done",
        ),
        back="each alias points at what it pointed at before, by the same weights",
    )


def points_stage(at: Place[Any], step: StepName) -> HandAct:
    """Point the API's stage at the deployment of `$RELEASE`; a canary is taken off, and not put back by the undo."""
    where = "--region $G --rest-api-id $(of $G .api.rest_api_id) --stage-name $(of $G .api.stage)"
    return HandAct(
        step,
        do="stage() { "
        + in_regions(
            at.service,
            f"C=$(aws apigateway get-stage {where} --query canarySettings.percentTraffic)",
            f"aws apigateway get-stage {where} --query deploymentId > $G-stage",
            f"aws apigateway update-stage {where} --query deploymentId --patch-operations \\",
            "  op=replace,path=/deploymentId,value=$(of $G .api.deployment_id) "
            '$([ "$C" = None ] || echo op=remove,path=/canarySettings)',
        )
        + "; }\nstage",
        look=in_regions(
            at.service,
            f"echo $G $(aws apigateway get-stage {where} \\",
            "  --query '[deploymentId,canarySettings.percentTraffic]') should be $(of $G .api.deployment_id)",
        ),
        shows='"ID None should be ID" in each line: the deployment twice, and no canary between',
        undo=in_regions(
            at.service,
            f"aws apigateway update-stage {where} --query deploymentId --patch-operations \\",
            "  op=replace,path=/deploymentId,value=$(cat $G-stage)",
        ),
        back="the stage serves the deployment that it served before, without a canary",
    )
