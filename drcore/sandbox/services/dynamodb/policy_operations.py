"""DynamoDB: the operations on resource policies; a change is in force some seconds later."""

import json
from datetime import timedelta
from typing import Any

from drcore.sandbox.core.behaviours import Behaviours
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.identity.patterns import as_list
from drcore.sandbox.identity.policy import read
from drcore.sandbox.services.dynamodb.item_operations import tables
from drcore.sandbox.services.dynamodb.policy import PolicyInForce
from drcore.sandbox.services.dynamodb.replica import Replica
from drcore.sandbox.services.dynamodb.tables import Tables

_LONGEST = 20 * 1024


@operation("dynamodb", "PutResourcePolicy")
def put_resource_policy(call: AwsCall) -> dict[str, Any]:
    """As the API: the revision that is expected must be the one that is there (`NO_POLICY`: none)."""
    replica = _replica(call)
    if replica is None:
        return call.forward()
    text = call.params["Policy"]
    _valid(text, replica)
    _expect(call, replica)
    known = _current(replica)
    if known and known.text == text:
        return {"RevisionId": known.revision}
    return {"RevisionId": _change(call, replica, text)}


@operation("dynamodb", "GetResourcePolicy")
def get_resource_policy(call: AwsCall) -> dict[str, Any]:
    """As the API: what was last put, in force or not yet."""
    replica = _replica(call)
    answer = call.forward() if replica is None else {}
    known = _current(replica) if replica else None
    if answer.get("Policy"):
        return answer
    if known is None:
        raise AwsError(
            "PolicyNotFoundException",
            f"Resource-based policy not found for the provided ResourceArn: {call.params['ResourceArn']}",
        )
    return {"Policy": known.text, "RevisionId": known.revision}


@operation("dynamodb", "DeleteResourcePolicy")
def delete_resource_policy(call: AwsCall) -> dict[str, Any]:
    """As the API: done again it is no error, unless a revision is expected."""
    replica = _replica(call)
    if replica is None:
        return call.forward()
    _expect(call, replica)
    known = _current(replica)
    if known is None:
        return {}
    _change(call, replica, "")
    return {"RevisionId": known.revision}


@resource_policy("dynamodb")
def policy_of_a_table(world: World, arn: str) -> str:
    """The policy in force on a table or its indexes; a table that is not there has none."""
    table = world.state(Tables).find(arn.split(":")[3], arn.partition(":table/")[2].partition("/")[0])
    in_force = table.policy_at(world.clock.now()) if table else None
    return in_force.text if in_force else ""


def _replica(call: AwsCall) -> Replica | None:
    name = call.params["ResourceArn"].rpartition(":table/")[2]
    if "/" in name:
        raise AwsError("ValidationException", "The sandbox has no policies of streams")
    return tables(call).find(call.region, name)


def _current(replica: Replica) -> PolicyInForce | None:
    return replica.policies[-1] if replica.policies and replica.policies[-1].text else None


def _change(call: AwsCall, replica: Replica, text: str) -> str:
    now = call.world.clock.now()
    revision = str(int(now.timestamp() * 1000))
    takes = call.world.state(Behaviours).seconds("table-policy-takes")
    replica.policies.append(PolicyInForce(text, revision, now, now + timedelta(seconds=takes)))
    return revision


def _expect(call: AwsCall, replica: Replica) -> None:
    expected, known = call.params.get("ExpectedRevisionId"), _current(replica)
    if not expected or expected == (known.revision if known else "NO_POLICY"):
        return
    has = f"has revision id {known.revision}" if known else "has no policy"
    raise AwsError(
        "PolicyNotFoundException",
        "Resource-based policy not found for the provided ResourceArn: Requested update for policy with revision id"
        f" {expected}, but the policy associated to target table {replica.name} {has}.",
    )


def _valid(text: str, replica: Replica) -> None:
    try:
        written = json.loads(text)["Statement"]
        resources = [each for one in as_list(written) for each in as_list(one["Resource"])]
        read("table", text)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise AwsError("ValidationException", "Policy document is malformed") from None
    if len(text) > _LONGEST:
        raise AwsError("ValidationException", "Policy document is longer than 20 KB")
    if not resources or not all(each == replica.arn or each.startswith(f"{replica.arn}/") for each in resources):
        raise AwsError(
            "ValidationException", f"Resource in the policy must be the resource that it is put on: {replica.arn}"
        )
