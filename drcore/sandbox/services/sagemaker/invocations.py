"""What models answer, with the metrics that come of it.

How a model does is bound to its name: a share of errors, a share of calls that never end (the container's limit is a
minute), a latency. No traffic makes no metric, never a zero.
"""

import json
import random
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import floor
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.operations import checked
from drcore.sandbox.services.sagemaker.state import Endpoints, ModelEndpoint

LIMIT_MS, OVERHEAD_US = 60_000.0, 4_000.0
"""A container's longest answer; what SageMaker itself adds."""
_SAMPLES = 8
"""Different latencies of one tick at most: percentiles need no more."""


@dataclass(frozen=True, slots=True)
class ModelBehaviour:
    """How a model does: shares from 0 to 1, the median of its latency in milliseconds."""

    errors: float = 0.001
    timeouts: float = 0.0
    latency_ms: float = 80.0
    not_ready: bool = False


@dataclass(frozen=True, slots=True)
class Invocations:
    """What became of a number of calls; `refused` reached no model."""

    ok: int = 0
    errors: int = 0
    timeouts: int = 0
    refused: int = 0


class Models:
    """How each model does, and who answers a call."""

    def __init__(self, world: World) -> None:
        self._world, self._endpoints = world, world.state(Endpoints)
        self._behaviours: dict[str, ModelBehaviour] = defaultdict(ModelBehaviour)

    def behave(self, model: str, behaviour: ModelBehaviour) -> None:
        """Let a model do so from now on, in every region."""
        self._behaviours[model] = behaviour

    def behaviour(self, model: str) -> ModelBehaviour:
        """How a model does."""
        return self._behaviours[model]

    def invoke(self, region: str, endpoint: str, count: int, rng: random.Random, component: str = "") -> Invocations:
        """So many calls of an endpoint now, as its users make them; their metrics are written."""
        known = self._endpoints.endpoints[region].get(endpoint)
        routes = self.routes(known, component) if known is not None else {}
        if known is None or not routes:
            return Invocations(refused=count)
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for route in rng.choices(list(routes), list(routes.values()), k=count):
            counts[route] += 1
        late = self.overloaded(region, component)
        answers = [self.answer(known, *route, number, rng, late) for route, number in sorted(counts.items())]
        return Invocations(
            sum(each.ok for each in answers),
            sum(each.errors for each in answers),
            sum(each.timeouts for each in answers),
        )

    def routes(self, endpoint: ModelEndpoint, component: str = "") -> dict[tuple[str, str], float]:
        """Variant and model of each way that a call may take, with its share."""
        now, shares = self._world.clock.now(), dict[tuple[str, str], float]()
        models: Mapping[str, float] = {}
        if component:
            models = self._world.state(Components).get(endpoint.region, component).models(now)
        for variant, share in endpoint.split(now):
            for model, part in (models or {variant.model: 1.0}).items():
                if model and part > 0:
                    shares[variant.name, model] = shares.get((variant.name, model), 0.0) + share * part
        return shares

    def overloaded(self, region: str, component: str) -> float:
        """The share of a component's calls that time out as too few copies run; of a variant none."""
        return self._world.state(Components).get(region, component).overloaded if component else 0.0

    def answer(
        self, endpoint: ModelEndpoint, variant: str, model: str, count: int, rng: random.Random, late: float = 0.0
    ) -> Invocations:
        """So many calls of one variant, answered by one model; `late` is the share that it has no capacity for."""
        known = self._behaviours[model]
        draws, lost = [rng.random() for _ in range(count)], min(1.0, known.timeouts + late)
        timeouts = sum(draw < lost for draw in draws)
        errors = sum(lost <= draw < lost + known.errors for draw in draws)
        spread = [known.latency_ms * rng.lognormvariate(0, 0.25) for _ in range(min(count - timeouts, _SAMPLES))]
        weight = (count - timeouts) / len(spread) if spread else 0
        latencies = tuple((min(ms, LIMIT_MS) * 1000, weight) for ms in spread)
        if timeouts:
            latencies += ((LIMIT_MS * 1000, float(timeouts)),)
        failed = errors + timeouts
        self._record(endpoint, variant, "ModelLatency", MinuteSamples.of(latencies), "Microseconds")
        self._record(endpoint, variant, "OverheadLatency", MinuteSamples.of(((OVERHEAD_US, count),)), "Microseconds")
        self._record(endpoint, variant, "Invocations", MinuteSamples.of(((1.0, count),)), "None")
        for name in ("InvocationModelErrors", "Invocation5XXErrors"):
            self._record(endpoint, variant, name, MinuteSamples.share(failed, count), "None")
        self._record(endpoint, variant, "Invocation4XXErrors", MinuteSamples.share(0, count), "None")
        return Invocations(count - failed, errors, timeouts)

    def _record(self, endpoint: ModelEndpoint, variant: str, name: str, sample: MinuteSamples, unit: str) -> None:
        dimensions = (("EndpointName", endpoint.name), ("VariantName", variant))
        store, minute = self._world.state(CloudWatch).stores[endpoint.region], floor(self._world.clock.now())
        store.record(MetricName("AWS/SageMaker", name, dimensions), minute, sample, unit)


@operation("sagemaker-runtime", "InvokeEndpoint")
def invoke_endpoint(call: AwsCall) -> dict[str, Any]:
    """One call. A model that fails is a ModelError (424), one that never ends too, with its status 0."""
    params, world, models = checked(call), call.world, call.world.state(Models)
    name, component = params["EndpointName"], params.get("InferenceComponentName") or ""
    known = world.state(Endpoints).endpoints[call.region].get(name)
    if known is None:
        raise AwsError("ValidationError", f"Endpoint {name} of account {call.account} not found.", 400)
    config = world.state(Endpoints).configs[call.region].get(known.config)
    if config is not None and config.by_component and not component:
        raise AwsError("ValidationError", "Inference Component Name header is required", 400)
    routes = models.routes(known, component)
    if params.get("TargetVariant"):
        routes = {route: 1.0 for route in routes if route[0] == params["TargetVariant"]}
    if not routes:
        raise AwsError("ServiceUnavailable", "No instance of the endpoint can answer", 503)
    rng = world.rng("invoke", call.region, name, world.count("invoke", name, call.region))
    ((variant, model),) = rng.choices(list(routes), list(routes.values()))
    if models.behaviour(model).not_ready:
        raise AwsError("ModelNotReadyException", f"The model {model} is not ready", 429)
    done = models.answer(known, variant, model, 1, rng, models.overloaded(call.region, component))
    if done.errors or done.timeouts:
        raise ModelFailed(done.timeouts > 0)
    return {
        "Body": json.dumps({"resolved": True}).encode(),
        "ContentType": "application/json",
        "InvokedProductionVariant": variant,
    }


class ModelFailed(AwsError):
    """The model answered with an error, or not within its minute."""

    def __init__(self, timed_out: bool) -> None:
        status = 0 if timed_out else 500
        what = "Your invocation timed out while waiting for a response from container" if timed_out else "model error"
        super().__init__("ModelError", f'Received server error ({status}) from primary with message "{what}".', 424)
        vars(self).update(OriginalStatusCode=status, OriginalMessage=what)  # members of the model's shape
