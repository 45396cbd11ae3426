"""SageMaker: an endpoint with its variants, its configurations, its way from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Rejected


class EndpointKind(StrEnum):
    """Where an endpoint's models stand, and so which call changes them."""

    VARIANTS = "models in its configuration"  # UpdateEndpoint
    COMPONENTS = "inference components"  # UpdateInferenceComponent, one by one: UpdateEndpoint leaves models alone


UNDER_WAY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")
BROKEN = ("Failed", "OutOfService", "UpdateRollbackFailed")
IN_HALVES: Mapping[str, Any] = {  # how a component goes over: in batches of half the copies
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 60,
    }
}


@dataclass(frozen=True, slots=True)
class EndpointVariant:
    """One variant: its weight and its number of instances, as they are and as they are to be."""

    name: str
    weight: float
    desired_weight: float
    count: int
    desired_count: int


@dataclass(frozen=True, slots=True)
class InferenceEndpoint:
    """An endpoint as it stands.

    `config` is the configuration that it has, `pending` the one that it goes over to; an update that went back ends
    as `InService` with the old `config`, so that the status alone proves nothing.
    """

    name: str
    status: str
    config: str
    pending: str = ""
    variants: tuple[EndpointVariant, ...] = ()
    failure: str = ""
    changed: datetime | None = field(default=None, compare=False)

    def serves(self, config: str) -> bool:
        """Whether it is in service with that configuration and on its way to no other."""
        return self.status == "InService" and self.config == config and not self.pending


@dataclass(frozen=True, slots=True)
class ConfiguredVariant:
    """One variant of a configuration; `model` is empty where inference components bring the models."""

    name: str
    model: str
    weight: float
    count: int


@dataclass(frozen=True, slots=True)
class EndpointConfiguration:
    """A configuration, which never changes once it is made."""

    name: str
    created: datetime
    variants: tuple[ConfiguredVariant, ...]

    @property
    def kind(self) -> EndpointKind:
        return EndpointKind.VARIANTS if any(each.model for each in self.variants) else EndpointKind.COMPONENTS


