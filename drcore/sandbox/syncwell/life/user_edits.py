"""What the users change in their configurations, through whom, in the table that he works on.

Half of it comes through the API; partners send the rest: through the webhook, through jobs of the queue that Lambda
works off, through jobs of the ECS workers. Who is stopped, or is denied, writes nothing: his users are refused, his
jobs wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from drcore.sandbox.core.world import USERS, World
from drcore.sandbox.services.dynamodb.replication_view import LONGEST_LAG, SHORTEST_LAG
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.services.sqs import QueuedMessage
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.releases import CANDIDATE
from drcore.sandbox.syncwell.life.configurations import CONTENT, Item, changed, entered_again, key, signed_up
from drcore.sandbox.syncwell.life.intended_data import IntendedData
from drcore.sandbox.syncwell.life.service_mode import ServiceMode
from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from drcore.sandbox.syncwell.life.waiting_jobs import WaitingJob, WaitingJobs

SIGN_UPS = 0.04
"""The share of the edits that are a new user's."""
WHOLE = 0.1
"""The share of the others that enter everything again."""
OFTEN = 2
"""So often an item that was corrupted is edited on top."""
AT_ONCE = 8
"""Jobs that have waited, of which a region works off so many each five seconds."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes for a user."""

    table: str
    writer: str
    role: str


class Edits:
    """The edits of both regions; `refused` counts those that nobody took."""

    def __init__(self, world: World) -> None:
        self._world, self._tables = world, world.state(Tables)
        self._bindings, self._intended = world.state(TableBindings), world.state(IntendedData)
        self.refused = dict.fromkeys(world.regions, 0)
        self._mode, self._waiting = world.state(ServiceMode), world.state(WaitingJobs)
        self._ways: tuple[tuple[float, str, Callable[[str, datetime, Random], Author | None]], ...] = (
            (0.55, "request", lambda region, _, stream: self._lambda(region, "syncwell-api", "api", stream)),
            (0.65, "webhook", lambda region, _, stream: self._lambda(region, "syncwell-webhook", "webhook", stream)),
            (0.8, "message", self._jobs),
            (1.0, "message", self._worker),
        )

    def edit(self, region: str, number: int, at: datetime, stream: Random, lag: float) -> bool:
        """One edit by some user (USERS and above: a new one) at a moment; returns whether it was taken."""
        draw = stream.random()
        path, find = next((path, find) for below, path, find in self._ways if draw < below)
        if not self._mode.takes(region, path):
            taken = False
        elif path == "message":
            job = self._waiting.send(region, number, at)
            author = find(region, at, stream) or self._whoever(region, at, stream)
            taken = author is not None and self._work_off(region, author, *job, at, stream, lag)
        else:
            author = find(region, at, stream)
            taken = author is not None and self._edit(region, author, number, at, stream, lag)
        if not taken:
            self.refused[region] += 1
        return taken

    def work_off(self, region: str, at: datetime) -> None:
        """Work off some of the jobs that have waited, if anybody works."""
        for job, message in self._waiting.due(region, at, AT_ONCE):
            stream = self._world.rng("job", job.id, message.received)
            author = self._whoever(region, at, stream) if self._mode.takes(region, "message") else None
            if author is None:
                return
            self._work_off(region, author, job, message, at, stream, stream.uniform(SHORTEST_LAG, LONGEST_LAG))

    def _whoever(self, region: str, at: datetime, stream: Random) -> Author | None:
        """Anybody who works jobs off."""
        return self._jobs(region, at, stream) or self._worker(region, at, stream)

    def _work_off(
        self,
        region: str,
        author: Author,
        job: WaitingJob,
        message: QueuedMessage,
        at: datetime,
        stream: Random,
        lag: float,
    ) -> bool:
        if not self._waiting.may_run(region, job):
            self._waiting.hold(region, job, message, at)
            return False
        if self._edit(region, author, job.number, at, stream, lag):
            self._waiting.done(region, job, message, at)
            return True
        self._waiting.failed(region, job, message, at, "AccessDeniedException")
        return False

    def _edit(self, region: str, author: Author, number: int, at: datetime, stream: Random, lag: float) -> bool:
        table, name = self._tables[region, author.table], key(number)
        before = table.get(name)
        bad_write = self._intended.bad_write_in(name, before)
        whole = before is None or bad_write.silent if bad_write else before is None or stream.random() < WHOLE
        if bad_write is not None and not whole and self._edited_on_top(before):
            return True  # its owner has done what he could
        if before is None or whole:
            fresh = signed_up(number, region, at, author.writer, stream)
            item = entered_again(before, fresh)
            change = {attribute: fresh[attribute] for attribute in CONTENT if attribute in fresh}
        else:
            item, change = changed(before, region, at, author.writer, stream)
        if not table.write(name, item, at, by=author.role, lag=lag):
            return False
        self._intended.edited(region, at, name, change, before, item)
        return True

    @staticmethod
    def _edited_on_top(item: Item | None) -> bool:
        """Whether another edit would push the faulty writer out of the last three."""
        writers = [each["S"] for each in (item or {}).get("Writers", {"L": []})["L"]]
        return f"worker/{CANDIDATE}" in writers and len(writers) - writers.index(f"worker/{CANDIDATE}") > OFTEN

    def _lambda(self, region: str, function: str, writes_as: str, stream: Random) -> Author | None:
        if not self._bindings.open(region, function):
            return None
        bound = self._bindings.one(region, function, stream)
        return Author(bound.table, f"{writes_as}/{bound.release}", names.LAMBDA_ROLE)

    def _jobs(self, region: str, _: datetime, stream: Random) -> Author | None:
        if not self._bindings.polling(region):
            return None
        return self._lambda(region, names.WORKER_FUNCTION, "jobs", stream)

    def _worker(self, region: str, at: datetime, stream: Random) -> Author | None:
        """A task of a sound release: one of the faulty release is busy with its own job."""
        tasks = [task for task in self._bindings.tasks(region, at) if task.release != CANDIDATE]
        if not tasks:
            return None
        bound = tasks[int(stream.random() * len(tasks))]
        return Author(bound.table, f"worker/{bound.release}", names.WORKER_ROLE)


def new_user(at: datetime, region_number: int) -> int:
    """The number of a user who signs up in that slot and region: no two are the same for days."""
    return USERS + (int(at.timestamp()) // 5 * 2 + region_number) % 90_000
