"""SageMaker's endpoints of both regions, which go from one configuration to another in time.

An update whose alarm goes off ends InService too, with the old configuration: only its name tells. Simplified: no
shadow variants, no serverless ones, no data capture; SystemUpdating never comes by itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.sagemaker.rollouts import PROVISION, Rollout, invalid, rollout_of

CREATES, RESCALES = 240.0, 120.0
"""Seconds until a new endpoint is in service, until weights and counts have changed."""


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One endpoint configuration as it was created; it never changes."""

    name: str
    arn: str
    created: datetime
    given: Mapping[str, Any]

    @property
    def by_component(self) -> bool:
        """Whether its models are inference components, which are updated by a call of their own."""
        return all("ModelName" not in each for each in self.given["ProductionVariants"])

    def variants(self) -> dict[str, "LiveVariant"]:
        """Its variants as an endpoint starts them."""
        return {
            each["VariantName"]: LiveVariant(
                each["VariantName"],
                each.get("ModelName") or "",
                float(each.get("InitialVariantWeight", 1.0)),
                int(each.get("InitialInstanceCount") or 0),
            )
            for each in self.given["ProductionVariants"]
        }


@dataclass(frozen=True, slots=True)
class LiveVariant:
    """One variant: its model, its weight among the variants, how many instances it has."""

    name: str
    model: str
    weight: float
    count: int


@dataclass(slots=True)
class Update:
    """An update under way: to another configuration, or (without a name) to other weights and counts."""

    begun: datetime
    to: dict[str, LiveVariant]
    config: str = ""
    rollout: Rollout | None = None
    turned: datetime | None = None
    """When it began to go back."""
    turned_at: float = 0.0
    """The share of traffic that the new fleet had then."""
    why: str = ""

    def share(self, at: datetime) -> float:
        """Of the traffic on the new fleet."""
        if self.rollout is None:
            return 0.0
        if self.turned is not None:
            return self.rollout.share_on_the_way_back((at - self.turned).total_seconds(), self.turned_at)
        return self.rollout.share((at - self.begun).total_seconds())


@dataclass(slots=True, kw_only=True)
class ModelEndpoint:
    """One endpoint; `policy` is the DeploymentConfig of its last update."""

    name: str
    arn: str
    region: str
    config: str
    variants: dict[str, LiveVariant]
    created: datetime
    modified: datetime
    status: str = "InService"
    failure: str = ""
    policy: Mapping[str, Any] | None = None
    update: Update | None = None
    mixed: tuple[dict[str, LiveVariant], float] | None = None
    """Of an endpoint whose way back failed: the new fleet with its share of traffic, for good."""

    def split(self, at: datetime) -> Iterator[tuple[LiveVariant, float]]:
        """Each variant that takes traffic, with its share of all; none where the endpoint serves nobody."""
        if self.status in ("Creating", "Failed", "OutOfService", "Deleting"):
            return
        other, share = self.mixed or ({}, 0.0)
        if self.update is not None:
            other, share = self.update.to, self.update.share(at)
        for fleet, part in ((self.variants, 1 - share), (other, share)):
            total = sum(each.weight for each in fleet.values())
            for variant in fleet.values():
                if part > 0 and total > 0 and variant.weight > 0:
                    yield variant, part * variant.weight / total


