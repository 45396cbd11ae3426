"""A drill of plan G on a world in this process: how far it goes, what the account and the data look like then."""

from __future__ import annotations

from collections import Counter
from typing import Any

from drcore import plans
from drcore.diff import Difference
from drcore.engine.step import Step
from drcore.plans.g.tables import table
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook
from tests.support.stage import SHORT, Scene, Stage, carry_out, client

PLAN = plans.find("g")
FAULT = "data-corruption"
CORRUPTED = Scene(PLAN, FAULT)
EAST, WEST = REGIONS = ("us-east-1", "us-west-2")
Items = dict[str, dict[str, Any]]
# A statement of somebody else in the policy of a table, but for the table that it is about.
THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:role/auditor"},
    "Action": "dynamodb:Scan",
}


def prepared(stage: Stage, options: dict[str, str] | None = None, **incident: object) -> RunParameters:
    return stage.prepare(CORRUPTED, options=options, facts=SHORT, incident=incident)


def drilled_to(
    stage: Stage, step: Step[Any, Any], options: dict[str, str] | None = None, **incident: object
) -> Runbook:
    """A drill up to the end of one step."""
    run = stage.open(prepared(stage, options, **incident))
    assert carry_out(run, until=step) is None
    return run


def service(run: Runbook, region: str) -> dict[str, Any]:
    found: dict[str, Any] = client(run, "ecs", region).describe_services(
        cluster="syncwell", services=["syncwell-worker"]
    )["services"][0]
    return found


def scaling(run: Runbook, region: str) -> dict[str, Any]:
    found: dict[str, Any] = client(run, "application-autoscaling", region).describe_scalable_targets(
        ServiceNamespace="ecs"
    )["ScalableTargets"][0]
    return found


def release(run: Runbook, region: str) -> str:
    definition = client(run, "ecs", region).describe_task_definition(
        taskDefinition=service(run, region)["taskDefinition"]
    )
    variables = definition["taskDefinition"]["containerDefinitions"][0]["environment"]
    return str(next(each["value"] for each in variables if each["name"] == "RELEASE"))


def writers(run: Runbook, region: str) -> dict[str, Any]:
    """Everything that a halt changes, as the console would show it."""
    functions, rules = client(run, "lambda", region), client(run, "events", region)
    suspended = scaling(run, region)
    return {
        "desired": service(run, region)["desiredCount"],
        "bounds": (suspended["MinCapacity"], suspended["MaxCapacity"]),
        "suspended": any(suspended.get("SuspendedState", {}).values()),
        "rules": {name: rules.describe_rule(Name=name)["State"] for name in run.run.facts.rules},
        "sources": [each["State"] for each in functions.list_event_source_mappings()["EventSourceMappings"]],
        "functions": {
            name: functions.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
            for name in run.run.facts.functions
        },
        "provisioned": {name: provisioned(run, region, name) for name in run.run.facts.functions},
    }


def provisioned(run: Runbook, region: str, function: str) -> dict[str, int]:
    """The provisioned concurrency of a function that is wanted, by alias."""
    configs = client(run, "lambda", region).list_provisioned_concurrency_configs(FunctionName=function)
    return {
        each["FunctionArn"].rpartition(":")[2]: each["RequestedProvisionedConcurrentExecutions"]
        for each in configs["ProvisionedConcurrencyConfigs"]
    }


def policy(run: Runbook, region: str) -> str:
    dynamodb = client(run, "dynamodb", region)
    try:
        return str(dynamodb.get_resource_policy(ResourceArn=arn(run, region))["Policy"])
    except dynamodb.exceptions.PolicyNotFoundException:
        return ""


def arn(run: Runbook, region: str, name: str = "") -> str:
    """Of the table in use when the run began, or of the one that is named."""
    return f"arn:aws:dynamodb:{region}:{run.run.service.account}:table/{name or table(run.run)}"


def truth(stage: Stage) -> Any:
    return stage.truth()["corruption"]


def made_twice(stage: Stage) -> list[tuple[str, str, str]]:
    """Calls that changed something and were made more than once with the same arguments."""
    counted = Counter((each.call, each.region, each.asked) for each in stage.effects if "locks/" not in each.asked)
    return [call for call, count in counted.items() if count > 1]


def items(run: Runbook, where: str, name: str) -> Items:
    """All users' items of a table in one region, past the gate."""
    found: Items = {}
    pages = client(run, "dynamodb", where).get_paginator("scan").paginate(TableName=name)
    for page in pages:
        found |= {item["pk"]["S"]: item for item in page["Items"] if item["pk"]["S"].startswith("USER#")}
    return found


def keys(found: tuple[Difference, ...]) -> set[str]:
    return {each.key["pk"]["S"] for each in found}


def corrupted(stage: Stage) -> set[str]:
    return {key.partition("/")[0] for key in truth(stage)["corrupted"]}
