"""Who may do what at SyncWell: its people, the roles that they take on, the roles of the service.

`policies/` holds what the runbooks print for their runner (`drcore list PLAN --iam`), as it was pasted.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.identity.aws_policies import READ_ONLY, read_only_access
from drcore.sandbox.identity.callers import Callers
from drcore.sandbox.identity.guard import Guard
from drcore.sandbox.syncwell.company import names

POLICIES = Path(__file__).parent / "policies"
"""Where the printed policies lie, one a plan."""
RUNBOOKS = tuple(sorted(path.stem for path in POLICIES.glob("*.json")))
"""The plans whose policies the runner's role has."""

_SERVICES: Mapping[str, str] = {
    names.LAMBDA_ROLE: "lambda.amazonaws.com",
    names.WORKER_ROLE: "ecs-tasks.amazonaws.com",
    names.EVENTS_ROLE: "events.amazonaws.com",
    names.BATCH_ROLE: "ecs-tasks.amazonaws.com",
}
"""The roles of the service, each with the AWS service that takes it on."""


def set_up(world: World) -> None:
    """Make them. From then on the keys of others are nobody's."""
    callers = world.state(Callers)
    store = callers.store
    store.lay("ReadOnlyAccess", "/", read_only_access(), of_aws=True, at="2015-02-06T18:39:48+00:00")
    owned = store.lay("syncwell-metadata", "/", _metadata(world))
    printed = [store.lay(f"drcore-{plan}", "/", printed_policy(plan)) for plan in RUNBOOKS]
    people = [f"arn:aws:iam::{world.account}:user/{names.OPERATOR}"]
    approving = _approving(world)
    store.add_role(names.RECOVERY_ROLE, _trusts(world, people), [READ_ONLY, *printed, approving])
    second = [*people, f"arn:aws:iam::{world.account}:user/{names.SECOND_PERSON}"]
    store.add_role(names.APPROVER_ROLE, _trusts(world, second, named=True), [READ_ONLY, approving])
    runner = f"arn:aws:iam::{world.account}:role/{names.RECOVERY_ROLE}"
    for role, service in _SERVICES.items():
        store.add_role(role, _trusts(world, [runner], service), [owned])
    roles = [f"arn:aws:iam::{world.account}:role/{name}" for name in (names.RECOVERY_ROLE, names.APPROVER_ROLE)]
    store.add_user(names.OPERATOR, {"sign-in": _allow("sts:AssumeRole", roles)})
    store.add_user(names.ADMINISTRATOR, {"everything": _allow("*", ["*"])})
    store.add_user(names.SECOND_PERSON, {"sign-in": _allow("sts:AssumeRole", roles[1:])})
    callers.add_key(names.OPERATOR_KEY, names.OPERATOR)
    callers.add_key(names.SECOND_PERSON_KEY, names.SECOND_PERSON)
    callers.add_key(names.ADMINISTRATOR_KEY, names.ADMINISTRATOR)


def grant(world: World, *plans: str) -> None:
    """Let the runner's role have what these plans print, and no other's."""
    for plan in RUNBOOKS:
        change = world.client("iam", "us-east-1")
        change_policy = change.attach_role_policy if plan in plans else change.detach_role_policy
        try:
            change_policy(RoleName=names.RECOVERY_ROLE, PolicyArn=_arn(world, plan))
        except change.exceptions.NoSuchEntityException:
            continue  # it was taken away before


def close(world: World) -> None:
    """Let no call from outside go by unseen, from now on."""
    world.state(Guard).stand()


def printed_policy(plan: str) -> dict[str, Any]:
    """What a plan needs, as its runbook prints it for this environment."""
    document: dict[str, Any] = json.loads((POLICIES / f"{plan}.json").read_bytes())
    return document


def _trusts(world: World, arns: list[str], service: str = "", *, named: bool = False) -> dict[str, Any]:
    """The account may give the role away, to these only; so those need a policy that lets them take it, too.

    `named`: and only in a session that bears their name.
    """
    root = {"AWS": f"arn:aws:iam::{world.account}:root"}
    only: dict[str, Any] = {"ArnEquals": {"aws:PrincipalArn": arns}}
    only |= {"StringEquals": {"sts:RoleSessionName": "${aws:username}"}} if named else {}
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Principal": root, "Action": "sts:AssumeRole", "Condition": only}
    ]
    if service:
        statements.append({"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})
    return {"Version": "2012-10-17", "Statement": statements}


def _approving(world: World) -> str:
    """What is needed to ask a second person by way of the evidence stores, and to leave a yes there."""
    keys = [f"arn:aws:s3:::{names.evidence_bucket(region)}/approvals/*" for region in world.regions]
    return world.state(Callers).store.lay("drcore-approve", "/", _allow(["s3:PutObject"], keys))


def _metadata(world: World) -> dict[str, Any]:
    """Of the table under each name that a restore may give it, with its indexes."""
    table = f"arn:aws:dynamodb:*:{world.account}:table/{names.TABLE}*"
    actions = ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
    return _allow([f"dynamodb:{name}" for name in actions], [table])


def _allow(actions: str | list[str], resources: list[str]) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Action": actions, "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def take_away(world: World, plan: str, action: str) -> None:
    """Let the policy of a plan be without an action."""
    document = json.loads(world.state(Callers).store.managed(_arn(world, plan)))
    for statement in document["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != action]
    left = [statement for statement in document["Statement"] if statement["Action"]]
    paste(world, plan, document | {"Statement": left})


def paste(world: World, plan: str, document: Mapping[str, Any]) -> None:
    """Let the policy of a plan be another one."""
    world.state(Callers).store.change(_arn(world, plan), document)


def _arn(world: World, plan: str) -> str:
    return f"arn:aws:iam::{world.account}:policy/drcore-{plan}"
