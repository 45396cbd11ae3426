"""An endpoint goes over to another configuration, or seems to."""

from typing import Any

import botocore.session
import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.validation import faults_of
from drcore.sandbox.services.sagemaker.state import Endpoints
from tests.sandbox.conftest import Client
from tests.sandbox.services.sagemaker.conftest import NAME, NEW, OLD, Watched, variants
from tests.support.syncwell_world import refused

ALARM = "ai-errors"
PERCENT = "CAPACITY_PERCENT"


def canary(size: int = 10, wait: int = 120) -> dict[str, Any]:
    routing = {"Type": "CANARY", "CanarySize": {"Type": PERCENT, "Value": size}, "WaitIntervalInSeconds": wait}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 60}}


def rolling(size: int = 50, back: int = 0) -> dict[str, Any]:
    policy: dict[str, Any] = {"MaximumBatchSize": {"Type": PERCENT, "Value": size}, "WaitIntervalInSeconds": 60}
    if back:
        policy["RollbackMaximumBatchSize"] = {"Type": PERCENT, "Value": back}
    return {"RollingUpdatePolicy": policy}


def guarded(policy: dict[str, Any]) -> dict[str, Any]:
    return policy | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]}}


@pytest.fixture
def alarm(client: Client) -> Any:
    """An alarm that somebody else sets."""
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    return lambda state: cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason="test")


def update(sagemaker: Any, policy: dict[str, Any] | None = None, to: str = NEW, **more: Any) -> None:
    given = {"DeploymentConfig": policy} if policy else {}
    sagemaker.update_endpoint(EndpointName=NAME, EndpointConfigName=to, **given, **more)


def test_an_update_should_be_pending_until_the_new_fleet_has_all_traffic(sagemaker: Any, watched: Watched) -> None:
    update(sagemaker, canary())
    assert watched.brief == ("Updating", OLD)
    assert watched.seen["PendingDeploymentSummary"]["EndpointConfigName"] == NEW
    seen = []
    for seconds in (170, 20, 100, 20):
        watched.sleep(seconds)
        seen.append((watched.share(NEW), watched.share(OLD)))
    assert seen == [(0.0, 1.0), (0.1, 0.9), (0.1, 0.9), (1.0, 0)]
    watched.sleep(160)
    assert watched.brief == ("Updating", OLD)  # the old fleet is still there
    watched.sleep(30)
    assert watched.brief == ("InService", NEW)
    assert "PendingDeploymentSummary" not in watched.seen


def test_an_alarm_should_turn_an_update_which_ends_in_service_with_the_old_configuration(
    sagemaker: Any, watched: Watched, alarm: Any
) -> None:
    """InService is no success: only the name of the configuration tells."""
    update(sagemaker, guarded(canary()))
    watched.sleep(200)
    alarm("ALARM")
    watched.sleep(10)
    assert watched.brief == ("RollingBack", OLD)
    assert watched.share(NEW) == 0
    watched.sleep(70)
    assert watched.brief == ("InService", OLD)
    assert watched.seen["LastDeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"] == [{"AlarmName": ALARM}]


def test_a_way_back_without_a_batch_size_should_bring_up_the_whole_old_fleet_first(
    sagemaker: Any, watched: Watched, alarm: Any
) -> None:
    update(sagemaker, guarded(rolling()))
    watched.sleep(200)
    assert watched.share(NEW) == 0.5
    alarm("ALARM")
    watched.sleep(170)
    assert (watched.brief[0], watched.share(NEW)) == ("RollingBack", 0.5)
    watched.sleep(30)
    assert (watched.brief, watched.share(NEW)) == (("InService", OLD), 0)


def test_a_way_back_with_a_batch_size_should_go_batch_by_batch(sagemaker: Any, watched: Watched, alarm: Any) -> None:
    update(sagemaker, guarded(rolling(back=50)))
    watched.sleep(200)
    alarm("ALARM")
    watched.sleep(200)
    assert (watched.brief[0], watched.share(NEW)) == ("RollingBack", 0.25)
    watched.sleep(180)
    assert (watched.brief, watched.share(NEW)) == (("InService", OLD), 0)


def test_a_way_back_that_fails_should_leave_a_mix_that_another_update_mends(
    empty: InProcess, sagemaker: Any, watched: Watched, alarm: Any
) -> None:
    empty.world.state(Endpoints).way_back_fails = True
    update(sagemaker, guarded(rolling()))
    watched.sleep(200)
    alarm("ALARM")
    watched.sleep(250)
    assert watched.brief == ("UpdateRollbackFailed", OLD)
    assert (watched.share(NEW), watched.share(OLD)) == (0.5, 0.5)
    assert ALARM in watched.seen["FailureReason"]
    update(sagemaker, to=OLD)
    watched.sleep(200)
    assert (watched.brief, watched.share(OLD)) == (("InService", OLD), 1.0)


def test_a_model_that_does_not_come_up_should_never_get_traffic(
    empty: InProcess, sagemaker: Any, watched: Watched
) -> None:
    empty.world.state(Endpoints).unhealthy.add(NEW)
    update(sagemaker)
    watched.sleep(190)
    assert (watched.brief[0], watched.share(NEW)) == ("RollingBack", 0)
    watched.sleep(70)
    assert watched.brief == ("InService", OLD)
    sagemaker.create_endpoint(EndpointName="other", EndpointConfigName=NEW)
    watched.sleep(250)
    other = sagemaker.describe_endpoint(EndpointName="other")
    assert other["EndpointStatus"] == "Failed" and "ping" in other["FailureReason"]