class Endpoints:
    """Models, configurations and endpoints of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.models: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.configs: dict[str, dict[str, EndpointConfig]] = defaultdict(dict)
        self.endpoints: dict[str, dict[str, ModelEndpoint]] = defaultdict(dict)
        self.unhealthy: set[str] = set()
        """Models whose containers do not come up: an update to them goes back by itself."""
        self.way_back_fails = False
        """Whether an update that turns gets stuck half-way."""
        world.on_tick(self.tick)
        world.add_to_dump("sagemaker", self._state)

    def config(self, region: str, name: str) -> EndpointConfig:
        """A configuration by its name. Raises AwsError (ValidationException)."""
        if name not in self.configs[region]:
            raise invalid(f'Could not find endpoint configuration "{self._arn(region, "endpoint-config", name)}".')
        return self.configs[region][name]

    def endpoint(self, region: str, name: str) -> ModelEndpoint:
        """An endpoint by its name. Raises AwsError (ValidationException)."""
        if name not in self.endpoints[region]:
            raise invalid(f'Could not find endpoint "{self._arn(region, "endpoint", name)}".')
        return self.endpoints[region][name]

    def create_config(self, region: str, given: Mapping[str, Any]) -> EndpointConfig:
        """A new configuration. Raises AwsError for a name that is taken, a model that is not there."""
        name = given["EndpointConfigName"]
        if name in self.configs[region]:
            raise invalid(f'Cannot create already existing endpoint configuration "{name}".')
        for variant in given["ProductionVariants"]:
            model = variant.get("ModelName")
            if model and model not in self.models[region]:
                raise invalid(f'Could not find model "{self._arn(region, "model", model)}".')
        arn = self._arn(region, "endpoint-config", name)
        kept = {key: value for key, value in given.items() if key not in ("EndpointConfigName", "Tags")}
        self.configs[region][name] = EndpointConfig(name, arn, self._world.clock.now(), kept)
        return self.configs[region][name]

    def create(self, region: str, name: str, config: str, *, at_once: bool = False) -> ModelEndpoint:
        """A new endpoint, which takes its time to come up unless it is to be there `at_once`. Raises AwsError."""
        if name in self.endpoints[region]:
            raise invalid(f'Cannot create already existing endpoint "{name}".')
        configuration, now = self.config(region, config), self._world.clock.now()
        self.endpoints[region][name] = ModelEndpoint(
            name=name,
            arn=self._arn(region, "endpoint", name),
            region=region,
            config=config,
            variants=configuration.variants(),
            created=now,
            modified=now,
            status="InService" if at_once else "Creating",
        )
        return self.endpoints[region][name]

    def begin(
        self,
        endpoint: ModelEndpoint,
        config: str,
        policy: Mapping[str, Any] | None,
        retained: frozenset[str],
    ) -> None:
        """Begin to go over to another configuration; `retained` are the variants' properties that stay.

        Raises AwsError while something else goes on, for the configuration that the endpoint has, for a policy that
        cannot be.
        """
        self._must_be_still(endpoint)
        configuration = self.config(endpoint.region, config)
        if config == endpoint.config and endpoint.status != "UpdateRollbackFailed":
            raise invalid("Cannot update endpoint to the endpoint configuration that it already has")
        variants = configuration.variants()
        for name in variants.keys() & endpoint.variants.keys():
            old = endpoint.variants[name]
            weight = old.weight if "DesiredWeight" in retained else variants[name].weight
            count = old.count if "DesiredInstanceCount" in retained else variants[name].count
            variants[name] = replace(variants[name], weight=weight, count=count)
        rollout = rollout_of(policy, sum(each.count for each in variants.values()))
        self._start(endpoint, Update(self._world.clock.now(), variants, config, rollout))
        endpoint.policy = policy

    def rescale(self, endpoint: ModelEndpoint, wanted: Mapping[str, LiveVariant]) -> None:
        """Begin to change weights and counts. Raises AwsError while something else goes on."""
        self._must_be_still(endpoint)
        self._start(endpoint, Update(self._world.clock.now(), {**endpoint.variants, **wanted}))

    def tick(self, at: datetime) -> None:
        """Move on what is under way."""
        for endpoints in self.endpoints.values():
            for endpoint in list(endpoints.values()):
                if endpoint.status == "Creating" and (at - endpoint.created).total_seconds() >= CREATES:
                    sick = self._sick(endpoint.variants)
                    endpoint.status, endpoint.failure = ("Failed", sick) if sick else ("InService", "")
                elif endpoint.status == "Deleting":
                    del endpoints[endpoint.name]
                elif endpoint.update is not None:
                    self._move(endpoint, endpoint.update, at)

    def _move(self, endpoint: ModelEndpoint, update: Update, at: datetime) -> None:
        since = (at - update.begun).total_seconds()
        if update.rollout is None:
            if since >= RESCALES:
                self._settle(endpoint, update.to, endpoint.config, at)
        elif update.turned is not None:
            if (at - update.turned).total_seconds() >= update.rollout.back_ends:
                self._end_the_way_back(endpoint, update, at)
        elif why := self._why_to_turn(endpoint, update, since):
            update.turned, update.turned_at, update.why = at, update.share(at), why
            endpoint.status = "RollingBack"
        elif since >= update.rollout.ends:
            self._settle(endpoint, update.to, update.config, at)

    def _why_to_turn(self, endpoint: ModelEndpoint, update: Update, since: float) -> str:
        assert update.rollout
        if since >= PROVISION and (sick := self._sick(update.to)):
            return sick
        if since >= update.rollout.watched_from:
            alarms = self._world.state(CloudWatch).alarms[endpoint.region]
            for name in update.rollout.alarms:
                known = alarms.get(name)
                if known is not None and known.state == "ALARM":
                    return f"The alarm {name} is in ALARM"
        return "The deployment took too long" if since >= update.rollout.longest else ""

    def _end_the_way_back(self, endpoint: ModelEndpoint, update: Update, at: datetime) -> None:
        if self.way_back_fails:
            endpoint.mixed, endpoint.update = (update.to, update.turned_at), None
            endpoint.status, endpoint.modified = "UpdateRollbackFailed", at
            endpoint.failure = f"{update.why}; the way back failed"
            return
        self._settle(endpoint, endpoint.variants, endpoint.config, at)

    def _settle(self, endpoint: ModelEndpoint, variants: dict[str, LiveVariant], config: str, at: datetime) -> None:
        endpoint.variants, endpoint.config, endpoint.update, endpoint.mixed = variants, config, None, None
        endpoint.status, endpoint.failure, endpoint.modified = "InService", "", at

    def _start(self, endpoint: ModelEndpoint, update: Update) -> None:
        endpoint.update, endpoint.status, endpoint.modified = update, "Updating", update.begun
        endpoint.failure = ""

    def _must_be_still(self, endpoint: ModelEndpoint) -> None:
        if endpoint.status not in ("InService", "UpdateRollbackFailed"):
            word = "endpoint" if endpoint.status == "Failed" else "in-progress endpoint"
            raise invalid(f'Cannot update {word} "{endpoint.arn}".')

    def _sick(self, variants: Mapping[str, LiveVariant]) -> str:
        sick = [each.name for each in variants.values() if each.model in self.unhealthy]
        text = "The primary container for production variant {} did not pass the ping health check."
        return text.format(sick[0]) if sick else ""

    def _arn(self, region: str, kind: str, name: str) -> str:
        return f"arn:aws:sagemaker:{region}:{self._world.account}:{kind}/{name.lower()}"

    def model_arn(self, region: str, name: str) -> str:
        """The ARN of a model."""
        return self._arn(region, "model", name)

    def _state(self) -> dict[str, Any]:
        return {
            region: {
                each.name: [
                    each.config,
                    each.status,
                    {name: [live.model, live.weight, live.count] for name, live in each.variants.items()},
                ]
                for each in endpoints.values()
            }
            for region, endpoints in self.endpoints.items()
        }
