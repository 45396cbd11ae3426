"""The resources that a probe makes for itself: by name found again, by name told from those of the service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drcore.calls.aws import Aws
from drcore.calls.gate import Call, CallGate
from drcore.errors import Rejected

PREFIX = "drcore-probe-"
# By these parameters a call names what it changes, whatever else it says.
_NAMES = (
    *("FunctionName", "RoleName", "QueueName", "QueueUrl", "applicationName"),
    *("TableName", "ResourceArn", "TargetTableName", "SourceTableArn"),
)
_OWN = re.compile(rf"(^|[:/]){PREFIX}[\w-]+([:/].*)?$")


class OwnGate(CallGate):
    """A gate through which no write passes but to what the probe has made: a mistake in a question changes nothing."""

    def __init__(self, note: Callable[..., object]) -> None:
        super().__init__(note)
        self.deployments: set[str] = set()
        """The ids of deployments that this probe has begun: by these alone one is stopped."""

    def admit(self, call: Call) -> None:
        """As any gate; RuntimeError for a write to what is not the probe's own."""
        if call.write and not self._is_own(call):
            raise RuntimeError(f"a probe changes nothing but its own {PREFIX}*: {call}")
        super().admit(call)

    def _is_own(self, call: Call) -> bool:
        if call.operation == "StopDeployment":
            return call.parameters.get("deploymentId") in self.deployments
        named = list(_named(call.parameters))
        return bool(named) and all(_OWN.search(each) for each in named)


def _named(parameters: object) -> Iterator[str]:
    """What the parameters name, at any depth: a transaction names a table for each of its writes."""
    if isinstance(parameters, Mapping):
        for name, value in parameters.items():
            yield from (str(value),) if name in _NAMES else _named(value)
    elif isinstance(parameters, list | tuple):
        for parameter in parameters:
            yield from _named(parameter)


@dataclass(frozen=True, slots=True)
class KindOfOwn:
    """A kind of resource: how those of a probe are found in a region, how one is removed.

    `everywhere`: it belongs to no region. The last of a list is removed first.
    """

    name: str
    find: Callable[[Aws, str], Iterator[str]]
    remove: Callable[[Aws, str, str], None]
    everywhere: bool = False


def _functions(aws: Aws, region: str) -> Iterator[str]:
    functions = aws.pages("lambda", region, "list_functions", "Functions")
    return (each["FunctionName"] for each in functions if each["FunctionName"].startswith(PREFIX))


def _remove_function(aws: Aws, region: str, name: str) -> None:
    aws.call("lambda", region, "delete_function", FunctionName=name)


def _roles(aws: Aws, region: str) -> Iterator[str]:
    roles = aws.pages("iam", region, "list_roles", "Roles")
    return (each["RoleName"] for each in roles if each["RoleName"].startswith(PREFIX))


def _remove_role(aws: Aws, region: str, name: str) -> None:
    for policy in list(aws.pages("iam", region, "list_role_policies", "PolicyNames", RoleName=name)):
        aws.call("iam", region, "delete_role_policy", RoleName=name, PolicyName=policy)
    for attached in list(aws.pages("iam", region, "list_attached_role_policies", "AttachedPolicies", RoleName=name)):
        aws.call("iam", region, "detach_role_policy", RoleName=name, PolicyArn=attached["PolicyArn"])
    aws.call("iam", region, "delete_role", RoleName=name)


def _tables(aws: Aws, region: str) -> Iterator[str]:
    return (name for name in aws.pages("dynamodb", region, "list_tables", "TableNames") if name.startswith(PREFIX))


def _remove_table(aws: Aws, region: str, name: str) -> None:
    aws.call("dynamodb", region, "delete_table", TableName=name)


def _queues(aws: Aws, region: str) -> Iterator[str]:
    urls = aws.pages("sqs", region, "list_queues", "QueueUrls", QueueNamePrefix=PREFIX)
    return (url.rpartition("/")[2] for url in urls)


def _remove_queue(aws: Aws, region: str, name: str) -> None:
    aws.call(
        "sqs", region, "delete_queue", QueueUrl=aws.call("sqs", region, "get_queue_url", QueueName=name)["QueueUrl"]
    )


def _applications(aws: Aws, region: str) -> Iterator[str]:
    names = aws.pages("codedeploy", region, "list_applications", "applications")
    return (name for name in names if name.startswith(PREFIX))


def _remove_application(aws: Aws, region: str, name: str) -> None:
    aws.call("codedeploy", region, "delete_application", applicationName=name)


ROLE = KindOfOwn("role", _roles, _remove_role, everywhere=True)
FUNCTION = KindOfOwn("function", _functions, _remove_function)
TABLE = KindOfOwn("table", _tables, _remove_table)
QUEUE = KindOfOwn("queue", _queues, _remove_queue)
APPLICATION = KindOfOwn("application of CodeDeploy", _applications, _remove_application)
KINDS = (ROLE, FUNCTION, TABLE, QUEUE, APPLICATION)

GONE = {"ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "ApplicationDoesNotExistException"}
GONE |= {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


def remove(aws: Aws, kind: KindOfOwn, region: str, name: str) -> None:
    """Remove one resource; one that is gone already is no error. Raises Rejected, Unknown."""
    try:
        kind.remove(aws, region, name)
    except Rejected as error:
        if error.code not in GONE:
            raise


def resources_of_probes(aws: Aws, regions: tuple[str, ...]) -> Iterator[tuple[KindOfOwn, str, str]]:
    """All that any probe has left: kind, region, name; what is to be removed first comes first."""
    for kind in reversed(KINDS):
        for region in regions[:1] if kind.everywhere else regions:
            for name in kind.find(aws, region):
                yield kind, region, name


_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "arn:aws:iam::*:role/{}*": (
        *("iam:CreateRole", "iam:DeleteRole", "iam:PassRole"),
        *("iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "sts:AssumeRole"),
    ),
    "arn:aws:lambda:*:*:function:{}*": (
        *("lambda:CreateFunction", "lambda:DeleteFunction", "lambda:UpdateFunctionConfiguration"),
        *("lambda:PublishVersion", "lambda:CreateAlias", "lambda:UpdateAlias"),
        *("lambda:PutProvisionedConcurrencyConfig", "lambda:PutFunctionConcurrency"),
    ),
    "arn:aws:dynamodb:*:*:table/{}*": (
        *("dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:PutItem", "dynamodb:PutResourcePolicy"),
        "dynamodb:UpdateContinuousBackups",
    ),
    "arn:aws:sqs:*:*:{}*": (*("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SendMessage", "sqs:ReceiveMessage"),),
    "arn:aws:codedeploy:*:*:application:{}*": ("codedeploy:CreateApplication", "codedeploy:DeleteApplication"),
    "arn:aws:codedeploy:*:*:deploymentgroup:{}*": (
        *("codedeploy:CreateDeploymentGroup", "codedeploy:CreateDeployment"),
    ),
    "*": ("codedeploy:StopDeployment",),  # on all deployments or on none, as AWS has it; the gate lets own ones through
}


def policy() -> dict[str, object]:
    """What the runner's role needs beside ReadOnlyAccess while it asks; it reaches nothing but what a probe makes."""
    statements = [
        {"Effect": "Allow", "Action": list(actions), "Resource": pattern.format(PREFIX)}
        for pattern, actions in _ALLOWED.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}
