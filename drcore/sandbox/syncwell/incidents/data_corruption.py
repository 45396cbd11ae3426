"""A release of the workers that corrupts the users' configurations (plan G).

Its `normalise` job goes through the items that nobody has changed lately, one after the other, and corrupts each: three
minutes after it was deployed it begins, and it goes on, slowly, as long as a task of that release works and is let
write. The items stay corrupted when the fault is cleared: only a repair or a switch to other data takes that away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.faults import Option, Options, Undo, UnknownFault, fault
from drcore.sandbox.core.outages import Regions
from drcore.sandbox.core.timestamps import epoch, precise
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.dynamodb.replica import Replica
from drcore.sandbox.services.dynamodb.replication_view import LONGEST_LAG, SHORTEST_LAG
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.company import names, worker_services
from drcore.sandbox.syncwell.company.releases import CANDIDATE
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment, Broken, refuse_second
from drcore.sandbox.syncwell.life.complaints import SufferingUsers
from drcore.sandbox.syncwell.life.configurations import KINDS, Item, corrupted, key, signed
from drcore.sandbox.syncwell.life.intended_data import BadWrite, IntendedData
from drcore.sandbox.syncwell.life.partner_imports import PartnerImports
from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from drcore.sandbox.syncwell.life.table_readers import TableReaders
from drcore.sandbox.syncwell.life.table_writers import TableWriters
from drcore.sandbox.syncwell.life.timeline import WorldTimeline
from drcore.sandbox.syncwell.life.waiting_jobs import WaitingJobs

AFTER = timedelta(minutes=3)
"""From the deployment to the job's first write."""
SLOWLY = timedelta(seconds=20)
"""From one bad write to the next once the job is through with most."""
HIDDEN = timedelta(seconds=20)
"""From one write of the hidden writer to the next."""
WRITER = f"worker/{CANDIDATE}"
METRICS = frozenset({"AWS/DynamoDB", "SyncWell"})
HIDDEN_KEY = ("BATCH#usage", "0")

OPTIONS: Mapping[str, Option] = {
    "share": Option(
        default=0.04,
        help="the share of the users whose configuration is corrupted before the doors notice",
        least=0.0002,
        most=0.5,
    ),
    "minutes": Option(default=12, help="how long the job has run when the fault is injected", least=2, most=60),
    "kinds": Option(default=",".join(KINDS), help="what it does to an item, of overwrite, delete, blank, wrong-owner"),
    "silent": Option(
        default=0.5, help="the share of the bad writes that leave UpdatedAt and Writers as they were", most=1
    ),
    "region": Option(default="us-east-1", help="where the faulty job runs", choices=World.regions),
    "quiet": Option(
        default=5,
        help="how many minutes of users' changes there are from before the deployment; an export begins 30 before it",
        least=1,
        most=45,
    ),
    "old_jobs": Option(
        default=3, help="jobs of each region that wait for their partner since before the deployment", most=50
    ),
    "hidden_writer": Option(default=False, help="whether a process that is in nobody's list writes each 20 seconds"),
}


@dataclass(slots=True)
class Corruption:
    """How the job goes on in this world."""

    region: str
    began: datetime
    deployed: datetime
    kinds: tuple[str, ...]
    silent: float
    order: list[int]
    stream: Random
    written: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass(slots=True)
class Hidden:
    """The writer that is in nobody's list."""

    on: bool = False
    region: str = ""
    writes: int = 0
    last: datetime | None = field(default=None)


