"""IAM's policy simulator, which answers as calls are decided.

Simplified: the context is what the request gives; an access-denied fault counts as an explicit deny of everything of
that name, as a policy of the organization would. A resource's policy counts where it is given, for a user.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from drcore.sandbox.core.call_faults import denies
from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.callers import Callers, Held
from drcore.sandbox.identity.evaluation import Evaluation, Ruling, decide
from drcore.sandbox.identity.guard import compiled
from drcore.sandbox.identity.patterns import Context, MalformedPolicy
from drcore.sandbox.identity.policy import Principal

_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "s3:ListBucket": ("ListObjectsV2", "ListObjects", "HeadBucket"),
    "s3:GetObject": ("GetObject", "HeadObject"),
    "lambda:InvokeFunction": ("Invoke",),
    "apigateway:GET": (
        "GetStage",
        "GetStages",
        "GetDeployment",
        "GetDeployments",
        "GetRestApi",
        "GetRestApis",
    ),
    "apigateway:PATCH": ("UpdateStage",),
    "apigateway:POST": ("CreateDeployment", "CreateStage"),
    "apigateway:DELETE": ("DeleteStage", "DeleteDeployment", "FlushStageCache"),
}
"""Actions that are not named as the operation that they allow."""

_SERVICES: Mapping[str, tuple[str, ...]] = {"appconfig": ("appconfig", "appconfigdata")}
"""Services behind a prefix of actions, where there are several."""


@operation("iam", "SimulatePrincipalPolicy")
def simulate_principal_policy(call: AwsCall) -> dict[str, Any]:
    """As the API: one result for each action and resource, 100 a page."""
    who, held = _entity(call)
    context = _context(call, who)
    resource_policy = call.params.get("ResourcePolicy", "") if ":user/" in who.entity else ""
    given = tuple((f"PolicyInputList.{n}", text) for n, text in enumerate(call.params.get("PolicyInputList") or (), 1))
    boundary = held.boundary
    if limits := call.params.get("PermissionsBoundaryPolicyInputList"):
        boundary = tuple((f"PermissionsBoundaryPolicyInputList.{n}", text) for n, text in enumerate(limits, 1))
    try:
        policies = compiled(Held(held.identity + given, None, boundary), resource_policy, trust=False)
    except MalformedPolicy as error:
        raise AwsError("InvalidInput", str(error), 400) from error
    results = [
        _result(call.world, action, resource, decide(who, action, resource, context, policies))
        for action in call.params["ActionNames"]
        for resource in call.params.get("ResourceArns") or ["*"]
    ]
    here, marker = page(results, call.params.get("Marker"), int(call.params.get("MaxItems") or 100), "InvalidInput")
    answer = {"EvaluationResults": list(here), "IsTruncated": marker is not None}
    return answer | ({"Marker": marker} if marker else {})


def _entity(call: AwsCall) -> tuple[Principal, Held]:
    """The user or the role whose policies are asked about. Raises AwsError for the session of a role."""
    arn, callers = call.params["PolicySourceArn"], call.world.state(Callers)
    kind, _, path = arn.rpartition(":")[2].partition("/")
    name = path.rpartition("/")[2]
    if not arn.startswith(f"arn:aws:iam::{call.account}:") or kind not in ("user", "role") or not name:
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.", 400)
    holder = callers.store.user(name) if kind == "user" else callers.store.role(name)
    if holder is None or holder.arn != arn:
        raise AwsError("NoSuchEntity", f"The {kind} with name {name} cannot be found.", 404)
    boundary = callers.store.boundary(holder)
    return Principal(arn, arn, call.account), Held(callers.store.texts(holder), None, (boundary,) if boundary else None)


def _context(call: AwsCall, who: Principal) -> Context:
    given = call.params.get("ContextEntries") or ()
    own = {"aws:principalarn": (who.entity,), "aws:principalaccount": (who.account,)}
    return own | {each["ContextKeyName"].lower(): tuple(each["ContextKeyValues"]) for each in given}


def _result(world: World, action: str, resource: str, decision: Evaluation) -> dict[str, Any]:
    denied = _denied(world, action, resource)
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": Ruling.EXPLICIT_DENY if denied else decision.ruling,
        "MatchedStatements": [] if denied else list(_matched(decision)),
        "MissingContextValues": [],
    }


def _matched(decision: Evaluation) -> Iterator[dict[str, Any]]:
    if decision.policy:
        yield {"SourcePolicyId": decision.policy.rpartition("/")[2], "SourcePolicyType": "IAM Policy"}


def _denied(world: World, action: str, resource: str) -> bool:
    """Whether a fault denies it: in the region of the resource; without one in any."""
    service, _, name = action.partition(":")
    region = resource.split(":")[3] if resource.count(":") >= 5 else ""
    regions = (region,) if region else world.regions
    operations = _OPERATIONS.get(action, (name,))
    asked = product(_SERVICES.get(service, (service,)), operations, regions)
    return any(denies(world, *call) for call in asked)
