"""Monitors of an environment: an alarm that is on while a deployment runs or bakes rolls it back.

Whatever is wrong: an alarm of the incident itself rolls back the very change that is to end it.
"""

from datetime import datetime

from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.state import AppConfig, Environment
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch


class Monitors:
    """Looks at the alarms of the environments that have any, each ten seconds."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.on_tick(self.tick)

    def tick(self, at: datetime) -> None:
        """Roll back what runs while an alarm is on."""
        for region, applications in self._world.state(AppConfig).applications.items():
            for home in applications.values():
                for place in home.environments.values():
                    self._look(region, place, at)

    def _look(self, region: str, place: Environment, at: datetime) -> None:
        running = place.under_way(at)
        if running is None or running.state(at) == "ROLLING_BACK":
            return
        alarms = self._world.state(CloudWatch).alarms[region]
        for monitor in place.monitors:
            arn = str(monitor["AlarmArn"])
            known = alarms.get(arn.rpartition(":")[2])
            if known is not None and known.state == "ALARM":
                running.stopped, running.stopped_by = at, arn
                return
