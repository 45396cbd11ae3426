"""The order in which the world's actors move at each tick; a past that is told again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from drcore.sandbox.clock import TICK
from drcore.sandbox.services.cloudwatch import CloudWatch
from drcore.sandbox.services.codedeploy_controller import CodeDeploy
from drcore.sandbox.services.codepipeline_runs import CodePipeline
from drcore.sandbox.services.times import aware, floor
from drcore.sandbox.syncwell.pipeline import Deployer
from drcore.sandbox.syncwell.tally import NAMESPACES
from drcore.sandbox.syncwell.traffic import Traffic
from drcore.sandbox.world import World

HISTORY = timedelta(hours=2)
"""How much the metrics remember when the doors open."""


class Timeline:
    """Deployments move first, then the users come, then the alarms look."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._traffic = world.shelf(Traffic)
        self._watch = world.shelf(CloudWatch)
        self._actors: tuple[Callable[[datetime], None], ...] = (
            world.shelf(Deployer).tick,
            world.shelf(CodePipeline).tick,
            world.shelf(CodeDeploy).tick,
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