@dataclass(frozen=True, slots=True)
class ModelComponent:
    """An inference component. `specification` is what an update takes, whole: it replaces what was there.

    `copies` are wanted, `running` run: fewer where the endpoint's instances have no room, which `failure` says.
    """

    name: str
    status: str
    model: str
    copies: int
    running: int
    failure: str = field(default="", compare=False)
    changed: datetime | None = field(default=None, compare=False)
    specification: Mapping[str, Any] = field(compare=False, repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Guardrails:
    """How an update goes over: a canary of `canary_percent` for `wait` seconds, then the rest for as long.

    The old fleet stays for `keep` seconds more, so that the way back is short. An alarm of `alarms` that goes off turns
    the update. Without alarms nothing does.
    """

    canary_percent: int
    wait: int
    keep: int
    alarms: tuple[str, ...] = ()

    def as_request(self) -> dict[str, Any]:
        routing = {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": self.canary_percent},
            "WaitIntervalInSeconds": self.wait,
        }
        request: dict[str, Any] = {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "TerminationWaitInSeconds": self.keep,
                "MaximumExecutionTimeoutInSeconds": max(600, min(28_800, 2 * self.wait + self.keep + 3_600)),
            }
        }
        if self.alarms:
            request["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in self.alarms]}
        return request


def endpoint(aws: Aws, region: str, name: str) -> InferenceEndpoint:
    """Raises Rejected when there is no such endpoint, Unknown (also for a serverless one, which has other numbers)."""
    answer = aws.call("sagemaker", region, "describe_endpoint", EndpointName=name)
    return InferenceEndpoint(
        name=name,
        status=answer["EndpointStatus"],
        config=answer.get("EndpointConfigName", ""),
        pending=answer.get("PendingDeploymentSummary", {}).get("EndpointConfigName", ""),
        variants=tuple(sorted(map(_variant, answer.get("ProductionVariants", ())), key=lambda variant: variant.name)),
        failure=answer.get("FailureReason", ""),
        changed=answer["LastModifiedTime"].astimezone(UTC),
    )


def configuration(aws: Aws, region: str, name: str) -> EndpointConfiguration:
    """Raises Rejected when there is no such configuration (any more), Unknown."""
    answer = aws.call("sagemaker", region, "describe_endpoint_config", EndpointConfigName=name)
    variants = tuple(
        ConfiguredVariant(
            each["VariantName"],
            each.get("ModelName", ""),
            float(each.get("InitialVariantWeight", 1.0)),
            each.get("InitialInstanceCount", 0),
        )
        for each in answer["ProductionVariants"]
    )
    return EndpointConfiguration(name, answer["CreationTime"].astimezone(UTC), variants)


def configurations(aws: Aws, region: str, part: str) -> tuple[str, ...]:
    """The names of the configurations that have `part` in their names, newest first. Raises Unknown, Rejected."""
    listed = aws.pages("sagemaker", region, "list_endpoint_configs", "EndpointConfigs", NameContains=part)
    newest_first = sorted(listed, key=lambda row: (row["CreationTime"], row["EndpointConfigName"]), reverse=True)
    return tuple(each["EndpointConfigName"] for each in newest_first)


def component(aws: Aws, region: str, name: str) -> ModelComponent:
    """Raises Rejected when there is no such component, Unknown."""
    answer = aws.call("sagemaker", region, "describe_inference_component", InferenceComponentName=name)
    specification = answer.get("Specification", {})
    copies = answer["RuntimeConfig"]
    return ModelComponent(
        name,
        answer["InferenceComponentStatus"],
        specification.get("ModelName", ""),
        copies["DesiredCopyCount"],
        copies["CurrentCopyCount"],
        answer.get("FailureReason", ""),
        answer["LastModifiedTime"].astimezone(UTC),
        specification,
    )


def models(aws: Aws, region: str, part: str) -> tuple[str, ...]:
    """The names of the models that have `part` in their names, newest first. Raises Unknown, Rejected."""
    listed = aws.pages("sagemaker", region, "list_models", "Models", NameContains=part)
    newest_first = sorted(listed, key=lambda row: (row["CreationTime"], row["ModelName"]), reverse=True)
    return tuple(each["ModelName"] for each in newest_first)


def go_over(
    aws: Aws, region: str, name: str, config: str, guardrails: Guardrails, *, keep_capacity: bool = True
) -> None:
    """Begin to go over to a configuration. SageMaker refuses while another update runs, and the one that is there.

    `keep_capacity`: weights and instance counts stay as they are; without it a fleet that was scaled up shrinks to
    what the configuration says. There is no token: look for the pending configuration before it is tried again.
    """
    aws.call(
        "sagemaker",
        region,
        "update_endpoint",
        EndpointName=name,
        EndpointConfigName=config,
        RetainAllVariantProperties=keep_capacity,
        RetainDeploymentConfig=False,
        DeploymentConfig=guardrails.as_request(),
    )


def set_weights(aws: Aws, region: str, name: str, weights: Mapping[str, float]) -> None:
    """Begin to give live variants other weights; their instances stay. SageMaker refuses while an update runs."""
    wanted = [{"VariantName": variant, "DesiredWeight": weight} for variant, weight in sorted(weights.items())]
    aws.call(
        "sagemaker",
        region,
        "update_endpoint_weights_and_capacities",
        EndpointName=name,
        DesiredWeightsAndCapacities=wanted,
    )


def update_component(aws: Aws, region: str, known: ModelComponent, model: str) -> None:
    """Begin to let a component go over to another model, in batches of half the copies.

    SageMaker refuses while another update of it runs. There is no token: look at its status before it is tried again.
    """
    aws.call(
        "sagemaker",
        region,
        "update_inference_component",
        InferenceComponentName=known.name,
        Specification={**known.specification, "ModelName": model},
        DeploymentConfig=IN_HALVES,
    )


def set_copies(aws: Aws, region: str, name: str, copies: int) -> None:
    """Begin to run another number of copies of a component. SageMaker refuses while another update of it runs."""
    aws.call(
        "sagemaker",
        region,
        "update_inference_component_runtime_config",
        InferenceComponentName=name,
        DesiredRuntimeConfig={"CopyCount": copies},
    )


def _variant(summary: Mapping[str, Any]) -> EndpointVariant:
    return EndpointVariant(
        summary["VariantName"],
        summary["CurrentWeight"],
        summary["DesiredWeight"],
        summary["CurrentInstanceCount"],
        summary["DesiredInstanceCount"],
    )


def is_missing(error: Rejected) -> bool:
    """Whether SageMaker refused because there is no such thing, for which it has no code of its own."""
    return error.code == "ValidationException" and "Could not find" in str(error)