def test_nothing_else_should_be_done_while_an_update_is_under_way(sagemaker: Any, watched: Watched) -> None:
    """A stuck update blocks the way back: its alarms are the exit."""
    refused("ValidationException", update, sagemaker=sagemaker, to=OLD)  # it has that one
    update(sagemaker, canary())
    refused("ValidationException", update, sagemaker=sagemaker, to=OLD)
    weights = [{"VariantName": "all", "DesiredWeight": 0.0}]
    change = sagemaker.update_endpoint_weights_and_capacities
    refused("ValidationException", change, EndpointName=NAME, DesiredWeightsAndCapacities=weights)
    refused("ValidationException", sagemaker.delete_endpoint, EndpointName=NAME)


@pytest.mark.parametrize(("retain", "count"), [(False, 2), (True, 7)])
def test_counts_should_be_those_of_the_new_configuration_unless_they_are_retained(
    sagemaker: Any, watched: Watched, retain: bool, count: int
) -> None:
    """A way back can shrink a fleet that was scaled up meanwhile."""
    wanted = [{"VariantName": "all", "DesiredInstanceCount": 7}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=NAME, DesiredWeightsAndCapacities=wanted)
    variant = watched.seen["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 7)
    watched.sleep(130)
    update(sagemaker, RetainAllVariantProperties=retain)
    watched.sleep(200)
    assert watched.brief == ("InService", NEW)
    assert watched.seen["ProductionVariants"][0]["CurrentInstanceCount"] == count


def test_weights_should_move_traffic_between_live_variants(sagemaker: Any, watched: Watched) -> None:
    both = [*variants(OLD, VariantName="old"), *variants(NEW, VariantName="new", InitialVariantWeight=0.0)]
    sagemaker.create_endpoint_config(EndpointConfigName="both", ProductionVariants=both)
    update(sagemaker, to="both")
    watched.sleep(200)
    assert (watched.share(OLD), watched.share(NEW)) == (1.0, 0)
    wanted = [{"VariantName": "old", "DesiredWeight": 1.0}, {"VariantName": "new", "DesiredWeight": 3.0}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=NAME, DesiredWeightsAndCapacities=wanted)
    assert (watched.brief[0], watched.share(NEW)) == ("Updating", 0)
    watched.sleep(130)
    assert (watched.brief[0], watched.share(NEW)) == ("InService", 0.75)


@pytest.mark.parametrize(
    "policy",
    [
        canary(size=60),
        rolling(size=4),
        rolling(size=60),
        canary() | rolling(),
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600},
                "MaximumExecutionTimeoutInSeconds": 600,
            }
        },
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 4000}
            }
        },
    ],
)
def test_guardrails_outside_the_bounds_should_be_refused(
    sagemaker: Any, watched: Watched, policy: dict[str, Any]
) -> None:
    refused("ValidationException", update, sagemaker=sagemaker, policy=policy)
    assert watched.brief == ("InService", OLD)


def test_the_last_guardrails_should_be_used_again_where_they_are_retained(
    sagemaker: Any, watched: Watched, alarm: Any
) -> None:
    update(sagemaker, guarded(canary()))
    watched.sleep(500)
    assert watched.brief == ("InService", NEW)
    update(sagemaker, to=OLD, RetainDeploymentConfig=True)
    watched.sleep(200)
    assert watched.share(OLD) == 0.1


def test_a_configuration_should_be_gone_for_a_way_back_once_it_is_deleted(sagemaker: Any, watched: Watched) -> None:
    update(sagemaker)
    watched.sleep(200)
    sagemaker.delete_endpoint_config(EndpointConfigName=OLD)
    message = refused("ValidationException", update, sagemaker=sagemaker, to=OLD)
    assert "Could not find endpoint configuration" in message


def test_lists_should_be_newest_first_and_come_page_by_page(sagemaker: Any) -> None:
    for number in range(12):
        name = f"more-{number:02}"
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants(OLD))
    pages = sagemaker.get_paginator("list_endpoint_configs").paginate(NameContains="more")
    names = [[each["EndpointConfigName"] for each in page["EndpointConfigs"]] for page in pages]
    assert [len(page) for page in names] == [10, 2]
    assert names[0][0] == "more-11" and names[1][-1] == "more-00"
    (found,) = sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]
    assert found["EndpointName"] == NAME


def test_what_is_answered_should_be_what_botocores_model_allows(sagemaker: Any, watched: Watched, alarm: Any) -> None:
    """Moto has no update_endpoint to compare with: the model is the judge."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    update(sagemaker, guarded(canary()))
    asked = {
        "DescribeEndpoint": {"EndpointName": NAME},
        "DescribeEndpointConfig": {"EndpointConfigName": OLD},
        "ListEndpoints": {},
        "ListEndpointConfigs": {},
        "DescribeModel": {"ModelName": OLD},
    }
    for operation, params in asked.items():
        answer = getattr(sagemaker, botocore.xform_name(operation))(**params)
        del answer["ResponseMetadata"]
        shape = model.operation_model(operation).output_shape
        assert shape and faults_of(shape, answer) == [], operation


def test_a_request_outside_the_model_should_be_refused_with_its_place(sagemaker: Any) -> None:
    create = sagemaker.create_endpoint_config
    message = refused(
        "ValidationException",
        create,
        EndpointConfigName="no_underscores",
        ProductionVariants=variants(OLD, InstanceType="ml.huge"),
    )
    assert "request.EndpointConfigName" in message and "request.ProductionVariants[0].InstanceType" in message
    refused("ValidationException", create, EndpointConfigName="x", ProductionVariants=variants("nobody"))
