"""The switches as the consumers of a region have them: workers, the app's clients, each an entity of its own.

Simplified: twenty entities stand for a region's users; what they have is what the region's agent got by its last poll.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig import agent
from drcore.sandbox.services.appconfig.experiments import Experiments
from drcore.sandbox.services.appconfig.state import AppConfig
from drcore.sandbox.syncwell.company import names

ENTITIES = tuple(f"user-{number:02}" for number in range(20))
Flags = dict[str, dict[str, Any]]

WHERE = (names.SWITCH_APPLICATION, names.SWITCH_ENVIRONMENT, names.SWITCH_PROFILE)


@dataclass(slots=True)
class Poll:
    """One poll of a region's agent: what was got by it, for whom; whether that is the same for everybody."""

    at: datetime
    same: bool
    had: dict[str, Flags] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)


class AppFlags:
    """What each entity of a region has, looked up once for each poll of the agent."""

    def __init__(self, world: World) -> None:
        self._world, self._config, self._experiments = world, world.state(AppConfig), world.state(Experiments)
        self._asked: dict[str, datetime] = {}
        self._polls: dict[str, Poll] = {}

    def of(self, region: str, entity: str) -> Flags:
        """The flags of an entity, by the last poll of its region's agent."""
        poll = self._poll(region)
        entity = "" if poll.same else entity
        if entity not in poll.had:
            poll.had[entity] = agent.flags(self._world, region, *WHERE, entity)
        return poll.had[entity]

    def share(self, region: str, flag: str) -> float:
        """For how many of the entities a flag is on, 0 to 1."""
        poll = self._poll(region)
        if flag not in poll.shares:
            asked = ENTITIES[:1] if poll.same else ENTITIES
            poll.shares[flag] = sum(self.on(region, entity, flag) for entity in asked) / len(asked)
        return poll.shares[flag]

    def on(self, region: str, entity: str, flag: str) -> bool:
        """Whether a flag is on for an entity; a flag that is not there is off."""
        return bool(self.of(region, entity).get(flag, {}).get("enabled"))

    def _poll(self, region: str) -> Poll:
        """What is known of the last poll; looked up once for each moment."""
        now = self._world.clock.now()
        if self._asked.get(region) != now:
            self._asked[region] = now
            at = agent.polled(self._world, region)
            if region not in self._polls or self._polls[region].at != at:
                self._polls[region] = Poll(at, self._is_same_for_all(region, at))
        return self._polls[region]

    def _is_same_for_all(self, region: str, at: datetime) -> bool:
        application, environment, _ = WHERE
        place = self._config.environment(self._config.application(region, application), environment)
        if any(each.running(at) for each in self._experiments.known[region].values()):
            return False
        return place.deployments[-1].state(at) != "DEPLOYING"
