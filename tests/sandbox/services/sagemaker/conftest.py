"""An endpoint with one model in service, another model that can be rolled out."""

from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.sagemaker.state import Endpoints
from tests.sandbox.conftest import Client

EAST = "us-east-1"
NAME, OLD, NEW = "syncwell-ai", "syncwell-ai-v1", "syncwell-ai-v2"


def variants(model: str, **more: Any) -> list[dict[str, Any]]:
    one = {"VariantName": "all", "ModelName": model, "InitialInstanceCount": 2, "InstanceType": "ml.m5.large"}
    return [one | {"InitialVariantWeight": 1.0} | more]


@pytest.fixture
def sagemaker(empty: InProcess, client: Client) -> Any:
    sagemaker = client("sagemaker")
    for name in (OLD, NEW):
        sagemaker.create_model(ModelName=name, ExecutionRoleArn="arn:aws:iam::123456789012:role/ai")
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants(name))
    empty.world.state(Endpoints).create(EAST, NAME, OLD, at_once=True)
    return sagemaker


class Watched:
    """The endpoint, looked at as time passes."""

    def __init__(self, empty: InProcess, sagemaker: Any) -> None:
        self._empty, self._sagemaker = empty, sagemaker

    def sleep(self, seconds: float) -> None:
        self._empty.request("POST", "/_sandbox/clock", {"sleep": seconds})

    @property
    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=NAME)
        return found

    @property
    def brief(self) -> tuple[str, str]:
        """Status and configuration."""
        return self.seen["EndpointStatus"], self.seen["EndpointConfigName"]

    def share(self, model: str) -> float:
        """Of the traffic that a model gets now."""
        world = self._empty.world
        split = world.state(Endpoints).endpoint(EAST, NAME).split(world.clock.now())
        return round(sum(part for variant, part in split if variant.model == model), 3)


@pytest.fixture
def watched(empty: InProcess, sagemaker: Any) -> Watched:
    return Watched(empty, sagemaker)
