"""Inference components, which UpdateEndpoint does not touch."""

from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.state import Endpoints
from tests.sandbox.services.sagemaker.conftest import EAST, NAME, NEW, OLD, Watched, variants
from tests.support.syncwell_world import refused

SHARED, COMPONENT = "syncwell-shared", "syncwell-merge"
NEEDS = {"NumberOfCpuCoresRequired": 1.0, "MinMemoryRequiredInMb": 1024}


def specification(model: str) -> dict[str, Any]:
    return {"ModelName": model, "ComputeResourceRequirements": NEEDS}


@pytest.fixture
def shared(empty: InProcess, sagemaker: Any, watched: Watched) -> Any:
    bare = [{key: value for key, value in variants("")[0].items() if key != "ModelName"}]
    for name in (SHARED, f"{SHARED}-2"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=bare, ExecutionRoleArn="arn:aws:iam::123456789012:role/ai"
        )
    empty.world.state(Endpoints).create(EAST, SHARED, SHARED, at_once=True)
    sagemaker.create_inference_component(
        InferenceComponentName=COMPONENT,
        EndpointName=SHARED,
        VariantName="all",
        Specification=specification(OLD),
        RuntimeConfig={"CopyCount": 4},
    )
    watched.sleep(250)
    return sagemaker


def models(empty: InProcess) -> dict[str, float]:
    component = empty.world.state(Components).get(EAST, COMPONENT)
    return component.models(empty.world.clock.now())


def seen(shared: Any) -> tuple[str, str]:
    found = shared.describe_inference_component(InferenceComponentName=COMPONENT)
    return found["InferenceComponentStatus"], found["Specification"]["ModelName"]


def test_a_component_should_go_over_batch_by_batch(empty: InProcess, shared: Any, watched: Watched) -> None:
    shared.update_inference_component(InferenceComponentName=COMPONENT, Specification=specification(NEW))
    assert seen(shared) == ("Updating", OLD)
    watched.sleep(190)
    assert models(empty) == {OLD: 0.5, NEW: 0.5}
    watched.sleep(180)
    assert (seen(shared), models(empty)) == (("InService", NEW), {NEW: 1.0})


def test_a_component_that_goes_back_should_be_in_service_with_the_old_model(
    empty: InProcess, shared: Any, watched: Watched
) -> None:
    empty.world.state(Endpoints).unhealthy.add(NEW)
    shared.update_inference_component(InferenceComponentName=COMPONENT, Specification=specification(NEW))
    watched.sleep(600)
    assert (seen(shared), models(empty)) == (("InService", OLD), {OLD: 1.0})


def test_an_update_of_the_endpoint_should_leave_the_models_as_they_are(
    empty: InProcess, shared: Any, watched: Watched
) -> None:
    shared.update_endpoint(EndpointName=SHARED, EndpointConfigName=f"{SHARED}-2")
    watched.sleep(200)
    assert shared.describe_endpoint(EndpointName=SHARED)["EndpointConfigName"] == f"{SHARED}-2"
    assert models(empty) == {OLD: 1.0}


def test_a_component_should_stand_on_an_endpoint_without_models_only(shared: Any) -> None:
    create = shared.create_inference_component
    refused(
        "ValidationException",
        create,
        InferenceComponentName="other",
        EndpointName=NAME,
        Specification=specification(OLD),
    )
    (found,) = shared.list_inference_components(EndpointNameEquals=SHARED)["InferenceComponents"]
    assert found["InferenceComponentName"] == COMPONENT
    assert shared.list_inference_components(EndpointNameEquals=NAME)["InferenceComponents"] == []
