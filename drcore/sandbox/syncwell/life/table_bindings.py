"""Which table each reader or writer works on: what AppConfig named when it began.

Everybody who reads the name at the start keeps it: a task of ECS for its life, the environments of a Lambda version for
as long as that version is behind its alias. So a switch in AppConfig is taken up by new tasks, by new versions, by
nobody else. What EventBridge starts begins anew each time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.state import AppConfig
from drcore.sandbox.services.ecs.state import Ecs
from drcore.sandbox.services.ecs.tasks import EcsTask
from drcore.sandbox.services.events import Schedules
from drcore.sandbox.services.lambda_.event_sources import EventSourceMappings
from drcore.sandbox.services.lambda_.state import Lambda
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.releases import behaviour


@dataclass(frozen=True, slots=True)
class Bound:
    """One who works on a table: a Lambda version, a task."""

    region: str
    name: str
    release: str
    table: str
    share: float = 1.0


class TableBindings:
    """The tables that the readers and writers of both regions took up."""

    def __init__(self, world: World) -> None:
        self._world, self._ecs = world, world.state(Ecs)
        self._functions, self._config = world.state(Lambda), world.state(AppConfig)
        self._schedules = world.state(Schedules)
        self._sources = world.state(EventSourceMappings)
        self._taken: dict[tuple[str, str], str] = {}
        self._moment = world.clock.now()
        self._answers: dict[tuple[str, str], object] = {}
        self._tasks: dict[str, Bound] = {}
        self._versions: dict[tuple[str, str], tuple[str, list[Bound]]] = {}
        """What is behind each alias, with the alias's revision at which that was found."""

    def named(self, region: str) -> str:
        """The table that AppConfig names now."""
        return str(self._once(("named", region), lambda: self._named(region)))

    def _named(self, region: str) -> str:
        where = (region, names.CONFIG_APPLICATION, names.CONFIG_ENVIRONMENT, names.CONFIG_PROFILE)
        return str(self._config.current(*where).get("DynamoDBTableName", names.TABLE))

    def function(self, region: str, name: str) -> list[Bound]:
        """The versions behind a function's alias, the one with the greatest share first."""
        revision = self._functions.alias(region, name, names.ALIAS).revision_id
        known = self._versions.get((region, name))
        if known is not None and known[0] == revision:
            return known[1]
        bound = []
        for version, share in self._functions.serving(region, name, names.ALIAS).items():
            release = behaviour(self._functions.code_of(region, name, version), name).release
            bound.append(Bound(region, f"{name}:{version}", release, self._take(region, f"{name}:{version}"), share))
        self._versions[region, name] = (revision, sorted(bound, key=lambda version: -version.share))
        return self._versions[region, name][1]

    def one(self, region: str, name: str, stream: Random) -> Bound:
        """The version that meets one request."""
        versions = self.function(region, name)
        if len(versions) == 1:
            return versions[0]
        return stream.choices(versions, [each.share for each in versions])[0]

    def open(self, region: str, name: str) -> bool:
        """Whether a function lets requests in."""
        return not self._functions.throttled(region, name)

    def polling(self, region: str) -> bool:
        """Whether the jobs of the queue reach their function."""
        return self._sources.feeding(region, names.WORKER_FUNCTION)

    def ruled(self, region: str, rule: str) -> bool:
        """Whether a rule of EventBridge starts what it is for."""
        return bool(self._once((rule, region), lambda: self._schedules.enabled(region, rule)))

    def tasks(self, region: str, at: datetime | None = None) -> list[Bound]:
        """The tasks that work in a region now, or at a moment shortly before, of the service or not."""
        moment = at or self._world.clock.now()
        tasks = self._ecs.cluster(region, names.CLUSTER).tasks.values()
        return [self._task(region, task) for task in tasks if task.works(moment)]

    def in_use(self, region: str) -> str:
        """The table that the users of a region see."""
        return self.function(region, "syncwell-api")[0].table

    def tick(self, _: datetime) -> None:
        """Let everybody who has begun since the last time take up the table that is named now."""
        for region in self._world.regions:
            self.all(region)

    def all(self, region: str) -> list[Bound]:
        """Everybody who has taken up a table in a region."""
        return [*(each for name in names.FUNCTIONS for each in self.function(region, name)), *self.tasks(region)]

    def _task(self, region: str, task: EcsTask) -> Bound:
        known = self._tasks.get(task.id)
        if known is None:
            table = self._take(region, task.id)
            known = self._tasks[task.id] = Bound(region, f"task {task.id}", task.release, table)
        return known

    def _once(self, asked: tuple[str, str], answer: Callable[[], object]) -> object:
        """An answer, asked for once in a moment: many write in one tick."""
        now = self._world.clock.now()
        if now != self._moment:
            self._moment, self._answers = now, {}
        known = self._answers.get(asked)
        if known is None:
            known = self._answers[asked] = answer()
        return known

    def _take(self, region: str, who: str) -> str:
        known = self._taken.get((region, who))
        if known is None:
            known = self._taken[region, who] = self.named(region)
        return known
