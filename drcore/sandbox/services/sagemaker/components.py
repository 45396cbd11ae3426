"""Inference components: models on an endpoint whose configuration has none, updated one by one.

UpdateEndpoint on such an endpoint changes its instances and leaves every model as it is; a component has a rolling
policy of its own, and is InService again after a way back, with the old specification.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.sagemaker.rollouts import Rollout, invalid, rollout_of
from drcore.sandbox.services.sagemaker.state import CREATES, Endpoints

_POLICY = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}}}


@dataclass(slots=True)
class ComponentUpdate:
    """An update under way."""

    to: Mapping[str, Any]
    copies: int
    rollout: Rollout
    begun: datetime
    turned: datetime | None = None
    turned_at: float = 0.0

    def share(self, at: datetime) -> float:
        """Of the copies that are new ones."""
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

    def models(self, at: datetime) -> dict[str, float]:
        """Each model that answers, with its share of the component's traffic."""
        if self.status == "Creating":
            return {}
        share = self.update.share(at) if self.update else 0.0
        found = {str(self.specification.get("ModelName", "")): 1.0 - share}
        if self.update and share > 0:
            new = str(self.update.to.get("ModelName", ""))
            found[new] = found.get(new, 0.0) + share
        return {model: part for model, part in found.items() if part > 0}


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
        found = self._endpoints.endpoint(region, endpoint)
        if name in self.known[region]:
            raise invalid(f'Cannot create already existing inference component "{name}".')
        if not self._endpoints.config(region, found.config).by_component:
            raise invalid(f'The endpoint "{endpoint}" has models in its configuration')
        now = self._world.clock.now()
        self.known[region][name] = InferenceComponent(
            name=name,
            arn=f"arn:aws:sagemaker:{region}:{self._world.account}:inference-component/{name.lower()}",
            region=region,
            endpoint=endpoint,
            variant=variant or next(iter(found.variants)),
            specification=dict(specification),
            copies=copies,
            created=now,
            modified=now,
        )
        return self.known[region][name]

    def begin(
        self, component: InferenceComponent, to: Mapping[str, Any], copies: int, policy: Mapping[str, Any] | None
    ) -> None:
        """Begin to go over to another specification. Raises AwsError while something else goes on."""
        if component.status != "InService":
            raise invalid(f'Cannot update in-progress inference component "{component.arn}".')
        rollout, now = rollout_of(_in_instances(policy or _POLICY), copies), self._world.clock.now()
        component.update = ComponentUpdate(dict(to), copies, rollout, now)
        component.status, component.modified, component.policy = "Updating", now, policy

    def tick(self, at: datetime) -> None:
        """Move on what is under way."""
        for components in self.known.values():
            for each in components.values():
                if each.status == "Creating" and (at - each.created).total_seconds() >= CREATES:
                    each.status = "InService"
                elif each.update is not None:
                    self._move(each, each.update, at)

    def _move(self, component: InferenceComponent, update: ComponentUpdate, at: datetime) -> None:
        since = (at - update.begun).total_seconds()
        if update.turned is not None:
            if (at - update.turned).total_seconds() >= update.rollout.back_ends:
                component.update, component.status, component.modified = None, "InService", at
        elif since >= update.rollout.watched_from and self._must_turn(component, update, since):
            update.turned, update.turned_at = at, update.share(at)
        elif since >= update.rollout.ends:
            component.specification, component.copies = update.to, update.copies
            component.update, component.status, component.modified = None, "InService", at

    def _must_turn(self, component: InferenceComponent, update: ComponentUpdate, since: float) -> bool:
        alarms = self._world.state(CloudWatch).alarms[component.region]
        states = [known.state for name in update.rollout.alarms if (known := alarms.get(name))]
        sick = update.to.get("ModelName") in self._endpoints.unhealthy
        return sick or "ALARM" in states or since >= update.rollout.longest

    def _state(self) -> dict[str, Any]:
        return {
            region: {each.name: [each.endpoint, dict(each.specification), each.status] for each in components.values()}
            for region, components in self.known.items()
        }


def _in_instances(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The same policy in the words of an endpoint's: a component counts copies."""
    rolling = {"WaitIntervalInSeconds": 0} | dict(policy["RollingUpdatePolicy"])
    return {**policy, "RollingUpdatePolicy": rolling}
