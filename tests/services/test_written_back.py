"""What is written back is all that a service can say of it: held against what botocore knows of it."""

from __future__ import annotations

from dataclasses import fields

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape

from drcore.services import cloudwatch
from drcore.services.autoscaling import Scaling
from tests.services.test_apigateway import CANARY


def model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def members(shape: Shape | None) -> set[str]:
    assert isinstance(shape, StructureShape)
    return set(shape.members)


def test_an_alarm_should_be_made_again_with_each_field_that_it_can_have() -> None:
    """PutMetricAlarm takes away what is left out."""
    found = model("cloudwatch")
    taken = members(found.operation_model("PutMetricAlarm").input_shape)
    assert members(found.shape_for("MetricAlarm")) & taken == cloudwatch.DEFINED


def test_a_canary_should_be_put_back_with_each_field_that_it_can_have() -> None:
    """As `test_apigateway` does, value by value: a patch writes each at a path of its own."""
    assert members(model("apigateway").shape_for("CanarySettings")) == {*CANARY, "deploymentId"}


def test_scaling_should_go_on_with_each_activity_that_can_be_suspended() -> None:
    bounds = {"least", "most"}  # a call without them leaves them as they are
    suspended = members(model("application-autoscaling").shape_for("SuspendedState"))
    assert len(suspended) == len(fields(Scaling)) - len(bounds)
