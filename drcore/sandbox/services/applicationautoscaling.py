"""Application Auto Scaling: keeps the desired count of an ECS service between its bounds, unless that is suspended.

Simplified: the load never asks for more or fewer tasks, so policies are kept, shown, and not evaluated; only ECS
services are scaled. What is registered of DynamoDB's tables is kept by moto, and says alone whether a table may get a
replica.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.cloudtrail.state import Trail
from drcore.sandbox.services.ecs.state import Ecs

SERVICE = "application-autoscaling"
LOOKS_AFTER = (20.0, 50.0)
"""Seconds until it sees that a count has left its bounds."""
ROLE = "AWSServiceRoleForApplicationAutoScaling_ECSService"
_SUSPENSIONS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")

Key = tuple[str, str]
"""Region with resource id."""


@dataclass(slots=True)
class Scalable:
    """A registered target; `resource` is `service/<cluster>/<service>`."""

    region: str
    resource: str
    least: int
    most: int
    created_at: datetime
    suspended: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(_SUSPENSIONS, False))
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    activities: list[dict[str, Any]] = field(default_factory=list)


class ScalableTargets:
    """The scalable targets of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._fleet = world, world.state(Ecs)
        self.targets: dict[Key, Scalable] = {}
        self._fleet.on_desired.append(self._moved)
        world.add_to_dump(SERVICE, self._state)

    def register(
        self,
        region: str,
        resource: str,
        least: int | None = None,
        most: int | None = None,
        suspended: Mapping[str, bool] | None = None,
    ) -> Scalable:
        """A new target, or a change of one: what is None stays. Raises AwsError for a new one without bounds."""
        known = self.targets.get((region, resource))
        if known is None:
            if least is None or most is None:
                raise _invalid("Both MinCapacity and MaxCapacity are required to register a new scalable target.")
            known = Scalable(region, resource, least, most, self._world.clock.now())
        low, high = known.least if least is None else least, known.most if most is None else most
        if not 0 <= low <= high:
            raise _invalid("MaxCapacity cannot be less than MinCapacity")
        known.least, known.most = low, high
        known.suspended |= suspended or {}
        self.targets[region, resource] = known
        self._look(known, self._world.clock.now(), asked=True)
        return known

    def target(self, region: str, resource: str) -> Scalable:
        """A target. Raises AwsError (ObjectNotFoundException)."""
        self._fleet.settle()
        known = self.targets.get((region, resource))
        if known is None:
            raise AwsError("ObjectNotFoundException", f"No scalable target found for resource ID: {resource}")
        return known

    def keep(self, target: Scalable, policy: Mapping[str, Any]) -> str:
        """Keep a policy under its name; returns its ARN."""
        name = str(policy["PolicyName"])
        known = target.policies.get(name, {"CreationTime": self._world.clock.now()})
        arn = f"{self.arn(target).replace('scalable-target', 'scalingPolicy')}:policyName/{name}"
        target.policies[name] = {**policy, "PolicyARN": arn, "CreationTime": known["CreationTime"]}
        return arn

    def arn(self, target: Scalable) -> str:
        """The ARN of a target."""
        stream = self._world.rng(SERVICE, "arn", target.region, target.resource)
        home = f"arn:aws:{SERVICE}:{target.region}:{self._world.account}"
        return f"{home}:scalable-target/{stream.getrandbits(80):020x}"

    def _moved(self, region: str, cluster: str, service: str) -> None:
        known = self.targets.get((region, f"service/{cluster}/{service}"))
        if known is not None:
            at = self._world.clock.now()
            seconds = self._world.rng(SERVICE, region, known.resource, at).uniform(*LOOKS_AFTER)
            self._fleet.later(at + timedelta(seconds=round(seconds, 3)), lambda due: self._look(known, due))

    def _look(self, target: Scalable, at: datetime, *, asked: bool = False) -> None:
        """Bring the count back between its bounds, if nobody has suspended that, or if somebody `asked` for it."""
        if self.targets.get((target.region, target.resource)) is not target:
            return
        _, cluster, name = target.resource.split("/")
        try:
            desired = self._fleet.service(target.region, cluster, name).desired
        except AwsError:
            return
        wanted = min(max(desired, target.least), target.most)
        way = "DynamicScalingOutSuspended" if wanted > desired else "DynamicScalingInSuspended"
        if wanted == desired or (target.suspended[way] and not asked):
            return
        change = {"cluster": cluster, "service": name, "desiredCount": wanted}
        self._world.state(Trail).record(
            target.region, "UpdateService", "ecs.amazonaws.com", ROLE, change, resources=(cluster, name), role=True
        )
        stream = self._world.rng(SERVICE, "activity", target.region, target.resource, at)
        activity = {
            "ActivityId": f"{stream.getrandbits(128):032x}",
            "ServiceNamespace": "ecs",
            "ResourceId": target.resource,
            "ScalableDimension": "ecs:service:DesiredCount",
            "Description": f"Setting desired count to {wanted}.",
            "Cause": f"the desired count {desired} is not between {target.least} and {target.most}",
            "StartTime": at,
            "EndTime": at,
            "StatusCode": "Successful",
        }
        target.activities.insert(0, activity)
        self._fleet.update_service(target.region, cluster, name, desired=wanted)

    def _state(self) -> dict[str, Any]:
        return {
            f"{region}/{resource}": {
                "bounds": [target.least, target.most],
                "suspended": target.suspended,
                "policies": sorted(target.policies),
            }
            for (region, resource), target in self.targets.items()
        }


