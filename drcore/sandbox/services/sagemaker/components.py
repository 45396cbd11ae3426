"""Inference components: models on an endpoint whose configuration has none, updated one by one.

UpdateEndpoint on such an endpoint changes its instances and leaves every model as it is; a component has a rolling
policy of its own, and is InService again after a way back, with the old specification. Copies that do not fit the
instances do not come up: the component is InService with fewer, and says why. Simplified: each instance has one
accelerator, or as many CPU cores as a copy asks for; a rolling update needs no room beside the copies that run.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.sagemaker.rollouts import PROVISION, Rollout, invalid, rollout_of
from drcore.sandbox.services.sagemaker.state import CREATES, Endpoints

_POLICY = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}}


@dataclass(slots=True)
class ComponentUpdate:
    """An update under way."""

    to: Mapping[str, Any]
    copies: int
    rollout: Rollout | None  # None: the number of copies alone
    begun: datetime
    turned: datetime | None = None
    turned_at: float = 0.0

    def share(self, at: datetime) -> float:
        """Of the copies that are new ones."""
        if self.rollout is None:
            return 0.0
        if self.turned is not None:
            return self.rollout.share_on_the_way_back((at - self.turned).total_seconds(), self.turned_at)
        return self.rollout.share((at - self.begun).total_seconds())


@dataclass(slots=True, kw_only=True)
class InferenceComponent:
    """One component: `specification` says which model it serves."""

    name: str
    arn: str
    region: str
    endpoint: str
    variant: str
    specification: Mapping[str, Any]
    copies: int
    created: datetime
    modified: datetime
    status: str = "Creating"
    policy: Mapping[str, Any] | None = None
    update: ComponentUpdate | None = None
    wanted: int = 0
    """Copies that are asked for; fewer run where they do not fit."""
    failure: str = ""
    needed: int = 0
    """Copies that the calls need; what fewer of them cannot answer in time times out."""

    @property
    def overloaded(self) -> float:
        """The share of the calls that get no answer in time, as too few copies run."""
        return max(0.0, 1.0 - self.copies / self.needed) if self.needed else 0.0

    def models(self, at: datetime) -> dict[str, float]:
        """Each model that answers, with its share of the component's traffic."""
        if self.status == "Creating":
            return {}
        share = self.update.share(at) if self.update else 0.0
        shares = {str(self.specification.get("ModelName", "")): 1.0 - share}
        if self.update and share > 0:
            new = str(self.update.to.get("ModelName", ""))
            shares[new] = shares.get(new, 0.0) + share
        return {model: part for model, part in shares.items() if part > 0}


