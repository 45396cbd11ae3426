"""An endpoint is read with what it goes over to; what was changed is seen in the emulated account."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.state import Endpoints, LiveVariant
from drcore.services import sagemaker
from drcore.services.sagemaker import EndpointKind, Guardrails
from tests.services.conftest import Edit

EAST, NAME = "us-east-1", "syncwell-ai"
CAREFUL = Guardrails(canary_percent=10, wait=60, keep=600)


@pytest.fixture
def store(world: InProcess) -> Endpoints:
    """An endpoint with the configuration `v1`, beside it `v2`; all of its test's own."""
    store = world.world.state(Endpoints)
    store.endpoints[EAST].clear()
    store.configs[EAST].clear()
    store.models[EAST] = {"merge-1": {}, "merge-2": {}}
    for number in (1, 2):
        variant = {"VariantName": "all", "ModelName": f"merge-{number}", "InitialInstanceCount": 2}
        store.create_config(EAST, {"EndpointConfigName": f"ai-v{number}", "ProductionVariants": [variant]})
        world.request("POST", "/_sandbox/clock", {"sleep": 1})
    store.create(EAST, NAME, "ai-v1", at_once=True)
    return store


def sleep(world: InProcess, seconds: float) -> None:
    world.request("POST", "/_sandbox/clock", {"sleep": seconds})


def test_an_endpoint_serves_a_configuration_only_when_it_has_arrived(
    world: InProcess, aws: Aws, store: Endpoints
) -> None:
    assert sagemaker.endpoint(aws, EAST, NAME).serves("ai-v1")
    sagemaker.go_over(aws, EAST, NAME, "ai-v2", CAREFUL)
    seen = sagemaker.endpoint(aws, EAST, NAME)
    assert (seen.status, seen.config, seen.pending) == ("Updating", "ai-v1", "ai-v2")
    assert not seen.serves("ai-v1") and not seen.serves("ai-v2")
    sleep(world, 1200)
    assert sagemaker.endpoint(aws, EAST, NAME).serves("ai-v2")


def test_an_update_that_went_back_is_in_service_and_serves_the_old_one(
    world: InProcess, aws: Aws, store: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "unhealthy", {"merge-2"})
    sagemaker.go_over(aws, EAST, NAME, "ai-v2", CAREFUL)
    sleep(world, 1200)
    seen = sagemaker.endpoint(aws, EAST, NAME)
    assert seen.status == "InService" and not seen.serves("ai-v2") and seen.serves("ai-v1")


@pytest.mark.parametrize(("keep", "count"), [(True, 5), (False, 2)])
def test_capacity_stays_unless_it_is_to_be_that_of_the_configuration(
    world: InProcess, aws: Aws, store: Endpoints, keep: bool, count: int
) -> None:
    known = store.endpoint(EAST, NAME)
    known.variants = {"all": LiveVariant("all", "merge-1", 1.0, 5)}
    sagemaker.go_over(aws, EAST, NAME, "ai-v2", CAREFUL, keep_capacity=keep)
    sleep(world, 1200)
    (variant,) = sagemaker.endpoint(aws, EAST, NAME).variants
    assert (variant.count, variant.desired_count) == (count, count)


def test_weights_are_changed_and_instances_stay(world: InProcess, aws: Aws, store: Endpoints) -> None:
    sagemaker.set_weights(aws, EAST, NAME, {"all": 0.25})
    (variant,) = sagemaker.endpoint(aws, EAST, NAME).variants
    assert (variant.weight, variant.desired_weight) == (1.0, 0.25)
    sleep(world, 130)
    (variant,) = sagemaker.endpoint(aws, EAST, NAME).variants
    assert (variant.weight, variant.count) == (0.25, 2)


