"""What models answer: errors, calls that never end and slow ones are three things."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.sagemaker.invocations import Invocations, ModelBehaviour, Models
from drcore.sandbox.services.sagemaker.state import Endpoints
from tests.sandbox.conftest import Client
from tests.sandbox.services.sagemaker.conftest import EAST, NAME, OLD, Watched

METRICS = ("Invocations", "InvocationModelErrors", "Invocation5XXErrors", "Invocation4XXErrors")


def invoke(empty: InProcess, count: int = 500, endpoint: str = NAME) -> Invocations:
    return empty.world.state(Models).invoke(EAST, endpoint, count, empty.world.rng("test"))


def read(empty: InProcess, client: Client, name: str, stat: str = "Sum") -> float | None:
    now = empty.world.clock.now()
    stats = {"ExtendedStatistics": [stat]} if stat.startswith("p") else {"Statistics": [stat]}
    found = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[{"Name": "EndpointName", "Value": NAME}, {"Name": "VariantName", "Value": "all"}],
        StartTime=now - timedelta(minutes=20),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        **stats,
    )["Datapoints"]
    values = [{**point, **point.get("ExtendedStatistics", {})}[stat] for point in found]
    return float(values[0]) if values else None


def test_errors_timeouts_and_slowness_should_be_told_apart(
    empty: InProcess, sagemaker: Any, client: Client, watched: Watched
) -> None:
    models = empty.world.state(Models)
    seen = {}
    for name, behaviour in {
        "errors": ModelBehaviour(errors=0.4),
        "timeouts": ModelBehaviour(errors=0, timeouts=0.4),
        "slow": ModelBehaviour(errors=0, latency_ms=9000),
    }.items():
        watched.sleep(7200)
        models.behave(OLD, behaviour)
        done = invoke(empty)
        watched.sleep(120)
        median, worst = read(empty, client, "ModelLatency", "p50"), read(empty, client, "ModelLatency", "p99")
        assert median and worst
        seen[name] = (done.errors > 100, done.timeouts > 100, median > 5_000_000, worst > 59_000_000)
        assert read(empty, client, "Invocations") == 500
        assert read(empty, client, "InvocationModelErrors") == done.errors + done.timeouts
    assert seen == {
        "errors": (True, False, False, False),
        "timeouts": (False, True, False, True),
        "slow": (False, False, True, False),
    }


def test_no_traffic_should_be_no_metric(empty: InProcess, sagemaker: Any, client: Client, watched: Watched) -> None:
    watched.sleep(600)
    assert [read(empty, client, name) for name in METRICS] == [None] * 4


def test_an_endpoint_that_is_not_there_should_refuse_all(empty: InProcess, sagemaker: Any) -> None:
    assert invoke(empty, 7, "nobody") == Invocations(refused=7)


@pytest.mark.parametrize(("behaviour", "original"), [(ModelBehaviour(errors=1), 500), (ModelBehaviour(timeouts=1), 0)])
def test_a_failing_model_should_be_a_424_that_says_how(
    empty: InProcess, sagemaker: Any, client: Client, behaviour: ModelBehaviour, original: int
) -> None:
    runtime = client("sagemaker-runtime")
    assert runtime.invoke_endpoint(EndpointName=NAME, Body=b"{}")["InvokedProductionVariant"] == "all"
    empty.world.state(Models).behave(OLD, behaviour)
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName=NAME, Body=b"{}")
    answer: Any = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("ModelError", 424)
    assert answer["OriginalStatusCode"] == original


def test_a_model_that_is_not_ready_and_an_endpoint_that_is_not_there_should_have_codes_of_their_own(
    empty: InProcess, sagemaker: Any, client: Client
) -> None:
    runtime = client("sagemaker-runtime")
    empty.world.state(Models).behave(OLD, ModelBehaviour(not_ready=True))
    codes = []
    for name in (NAME, "nobody"):
        with pytest.raises(ClientError) as caught:
            runtime.invoke_endpoint(EndpointName=name, Body=b"{}")
        codes.append(caught.value.response["Error"]["Code"])
    assert codes == ["ModelNotReadyException", "ValidationError"]
    empty.world.state(Endpoints).endpoint(EAST, NAME).status = "OutOfService"
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        runtime.invoke_endpoint(EndpointName=NAME, Body=b"{}")
