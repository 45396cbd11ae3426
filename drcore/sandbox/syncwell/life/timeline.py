"""The order in which the world's actors move at each tick; a past that is told again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.timestamps import aware, floor
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.services.codepipeline.state import CodePipeline
from drcore.sandbox.syncwell.company.pipeline import Deployer
from drcore.sandbox.syncwell.life.minute_metrics import NAMESPACES
from drcore.sandbox.syncwell.life.requests import MarketTraffic

HISTORY = timedelta(hours=2)
"""How much the metrics remember when the doors open."""


class WorldTimeline:
    """Deployments move first, then the users come, then the alarms look."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._traffic = world.state(MarketTraffic)
        self._watch = world.state(CloudWatch)
        self._actors: tuple[Callable[[datetime], None], ...] = (
            world.state(Deployer).tick,
            world.state(CodePipeline).tick,
            world.state(CodeDeployController).tick,
            self._traffic.tick,
            self._watch.tick,
        )

    def tick(self, at: datetime) -> None:
        """Move every actor on to `at`."""
        for actor in self._actors:
            actor(at)

    def remember(self) -> None:
        """Make the quiet history before now: minute by minute, as nothing changes in it."""
        step = timedelta(minutes=1)
        end = self._world.clock.now()
        at = end - HISTORY
        while at < end:
            at += step
            with self._world.clock.at(at):
                self._traffic.serve(at, step)
                if at.minute % 10 == 0:  # nothing happens in it that an alarm could miss
                    self._watch.tick(at)

    def rewind(self, by: timedelta) -> datetime:
        """Forget metrics and alarm history of the last `by`; returns its first full minute."""
        began = aware(floor(self._world.clock.now() - by))
        self._watch.forget(began, NAMESPACES)
        self._traffic.restart()
        return began

    def replay(self, since: datetime) -> None:
        """Live again from `since` until now."""
        now, at = self._world.clock.now(), since + TICK
        while at <= now:
            with self._world.clock.at(at):
                self.tick(at)
            at += TICK