class Components:
    """The inference components of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._endpoints = world, world.state(Endpoints)
        self.known: dict[str, dict[str, InferenceComponent]] = defaultdict(dict)
        world.on_tick(self.tick)
        world.add_to_dump("sagemaker components", self._state)

    def get(self, region: str, name: str) -> InferenceComponent:
        """A component by its name. Raises AwsError (ValidationException)."""
        if name not in self.known[region]:
            raise invalid(f'Could not find inference component "{name}".')
        return self.known[region][name]

    def create(
        self, region: str, name: str, endpoint: str, variant: str, specification: Mapping[str, Any], copies: int
    ) -> InferenceComponent:
        """A new component. Raises AwsError for an endpoint whose configuration has models of its own."""
        known_endpoint = self._endpoints.endpoint(region, endpoint)
        if name in self.known[region]:
            raise invalid(f'Cannot create already existing inference component "{name}".')
        if not self._endpoints.config(region, known_endpoint.config).by_component:
            raise invalid(f'The endpoint "{endpoint}" has models in its configuration')
        now = self._world.clock.now()
        self.known[region][name] = InferenceComponent(
            name=name,
            arn=f"arn:aws:sagemaker:{region}:{self._world.account}:inference-component/{name.lower()}",
            region=region,
            endpoint=endpoint,
            variant=variant or next(iter(known_endpoint.variants)),
            specification=dict(specification),
            copies=copies,
            wanted=copies,
            created=now,
            modified=now,
        )
        return self.known[region][name]

    def begin(
        self, component: InferenceComponent, to: Mapping[str, Any], copies: int, policy: Mapping[str, Any] | None
    ) -> None:
        """Begin to go over to another specification. Raises AwsError while something else goes on."""
        self._start(component, to, copies, rollout_of(_in_instances(policy or _POLICY), copies))
        component.policy = policy

    def rescale(self, component: InferenceComponent, copies: int) -> None:
        """Begin to run another number of copies. Raises AwsError while something else goes on."""
        self._start(component, component.specification, copies, None)

    def _start(
        self, component: InferenceComponent, to: Mapping[str, Any], copies: int, rollout: Rollout | None
    ) -> None:
        if component.status != "InService":
            raise invalid(f'Cannot update in-progress inference component "{component.arn}".')
        now = self._world.clock.now()
        component.update = ComponentUpdate(dict(to), copies, rollout, now)
        component.status, component.modified, component.failure = "Updating", now, ""

    def _fits(self, component: InferenceComponent, copies: int) -> int:
        """How many of so many copies the instances of its variant have room for, beside its other components."""
        needs = component.specification.get("ComputeResourceRequirements") or {}
        if not needs.get("NumberOfAcceleratorDevicesRequired"):
            return copies
        endpoint = self._endpoints.endpoint(component.region, component.endpoint)
        given = self._endpoints.config(component.region, endpoint.config).given["ProductionVariants"]
        variant = next(each for each in given if each["VariantName"] == component.variant)
        scaling = variant.get("ManagedInstanceScaling") or {}
        most = int(scaling.get("MaxInstanceCount", 0)) if scaling.get("Status") == "ENABLED" else 0
        room = max(most, endpoint.variants[component.variant].count)
        beside = [
            each.copies
            for each in self.known[component.region].values()
            if each is not component and (each.endpoint, each.variant) == (component.endpoint, component.variant)
        ]
        return min(copies, max(0, room - sum(beside)))

    def tick(self, at: datetime) -> None:
        """Move on what is under way."""
        for components in self.known.values():
            for component in components.values():
                if component.status == "Creating" and (at - component.created).total_seconds() >= CREATES:
                    component.status = "InService"
                elif component.update is not None:
                    self._move(component, component.update, at)

    def _move(self, component: InferenceComponent, update: ComponentUpdate, at: datetime) -> None:
        since = (at - update.begun).total_seconds()
        if update.rollout is None:
            if since >= PROVISION:
                self._end(component, update, at)
        elif update.turned is not None:
            if (at - update.turned).total_seconds() >= update.rollout.back_ends:
                component.update, component.status, component.modified = None, "InService", at
        elif since >= update.rollout.watched_from and self._must_turn(component, update, update.rollout, since):
            update.turned, update.turned_at = at, update.share(at)
        elif since >= update.rollout.ends:
            self._end(component, update, at)

    def _end(self, component: InferenceComponent, update: ComponentUpdate, at: datetime) -> None:
        component.specification, component.wanted = update.to, update.copies
        component.copies = self._fits(component, update.copies)
        if component.copies < component.wanted:
            component.failure = f"The instances have room for {component.copies} of {component.wanted} copies."
        component.update, component.status, component.modified = None, "InService", at

    def _must_turn(
        self, component: InferenceComponent, update: ComponentUpdate, rollout: Rollout, since: float
    ) -> bool:
        alarms = self._world.state(CloudWatch).alarms[component.region]
        states = [known.state for name in rollout.alarms if (known := alarms.get(name))]
        sick = update.to.get("ModelName") in self._endpoints.unhealthy
        return sick or "ALARM" in states or since >= rollout.longest

    def _state(self) -> dict[str, Any]:
        return {
            region: {
                each.name: [each.endpoint, dict(each.specification), each.status, each.copies]
                for each in components.values()
            }
            for region, components in self.known.items()
        }


def _in_instances(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The same policy in the words of an endpoint's: a component counts copies."""
    rolling = {"WaitIntervalInSeconds": 0} | dict(policy["RollingUpdatePolicy"])
    return {**policy, "RollingUpdatePolicy": rolling}
