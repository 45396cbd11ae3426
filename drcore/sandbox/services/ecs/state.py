"""ECS's clusters as they live: services keep their tasks, deployments replace them.

What is due is kept in an agenda, and is worked off at each tick, and before anybody looks. So things happen at their
exact moments, and the past can be told again by acting in it.

Simplified: Fargate only, every task starts, capacity never lacks, the circuit breaker has nothing to do.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.services.ecs.tasks import SHOWN, STARTING, STOPPING, Definition, EcsTask

Due = Callable[[datetime], None]


@dataclass(slots=True)
class ServiceDeployment:
    """One deployment of a service; `desired` follows the service while it is the primary one."""

    id: str
    definition: Definition
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


@dataclass(slots=True)
class EcsService:
    """One service; its newest deployment comes first."""

    name: str
    cluster: str
    desired: int
    created_at: datetime
    deployments: list[ServiceDeployment]
    least: int = 100
    most: int = 200
    """Percent of `desired` that must be healthy, that may be there, while tasks are replaced."""
    options: Mapping[str, Any] = field(default_factory=dict)
    events: list[tuple[datetime, str]] = field(default_factory=list)
    looks: set[datetime] = field(default_factory=set)
    """The moments to come at which something will have changed."""

    @property
    def primary(self) -> ServiceDeployment:
        """The newest deployment."""
        return self.deployments[0]

    @property
    def definition(self) -> Definition:
        """What it should run."""
        return self.primary.definition


@dataclass(slots=True)
class Cluster:
    """One cluster with its services by name, its tasks by id, oldest first."""

    name: str
    services: dict[str, EcsService] = field(default_factory=dict)
    tasks: dict[str, EcsTask] = field(default_factory=dict)


class Ecs:
    """The clusters of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._clusters: dict[tuple[str, str], Cluster] = {}
        self._definitions: dict[tuple[str, str], list[Definition]] = {}
        self._agenda: list[tuple[datetime, int, Due]] = []
        self._counts: Counter[str] = Counter()
        self.on_desired: list[Callable[[str, str, str], None]] = []
        """Called with region, cluster, service whenever a desired count was set."""
        world.add_to_dump("ecs", self._state)
        world.on_tick(lambda _: self.settle())  # so that what happens leaves its traces, whoever looks

    # What others ask.

    def running(self, region: str, cluster: str) -> list[EcsTask]:
        """The tasks whose process is alive now, oldest first: those that were told to stop, too."""
        self.settle()
        now = self._world.clock.now()
        home = self._clusters.get((region, cluster))
        return [task for task in home.tasks.values() if task.works(now)] if home else []

    def clusters(self, region: str) -> list[Cluster]:
        """The clusters of a region, in the order of their making."""
        self.settle()
        return [cluster for (where, _), cluster in self._clusters.items() if where == region]

    def cluster(self, region: str, name: str) -> Cluster:
        """A cluster by name or ARN. Raises AwsError (ClusterNotFoundException)."""
        self.settle()
        cluster = self._clusters.get((region, plain(name)))
        if cluster is None:
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return cluster

    def service(self, region: str, cluster: str, name: str) -> EcsService:
        """A service by name or ARN. Raises AwsError (ServiceNotFoundException)."""
        service = self.cluster(region, cluster).services.get(plain(name))
        if service is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        return service

    def definition(self, region: str, name: str) -> Definition:
        """A task definition by family (its newest), by `family:revision` or by ARN. Raises AwsError."""
        family, _, revision = plain(name).partition(":")
        known = self._definitions.get((region, family), [])
        if revision:
            known = [each for each in known if str(each.revision) == revision]
        if not known:
            raise AwsError("ClientException", "Unable to describe task definition.")
        return known[-1]

    def definitions(self, region: str, family: str | None = None) -> list[Definition]:
        """The task definitions of a region, of one family if it is named, oldest first."""
        return [
            each
            for (where, name), revisions in self._definitions.items()
            if where == region and family in (None, name)
            for each in revisions
        ]

    # What others order.

    def create_cluster(self, region: str, name: str) -> Cluster:
        """The cluster of that name, made if it is new."""
        return self._clusters.setdefault((region, name), Cluster(name))

    def register(self, region: str, document: Mapping[str, Any]) -> Definition:
        """A new revision of the family that the document names."""
        known = self._definitions.setdefault((region, str(document["family"])), [])
        known.append(Definition(str(document["family"]), len(known) + 1, dict(document), self._world.clock.now()))
        return known[-1]

    def create_service(
        self,
        region: str,
        cluster: str,
        name: str,
        definition: Definition,
        desired: int,
        options: Mapping[str, Any] | None = None,
    ) -> EcsService:
        """A new service, whose tasks start now. Raises AwsError if there is one of that name."""
        home, now = self.cluster(region, cluster), self._world.clock.now()
        if name in home.services:
            raise AwsError("InvalidParameterException", "Creation of service was not idempotent.")
        made = EcsService(name, home.name, desired, now, [self._deployment(region, definition, now)])
        made.options = dict(options or {})
        self._limits(made, made.options)
        home.services[name] = made
        self._reconcile(region, made, now)
        return made

    def update_service(
        self,
        region: str,
        cluster: str,
        name: str,
        *,
        desired: int | None = None,
        definition: Definition | None = None,
        force: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> EcsService:
        """Change a service; another definition or `force` begins a deployment, a desired count alone does not."""
        known, now = self.service(region, cluster, name), self._world.clock.now()
        self._limits(known, options or {})
        if force or (definition is not None and definition.name != known.definition.name):
            begun = self._deployment(region, definition or known.definition, now)
            known.deployments.insert(0, begun)
        if desired is not None:
            known.desired, known.primary.updated_at = desired, now
        self._reconcile(region, known, now)
        if desired is not None:
            for listener in self.on_desired:
                listener(region, known.cluster, known.name)
        return known

    def delete_service(self, region: str, cluster: str, name: str, *, force: bool = False) -> EcsService:
        """Take a service away with its tasks. Raises AwsError while it should have tasks, unless `force`."""
        known, now = self.service(region, cluster, name), self._world.clock.now()
        if known.desired and not force:
            raise AwsError("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
        known.desired = 0
        self._reconcile(region, known, now)
        del self.cluster(region, cluster).services[known.name]
        return known

    def run_task(
        self,
        region: str,
        cluster: str,
        definition: Definition,
        *,
        count: int = 1,
        started_by: str = "",
        group: str = "",
        overrides: Mapping[str, Any] | None = None,
    ) -> list[EcsTask]:
        """Tasks of no service: nobody stops them by scaling, nobody starts them anew."""
        home, now = self.cluster(region, cluster), self._world.clock.now()
        tasks = [self._start(region, home, definition, now) for _ in range(count)]
        for task in tasks:
            task.started_by, task.group = started_by, group or f"family:{definition.family}"
            task.overrides = dict(overrides or {})
        return tasks

    def stop_task(self, region: str, cluster: str, name: str, reason: str = "Task stopped by user") -> EcsTask:
        """Tell a task to stop, by id or ARN; its service starts another one. Raises AwsError."""
        home, now = self.cluster(region, cluster), self._world.clock.now()
        task = home.tasks.get(plain(name))
        if task is None:
            raise AwsError("InvalidParameterException", "The referenced task was not found.")
        if task.wanted():
            self._stop(region, task, now, reason, "UserInitiated")
            if task.service and task.service in home.services:
                self._reconcile(region, home.services[task.service], now)
        return task

    def later(self, at: datetime, fn: Due) -> None:
        """Call `fn(at)` when that moment has come, with the clock at it."""
        self._counts["agenda"] += 1
        heapq.heappush(self._agenda, (at, self._counts["agenda"], fn))

    def settle(self) -> None:
        """Let everything happen that is due by now."""
        now = self._world.clock.now()
        while self._agenda and self._agenda[0][0] <= now:
            at, _, fn = heapq.heappop(self._agenda)
            with self._world.clock.at(at):
                fn(at)

    # How services keep their tasks.

    def _reconcile(self, region: str, service: EcsService, at: datetime) -> None:
        """Start what lacks, stop what is too much, and come back when something will have changed."""
        home = self._clusters[region, service.cluster]
        tasks = [task for task in home.tasks.values() if task.service == service.name]
        wanted = [task for task in tasks if task.wanted()]
        new = [task for task in wanted if task.deployment == service.primary.id]
        old = [task for task in wanted if task.deployment != service.primary.id]
        for task in self._too_many(service, new, old, at):
            reason = f"Scaling activity initiated by (deployment {task.deployment})"
            self._stop(region, task, at, reason, "ServiceSchedulerInitiated")
        kept = [task for task in wanted if task.wanted()]
        lacking = service.desired - sum(task.deployment == service.primary.id for task in kept)
        room = math.floor(service.desired * service.most / 100) - len(kept)
        begun = [self._start(region, home, service.definition, at, service) for _ in range(min(lacking, room))]
        if begun:
            self._tell(service, at, f"has started {len(begun)} tasks")
        self._finish(service, [*tasks, *begun], at)
        moments = {m for t in [*tasks, *begun] for m in (t.started_at, t.stopped_at) if m is not None and m > at}
        for moment in sorted(moments - service.looks):
            service.looks.add(moment)
            self.later(moment, lambda due: self._again(region, service, due))
        for task in [task for task in tasks if task.stopped_at and task.stopped_at < at - SHOWN]:
            del home.tasks[task.id]

    def _again(self, region: str, service: EcsService, at: datetime) -> None:
        service.looks.discard(at)
        if self._clusters[region, service.cluster].services.get(service.name) is service:
            self._reconcile(region, service, at)

    @staticmethod
    def _too_many(service: EcsService, new: Sequence[EcsTask], old: Sequence[EcsTask], at: datetime) -> list[EcsTask]:
        """The tasks to stop: the newest above the desired count, then old ones that are not needed any more."""
        excess = sorted(new, key=lambda task: task.started_at)[service.desired :]
        healthy = sum(task.healthy(at) for task in (*new, *old)) - sum(task.healthy(at) for task in excess)
        spare = healthy - math.ceil(service.desired * service.least / 100)
        ending = []
        for task in sorted(old, key=lambda task: (task.healthy(at), task.started_at)):
            if not task.healthy(at):
                ending.append(task)
            elif spare > 0:
                spare -= 1
                ending.append(task)
        return [*excess, *ending]

    def _finish(self, service: EcsService, tasks: Sequence[EcsTask], at: datetime) -> None:
        """Forget the deployments that have no task left; the primary one is complete when it stands alone."""
        alive = {task.deployment for task in tasks if not task.over(at)}
        service.deployments = [d for d in service.deployments if d is service.primary or d.id in alive]
        ready = sum(task.deployment == service.primary.id and task.healthy(at) for task in tasks)
        if service.primary.completed_at is None and len(service.deployments) == 1 and ready == service.desired:
            service.primary.completed_at = service.primary.updated_at = at
            self._tell(service, at, "has reached a steady state")

    def _tell(self, service: EcsService, at: datetime, what: str) -> None:
        service.events.insert(0, (at, f"(service {service.name}) {what}."))
        del service.events[100:]

    @staticmethod
    def _limits(service: EcsService, options: Mapping[str, Any]) -> None:
        limits = options.get("deploymentConfiguration") or {}
        service.least = int(limits.get("minimumHealthyPercent", service.least))
        service.most = int(limits.get("maximumPercent", service.most))

    def _deployment(self, region: str, definition: Definition, at: datetime) -> ServiceDeployment:
        self._counts["deployments"] += 1
        stream = self._world.rng("ecs deployment", region, self._counts["deployments"])
        return ServiceDeployment(f"ecs-svc/{stream.randrange(10**18, 10**19)}", definition, at, at)

    def _start(
        self, region: str, home: Cluster, definition: Definition, at: datetime, service: EcsService | None = None
    ) -> EcsTask:
        counted = f"{region}/{home.name}"
        self._counts[counted] += 1
        stream = self._world.rng("ecs task", counted, self._counts[counted])
        name = f"{stream.getrandbits(128):032x}"
        starts = at + timedelta(seconds=round(stream.uniform(*STARTING), 3))
        task = EcsTask(name, home.name, None, "", definition, at, starts)
        if service is not None:
            task.service, task.deployment, task.group = service.name, service.primary.id, f"service:{service.name}"
            task.started_by = service.primary.id
        home.tasks[name] = task
        return task

    def _stop(self, region: str, task: EcsTask, at: datetime, reason: str, code: str) -> None:
        stream = self._world.rng("ecs stop", region, task.id)
        seconds = stream.uniform(*STOPPING) if task.started_at <= at else stream.uniform(3, 8)
        task.stopping_since, task.reason, task.code = at, reason, code
        task.stopped_at = at + timedelta(seconds=round(seconds, 3))

    def _state(self) -> dict[str, Any]:
        """Without the tasks of services, which come and go by themselves."""
        self.settle()
        state: dict[str, Any] = {
            f"{region}/{name}": {
                "services": {
                    s.name: {"desired": s.desired, "definition": s.definition.name, "deployment": s.primary.id}
                    for s in cluster.services.values()
                },
                "tasks": [t.id for t in cluster.tasks.values() if t.service is None and t.wanted()],
            }
            for (region, name), cluster in self._clusters.items()
        }
        revisions = {f"{region}/{family}": len(known) for (region, family), known in self._definitions.items()}
        return {"clusters": state, "definitions": revisions}


def plain(name: str) -> str:
    """A name out of a name or an ARN."""
    return name.rpartition("/")[2]
