"""Application Auto Scaling: whether it may change how many tasks an ECS service has."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.calls.aws import Aws
from drcore.errors import Rejected

_DIMENSION = "ecs:service:DesiredCount"


@dataclass(frozen=True, slots=True)
class Scaling:
    """The bounds of a scalable target, and which of its activities are suspended."""

    least: int = field(metadata={"label": "fewest tasks"})
    most: int = field(metadata={"label": "most tasks"})
    inward: bool = field(metadata={"label": "scaling in is suspended"})
    outward: bool = field(metadata={"label": "scaling out is suspended"})
    scheduled: bool = field(metadata={"label": "scheduled scaling is suspended"})

    @property
    def suspended(self) -> bool:
        """Whether all is suspended."""
        return self.inward and self.outward and self.scheduled


def scaling(aws: Aws, region: str, cluster: str, service: str) -> Scaling:
    """Raises Rejected when the service is no scalable target, Unknown."""
    pages = aws.pages(
        "application-autoscaling",
        region,
        "describe_scalable_targets",
        "ScalableTargets",
        ServiceNamespace="ecs",
        ResourceIds=[_resource(cluster, service)],
        ScalableDimension=_DIMENSION,
    )
    target = next(pages, None)
    if target is None:
        raise Rejected(f"{_resource(cluster, service)} is no scalable target in {region}", "ObjectNotFoundException")
    state = target.get("SuspendedState", {})
    return Scaling(
        target["MinCapacity"],
        target["MaxCapacity"],
        state.get("DynamicScalingInSuspended", False),
        state.get("DynamicScalingOutSuspended", False),
        state.get("ScheduledScalingSuspended", False),
    )


def scaled_dimensions(aws: Aws, region: str, table: str) -> tuple[str, ...]:
    """What of a DynamoDB table is scaled, and of its indexes: such as `table:WriteCapacityUnits`. Raises Unknown."""
    pages = aws.pages(
        "application-autoscaling", region, "describe_scalable_targets", "ScalableTargets", ServiceNamespace="dynamodb"
    )
    own = (f"table/{table}", f"table/{table}/index/")
    targets = (each for each in pages if each["ResourceId"] == own[0] or each["ResourceId"].startswith(own[1]))
    return tuple(sorted(each["ScalableDimension"].partition(":")[2] for each in targets))


def suspend(aws: Aws, region: str, cluster: str, service: str, to: Scaling) -> None:
    """Suspend activities, or let them go on, as `to` has them. The bounds are left out, and so stay as they are.

    Never deregisters the target: that would delete its policies.
    """
    aws.call(
        "application-autoscaling",
        region,
        "register_scalable_target",
        ServiceNamespace="ecs",
        ResourceId=_resource(cluster, service),
        ScalableDimension=_DIMENSION,
        SuspendedState={
            "DynamicScalingInSuspended": to.inward,
            "DynamicScalingOutSuspended": to.outward,
            "ScheduledScalingSuspended": to.scheduled,
        },
    )


def _resource(cluster: str, service: str) -> str:
    return f"service/{cluster}/{service}"
