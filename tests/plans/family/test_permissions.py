"""What a plan prints as its IAM policy is all that it needs, and nothing beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.outcome import Outcome
from drcore.engine.permissions import LONGEST, OF_EVERY_RUN, Permission, Place, policy
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.errors import Exit
from drcore.parameters import load
from drcore.run.runbook import Runbook
from drcore.sandbox.identity.patterns import arn_glob
from drcore.sandbox.syncwell.company import principals
from tests.support.drills import Drills
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import ENVIRONMENT, SHORT, Stage, carry_out, each_plan, ended, lines, scenes_of, staged

# What a plan needs for what no drill of it comes to.
NOT_IN_A_DRILL = {
    "s3:PutObjectRetention": "a record is archived after its run",
    "dynamodb:DeleteItem": "an item that was not in the good state; a write that was accepted while writes are denied",
    "dynamodb:UntagResource": "the way back of what is kept as evidence",
    "codepipeline:StopPipelineExecution": "what waits at the door: tests/plans/f/test_what_deploys_again.py",
    "secretsmanager:StopReplicationToReplica": "a region that is away: tests/plans/e/test_primary_region_down.py",
    "sqs:CancelMessageMoveTask": "the way back of a redrive that still runs",
    "ecs:StopTask": "a task outside the service, which this account has not",
}
# What it needs on some resources only for what no drill of it comes to; on others a drill needs it. A switch needs both
# in tests/plans/g/test_p08_switch.py.
NOT_IN_A_DRILL_ON = {
    ("sns:Publish", "syncwell-oncall-second"): "nobody acknowledges: in a drill the policy does",
    ("dynamodb:UpdateTable", "table/SyncWellMetadata"): "a table that is not protected",
    ("dynamodb:PutResourcePolicy", "table/SyncWellMetadata-restored-*"): "a table with statements of its own",
}


def in_no_drill(plan: Plan[Any], permission: Permission) -> bool:
    """Whether what it is for is told above."""
    action, arns = permission.action, list(permission.on(place(plan)))
    others = [thing for name, thing in NOT_IN_A_DRILL_ON if name == action]
    return action in NOT_IN_A_DRILL or any(all(arn.endswith(f":{thing}") for arn in arns) for thing in others)


@cache
def place(plan: Plan[Any]) -> Place[Any]:
    return Place(*load(HOME / "parameters", ENVIRONMENT, plan.id, plan.facts))


@each_plan
def test_the_role_of_the_sandbox_has_what_is_printed(plan: Plan[Any]) -> None:
    """`make reference` writes it down anew."""
    printed = policy(plan.permissions, place(plan))
    assert principals.printed_policy(plan.id) == printed
    assert len(json.dumps(printed, separators=(",", ":"))) <= LONGEST


@each_plan
@pytest.mark.parametrize("environment", ["production", "staging", "sandbox"])
def test_each_secret_that_its_parameters_name_can_be_read(plan: Plan[Any], environment: str) -> None:
    """A key that is in the sandbox's parameters alone, or only in production's, is a key that no drill has read."""
    named, drilled = (set(secrets_of(plan, each)) for each in (environment, ENVIRONMENT))
    service, facts = load(HOME / "parameters", ENVIRONMENT, plan.id, plan.facts)
    read = [permission for permission in plan.permissions if permission.action == "secretsmanager:GetSecretValue"]
    permitted = " ".join(arn for permission in read for arn in permission.on(Place(service, facts)))
    assert named == drilled
    assert [name for name in named if f":secret:{name}-" not in permitted] == []


def secrets_of(plan: Plan[Any], environment: str) -> Iterator[str]:
    """The secrets of Secrets Manager that the files of a plan in an environment name."""
    for file in (f"{plan.id}.yaml", "service.yaml"):
        yield from re.findall(r'"aws:([^"]+)"', (HOME / "parameters" / environment / file).read_text())


def covers(plan: Plan[Any], permission: Permission, asked: tuple[str, str]) -> bool:
    action, resource = asked
    return action == permission.action and any(
        arn == "*" or arn_glob(arn).fullmatch(resource) for arn in permission.on(place(plan))
    )


@each_plan
def test_nothing_is_printed_that_no_drill_needs(drilled: Drills, plan: Plan[Any]) -> None:
    """On one of its resources at least: what is done where a region has failed is done in one."""
    asked = {each for scene in scenes_of(plan) for each in drilled(scene).asked}
    for permission in plan.permissions:
        if permission.on(place(plan)) and not in_no_drill(plan, permission):
            found = [each for each in asked if covers(plan, permission, each)]
            archived = permission.action == "s3:PutObject" and any(
                "/records/" in arn for arn in permission.on(place(plan))
            )
            assert found or archived, f"{permission.action} on {', '.join(permission.on(place(plan)))}"


def used_actions(drilled: Drills, plan: Plan[Any]) -> Iterator[tuple[str, Any]]:
    """The actions that the plan prints and a drill of it needs, each with such a drill's scene."""
    # Without what only the lock needs no step is begun, or none is wrong.
    of_the_lock = [each for each in OF_EVERY_RUN if each.action.startswith("s3:")]
    printed = {permission.action for permission in plan.permissions if permission not in of_the_lock}
    printed -= set(NOT_IN_A_DRILL)
    for action in sorted(printed):
        for scene in scenes_of(plan):
            if any(asked[0] == action for asked in drilled(scene).asked):
                yield action, scene
                break


@each_plan
def test_without_one_of_them_a_drill_is_red_where_it_is_needed(
    drilled: Drills, plan: Plan[Any], tmp_path: Path
) -> None:
    """Each of them in the nightly proof, here one a plan."""
    every = list(used_actions(drilled, plan))
    not_missed = []
    for action, scene in every if EXHAUSTIVE else every[len(every) // 3 :][:1]:
        with staged(tmp_path) as stage:
            setting = stage.prepare(scene, facts=SHORT)
            principals.take_away(stage.door.world, plan.id, action)
            run = stage.open(setting)
            trouble = str(carry_out(run) or "")
            # What only tells does not end a run: its goal may be reached, with what is still to be told.
            if not told(run, action, trouble) or ended(run).exit is Exit.REACHED:
                not_missed.append((action, scene.fault, str(ended(run).word), trouble))
    assert not_missed == []


def told(run: Runbook, action: str, trouble: str) -> bool:
    """Whether a step that went wrong names the action that it was refused, or what barred the run from its steps."""
    wrong = [each.why for each in run.results.values() if each.outcome in (Outcome.FAILED, Outcome.UNKNOWN)]
    return any(f"not authorized to perform: {action}" in why for why in (*wrong, trouble))


@each_plan
def test_the_preflight_names_what_is_not_allowed(stage: Stage, plan: Plan[Any]) -> None:
    action = next(each.action for step in plan.steps for each in step.permissions)
    setting = stage.prepare(plan)
    principals.take_away(stage.door.world, plan.id, action)
    run = stage.open(setting)
    run.preflight()
    (finding,) = (line for line in lines(run, "finding") if line["what"] == "permissions")
    assert finding["check"] == "no"
    assert finding["why"].startswith(f"denied to arn:aws:iam::123456789012:role/syncwell-recovery: {action} on ")