def test_configurations_are_all_read_newest_first(world: InProcess, aws: Aws, store: Endpoints) -> None:
    for number in range(3, 25):
        variant = {"VariantName": "all", "ModelName": "merge-1", "InitialInstanceCount": 1}
        store.create_config(EAST, {"EndpointConfigName": f"ai-v{number}", "ProductionVariants": [variant]})
        sleep(world, 1)
    names = sagemaker.configurations(aws, EAST, "ai-v")
    assert names == tuple(f"ai-v{number}" for number in range(24, 0, -1))
    found = sagemaker.configuration(aws, EAST, "ai-v2")
    assert found.kind is EndpointKind.VARIANTS
    assert [(each.name, each.model, each.weight, each.count) for each in found.variants] == [("all", "merge-2", 1.0, 2)]


def test_what_is_not_there_is_known_as_missing(aws: Aws, store: Endpoints) -> None:
    for read in (sagemaker.endpoint, sagemaker.configuration, sagemaker.component):
        with pytest.raises(Rejected) as caught:
            read(aws, EAST, "nobody")
        assert sagemaker.is_missing(caught.value)
    sagemaker.go_over(aws, EAST, NAME, "ai-v2", CAREFUL)
    with pytest.raises(Busy, match="Cannot update in-progress endpoint") as busy:
        sagemaker.go_over(aws, EAST, NAME, "ai-v1", CAREFUL)
    assert not sagemaker.is_missing(busy.value)


def test_a_variant_without_its_numbers_is_not_known(edit: Edit, aws: Aws, store: Endpoints) -> None:
    def forget(answer: dict[str, Any]) -> None:
        del answer["ProductionVariants"][0]["CurrentWeight"]

    edit("sagemaker.DescribeEndpoint", forget)
    with pytest.raises(Unknown, match="expected 'CurrentWeight'"):
        sagemaker.endpoint(aws, EAST, NAME)


def test_components_have_an_update_of_their_own(world: InProcess, aws: Aws, store: Endpoints) -> None:
    store.create_config(
        EAST,
        {"EndpointConfigName": "shared", "ProductionVariants": [{"VariantName": "all", "InitialInstanceCount": 3}]},
    )
    store.create(EAST, "shared", "shared", at_once=True)
    needs = {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024}
    specification = {"ModelName": "merge-1", "ComputeResourceRequirements": needs}
    world.world.state(Components).create(EAST, "merge", "shared", "all", specification, 2)
    sleep(world, 250)
    assert sagemaker.configuration(aws, EAST, "shared").kind is EndpointKind.COMPONENTS
    known = sagemaker.component(aws, EAST, "merge")
    assert (known.status, known.model, known.copies) == ("InService", "merge-1", 2)
    sagemaker.update_component(aws, EAST, known, "merge-2")
    assert sagemaker.component(aws, EAST, "merge").status == "Updating"
    with pytest.raises(Busy, match="Cannot update in-progress inference component"):
        sagemaker.set_copies(aws, EAST, "merge", 3)
    sleep(world, 600)
    now = sagemaker.component(aws, EAST, "merge")
    assert (now.status, now.model) == ("InService", "merge-2")
    assert now.specification["ComputeResourceRequirements"] == needs
    sagemaker.set_copies(aws, EAST, "merge", 5)
    under_way = sagemaker.component(aws, EAST, "merge")
    assert (under_way.status, under_way.copies, under_way.running) == ("Updating", 5, 2)
    sleep(world, 200)
    now = sagemaker.component(aws, EAST, "merge")
    assert (now.status, now.copies, now.running) == ("InService", 5, 3), "each instance has room for one"
    assert "room for 3 of 5 copies" in now.failure


def test_guardrails_are_what_was_asked_for(aws: Aws, store: Endpoints) -> None:
    sagemaker.go_over(aws, EAST, NAME, "ai-v2", Guardrails(20, 120, 900, ("ai-errors",)))
    policy = store.endpoint(EAST, NAME).policy
    assert policy and policy["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "ai-errors"}]}
    routing = policy["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]["Value"], routing["WaitIntervalInSeconds"]) == ("CANARY", 20, 120)
    assert policy["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] == 900