@operation(SERVICE, "RegisterScalableTarget")
def register_scalable_target(call: AwsCall) -> dict[str, Any]:
    """As the API: what is left out of a known target stays as it was.

    A count outside the bounds is brought inside at once, suspended or not: a suspension holds back what policies or
    schedules start, and this is neither. So who suspends does it before setting the count to zero, and only once.
    """
    params = call.params
    if params["ServiceNamespace"] == "dynamodb":
        return call.forward()
    _only_ecs(params)
    least, most = (None if (n := params.get(f"{end}Capacity")) is None else int(n) for end in ("Min", "Max"))
    suspended = {name: bool(value) for name, value in (params.get("SuspendedState") or {}).items()}
    made = call.world.state(ScalableTargets).register(call.region, params["ResourceId"], least, most, suspended)
    return {"ScalableTargetARN": call.world.state(ScalableTargets).arn(made)}


@operation(SERVICE, "DeregisterScalableTarget")
def deregister_scalable_target(call: AwsCall) -> dict[str, Any]:
    """As the API: the policies go with the target."""
    if call.params["ServiceNamespace"] == "dynamodb":
        return call.forward()
    scaling = call.world.state(ScalableTargets)
    scaling.target(call.region, call.params["ResourceId"])
    del scaling.targets[call.region, call.params["ResourceId"]]
    return {}


@operation(SERVICE, "DescribeScalableTargets")
def describe_scalable_targets(call: AwsCall) -> dict[str, Any]:
    """As the API, 50 a page."""
    if call.params["ServiceNamespace"] == "dynamodb":
        return call.forward()
    asked = call.params.get("ResourceIds") or []
    documents = [
        {
            "ServiceNamespace": "ecs",
            "ResourceId": target.resource,
            "ScalableDimension": "ecs:service:DesiredCount",
            "MinCapacity": target.least,
            "MaxCapacity": target.most,
            "RoleARN": f"arn:aws:iam::{call.account}:role/aws-service-role/{ROLE}",
            "CreationTime": target.created_at,
            "SuspendedState": dict(target.suspended),
            "ScalableTargetARN": call.world.state(ScalableTargets).arn(target),
        }
        for target in _targets(call)
        if not asked or target.resource in asked
    ]
    return _page(call, "ScalableTargets", documents)


@operation(SERVICE, "PutScalingPolicy")
def put_scaling_policy(call: AwsCall) -> dict[str, Any]:
    """As the API; the policy is not evaluated."""
    if call.params["ServiceNamespace"] == "dynamodb":
        return call.forward()
    _only_ecs(call.params)
    scaling = call.world.state(ScalableTargets)
    target = scaling.target(call.region, call.params["ResourceId"])
    return {"PolicyARN": scaling.keep(target, call.params), "Alarms": []}


@operation(SERVICE, "DeleteScalingPolicy")
def delete_scaling_policy(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    if call.params["ServiceNamespace"] == "dynamodb":
        return call.forward()
    target = call.world.state(ScalableTargets).target(call.region, call.params["ResourceId"])
    if target.policies.pop(call.params["PolicyName"], None) is None:
        raise AwsError("ObjectNotFoundException", f"No scaling policy found: {call.params['PolicyName']}")
    return {}


@operation(SERVICE, "DescribeScalingPolicies")
def describe_scaling_policies(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    if call.params["ServiceNamespace"] == "dynamodb":
        return call.forward()
    names, resource = call.params.get("PolicyNames") or [], call.params.get("ResourceId")
    policies = [
        policy
        for target in _targets(call)
        for policy in target.policies.values()
        if resource in (None, target.resource) and (not names or policy["PolicyName"] in names)
    ]
    return _page(call, "ScalingPolicies", policies)


@operation(SERVICE, "DescribeScalingActivities")
def describe_scaling_activities(call: AwsCall) -> dict[str, Any]:
    """As the API, newest first."""
    resource = call.params.get("ResourceId")
    activities = [
        each for target in _targets(call) if resource in (None, target.resource) for each in target.activities
    ]
    return _page(
        call, "ScalingActivities", sorted(activities, key=lambda activity: activity["StartTime"], reverse=True)
    )


def writes_scale(call: AwsCall, table: str) -> bool:
    """Whether the write capacity of a table of the call's region is scaled: it is registered, and has a policy."""
    store = backends.applicationautoscaling(call.account, call.region)
    resource, dimension = f"table/{table}", "dynamodb:table:WriteCapacityUnits"
    return resource in store.targets.get(dimension, ()) and any(
        (each.resource_id, each.scalable_dimension) == (resource, dimension) for each in store.policies.values()
    )


def _targets(call: AwsCall) -> list[Scalable]:
    call.world.state(Ecs).settle()
    if call.params["ServiceNamespace"] != "ecs":
        return []
    return [
        target for (region, _), target in call.world.state(ScalableTargets).targets.items() if region == call.region
    ]


def _only_ecs(params: Mapping[str, Any]) -> None:
    asked = params["ServiceNamespace"], params["ScalableDimension"]
    if asked != ("ecs", "ecs:service:DesiredCount") or params["ResourceId"].count("/") != 2:
        raise _invalid(f"Unsupported service namespace, resource type or scalable dimension: {', '.join(asked)}")


def _page(call: AwsCall, name: str, documents: list[dict[str, Any]]) -> dict[str, Any]:
    here, token = page(documents, call.params.get("NextToken"), int(call.params.get("MaxResults") or 50))
    return {name: list(here)} | ({"NextToken": token} if token else {})


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