class CorruptionJob:
    """The faulty job, and the hidden writer, if there is one."""

    def __init__(self, world: World) -> None:
        self._world, self._tables = world, world.state(Tables)
        self._regions = world.state(Regions)
        self._intended, self._bindings = world.state(IntendedData), world.state(TableBindings)
        self.corruption: Corruption | None = None
        self.hidden = Hidden()
        self.healthy_since: datetime | None = None

    def begin(self, corruption: Corruption, bad: int, now: datetime) -> None:
        """Let the job write `bad` times until `now`, and slowly from then on."""
        self.corruption, self.healthy_since = corruption, None
        start, jitter = corruption.deployed + AFTER, self._world.rng("bad moments")
        step = (now - start) / bad
        for number in range(bad):
            moment = start + step * (number + 0.1 + 0.8 * jitter.random())
            self._tables.later(moment.replace(microsecond=moment.microsecond // 1000 * 1000), self._one)
        self._tables.later(now + SLOWLY, self._slowly)

    def hide(self, region: str, since: datetime) -> None:
        """Let the hidden writer write from then on."""
        self.hidden = Hidden(True, region)
        self._tables.later(since + HIDDEN, self._hidden)

    def tick(self, at: datetime) -> None:
        """Note since when all is well: nobody suffers, everybody is served, nothing corrupts anything any more."""
        if self.corruption is None:
            return
        if not all(self._well(region, at) for region in self._world.regions) or self.running():
            self.healthy_since = None
        elif self.healthy_since is None:
            self.healthy_since = at

    def _well(self, region: str, at: datetime) -> bool:
        table = self._tables[region, self._bindings.in_use(region)]
        served = not self._regions.out(region, at) and self._bindings.open(region, "syncwell-api")
        taken = table.there and not table.denies(self._tables.role_arn(names.LAMBDA_ROLE), "PutItem", at)
        return served and taken and not self._world.state(SufferingUsers).share(region)

    def running(self) -> int:
        """How many tasks of the faulty release work."""
        corruption = self.corruption
        return (
            0
            if corruption is None
            else sum(task.release == CANDIDATE for task in self._bindings.tasks(corruption.region))
        )

    def _slowly(self, at: datetime) -> None:
        self._one(at)
        more = self._world.rng("slowly", epoch(at)).uniform(0.7, 1.3)
        self._tables.later(at + timedelta(milliseconds=int(SLOWLY / timedelta(milliseconds=1) * more)), self._slowly)

    def _one(self, at: datetime) -> None:
        """Corrupt the next item that can be corrupted, if the job runs then."""
        corruption = self.corruption
        assert corruption is not None
        tasks = [task for task in self._bindings.tasks(corruption.region, at) if task.release == CANDIDATE]
        if not tasks or self._regions.out(corruption.region, at):
            return
        table = self._tables[corruption.region, tasks[0].table]
        while corruption.order:
            name = key(corruption.order[-1])
            before = table.get(name)
            if before is None or not self._left_alone(before, corruption):
                corruption.order.pop()  # gone, or somebody is at it: it does not dare
                continue
            if self._corrupt(table, name, before, at, corruption):
                corruption.order.pop()
            return

    def _corrupt(
        self, table: Replica, name: tuple[str, str], before: Item, at: datetime, corruption: Corruption
    ) -> bool:
        stream = self._world.rng("bad write", corruption.written)
        kind = corruption.kinds[int(stream.random() * len(corruption.kinds))]
        silent = kind != "delete" and stream.random() < corruption.silent
        other = self._intended.meant(key(int(stream.random() * self._world.users))) or before
        after = corrupted(before, kind, other, stream, self._world.users)
        if after is not None and not silent:
            after = signed(after, corruption.region, at, WRITER)
        lag = stream.uniform(SHORTEST_LAG, LONGEST_LAG)
        if not table.write(name, after, at, by=names.WORKER_ROLE, lag=lag):
            return False
        corruption.written, corruption.first, corruption.last = corruption.written + 1, corruption.first or at, at
        self._intended.corrupted(BadWrite(at, name, kind, silent, before, after))
        return True

    def _left_alone(self, item: Item, corruption: Corruption) -> bool:
        return bool(item["UpdatedAt"]["S"] < precise(corruption.began)) and "DeletedAt" not in item

    def _hidden(self, at: datetime) -> None:
        if not self.hidden.on:
            return
        pk, sk = HIDDEN_KEY
        item: Item = {
            "pk": {"S": pk},
            "sk": {"S": sk},
            "Count": {"N": str(self.hidden.writes + 1)},
            "Region": {"S": self.hidden.region},
            "UpdatedAt": {"S": precise(at)},
            "Writers": {"L": [{"S": "batch/usage"}]},
        }
        if self._tables[self.hidden.region, names.TABLE].write(HIDDEN_KEY, item, at, by=names.BATCH_ROLE):
            self.hidden.writes, self.hidden.last = self.hidden.writes + 1, at
        self._tables.later(at + HIDDEN, self._hidden)


def _kinds(options: Options) -> tuple[str, ...]:
    return tuple(each.strip() for each in str(options["kinds"]).split(",") if each.strip())


def _are_known(options: Options) -> None:
    if not (kinds := set(_kinds(options))) or not kinds <= set(KINDS):
        raise UnknownFault(f"options.kinds: expected some of {', '.join(KINDS)}; saw {options['kinds']!r}")


@fault("data-corruption", options=OPTIONS, check=_are_known)
def data_corruption(world: World, options: Options) -> Undo:
    """2026.01.2 of the workers has corrupted `share` of the configurations for `minutes`, and goes on slowly.

    The last `minutes`, three more and the `quiet` ones are told again, with the users' edits. What somebody did to the
    account in that time is taken as done before it, but for his writes to tables. Clearing the fault stops the hidden
    writer, as somebody who found the process would, and nothing else.
    """
    refuse_second(world, "data-corruption")
    now, tables = world.clock.now(), world.state(Tables)
    quiet = timedelta(minutes=options["quiet"])
    began = world.state(WorldTimeline).rewind(quiet + AFTER + timedelta(minutes=options["minutes"]))
    _forget(world, began)
    world.state(IntendedData).begin(began, dict(tables[options["region"], names.TABLE].items()))
    world.state(WaitingJobs).wait_for_partners(int(options["old_jobs"]), began, now)
    world.state(TableWriters).go(began)
    job, deployed = world.state(CorruptionJob), began + quiet
    order, stream = list(range(world.users)), world.rng("victims")
    stream.shuffle(order)
    job.begin(
        Corruption(options["region"], began, deployed, _kinds(options), options["silent"], order, stream),
        max(1, round(options["share"] * world.users)),
        now,
    )
    if options["hidden_writer"]:
        job.hide(options["region"], began)
    world.state(BadDeployment).broken = Broken("data-corruption", now, deployed)
    _replay(world, began, deployed, options["region"], now)
    return lambda: setattr(job.hidden, "on", False)


def _forget(world: World, since: datetime) -> None:
    """Forget what happened to the tables from then on, and what the metrics told of it."""
    world.state(Tables).rewind(since)
    world.state(CloudWatch).forget(since, METRICS)
    world.state(WaitingJobs).rewind(since)
    world.state(PartnerImports).rewind(since)


def _replay(world: World, began: datetime, deployed: datetime, region: str, now: datetime) -> None:
    """Live again from `began` until now, with the deployment in it."""
    reads, tables, bindings = world.state(TableReaders), world.state(Tables), world.state(TableBindings)
    imports, job, complaints, timeline, at = (
        world.state(PartnerImports),
        world.state(CorruptionJob),
        world.state(SufferingUsers),
        world.state(WorldTimeline),
        began + TICK,
    )
    while at <= now:
        with world.clock.at(at):
            if at - TICK < deployed <= at:
                with world.clock.at(deployed):
                    worker_services.deploy(world, region, CANDIDATE)
            bindings.tick(at)
            reads.tick(at)
            tables.tick(at)
            imports.tick(at)
            complaints.tick(at)
            job.tick(at)
            timeline.tick(at)
        at += TICK
