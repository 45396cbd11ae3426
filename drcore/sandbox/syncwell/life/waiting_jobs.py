"""The jobs queue of each region with its dead-letter queue: who sends a job, what becomes of it, what the log says.

A job lies in the queue until somebody has worked it off. One whose write is refused is received again some seconds
later; the fifth time it goes to the dead-letter queue, as one goes there at once that is older than the flag
`jobs_not_before` lets run. The age of a job is that of the work, which it says itself: a redrive does not make it
younger. Each is a line of JSON in the log of its region when it is queued, done, failed, dead or held.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.services.sqs import Messages, QueuedMessage
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.service_mode import ServiceMode, found_flag

TRIES = 5
"""So often a job is received before it goes to the dead-letter queue."""
AGAIN = timedelta(seconds=5)
"""From a try that failed to the next one."""
_ATTRIBUTES = {"made_at": {"constraints": {"type": "string", "required": True}}}
_VALUE = {"enabled": False, "made_at": "2025-03-03T08:00:00.000Z"}


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """One job: for which user, since when there has been this work to do."""

    id: str
    made: datetime
    number: int


@dataclass(frozen=True, slots=True)
class LateChange:
    """A job that was not done at once, and has changed data: when it was made, when it was done, for whom."""

    region: str
    made: datetime
    done: datetime
    number: int


def set_up(world: World) -> None:
    """Make the queues, and the flag: jobs of any age run."""
    for region in world.regions:
        store = backends.sqs(world.account, region)
        store.create_queue(names.DEAD_QUEUE, MessageRetentionPeriod="1209600")
        redrive = {"deadLetterTargetArn": arn(world, region, names.DEAD_QUEUE), "maxReceiveCount": TRIES}
        store.create_queue(names.QUEUE, RedrivePolicy=json.dumps(redrive))
        world.state(Logs).create(region, names.JOB_LOGS, retention=30)
    world.state(WaitingJobs)


def found_filter(world: World) -> None:
    """Make the flag: jobs of any age run."""
    for region in world.regions:
        found_flag(world, region, names.JOBS_FLAG, _ATTRIBUTES, _VALUE)


def arn(world: World, region: str, queue: str) -> str:
    """The ARN of a queue."""
    return f"arn:aws:sqs:{region}:{world.account}:{queue}"


class WaitingJobs:
    """The jobs of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._logs = world, world.state(Logs)
        self._mode = world.state(ServiceMode)
        self._queues = world.state(Messages).queues
        for region in world.regions:
            for name in (names.QUEUE, names.DEAD_QUEUE):
                self._queues[region, name] = []
        self.late: list[LateChange] = []

    def send(self, region: str, number: int, at: datetime) -> tuple[WaitingJob, QueuedMessage]:
        """A job for a user, into the queue."""
        job = WaitingJob(f"{int(at.timestamp() * 1000):x}-{number:05d}", at, number)
        message = QueuedMessage(json.dumps([job.id, at.isoformat(), number]), at, at)
        self._queues[region, names.QUEUE].append(message)
        self._note(region, job, at, "queued", 0)
        return job, message

    def due(self, region: str, at: datetime, most: int) -> Iterator[tuple[WaitingJob, QueuedMessage]]:
        """The jobs that can be received, the first ones first."""
        waiting = [each for each in self._queues[region, names.QUEUE] if each.visible <= at]
        for message in waiting[:most]:
            name, made, number = json.loads(message.body)
            yield WaitingJob(name, datetime.fromisoformat(made), number), message

    def may_run(self, region: str, job: WaitingJob) -> bool:
        """Whether the workers of a region, by the flag as they have it, work a job off."""
        flag = self._mode.flag(region, names.JOBS_FLAG)
        return not flag.get("enabled") or job.made >= datetime.fromisoformat(str(flag["made_at"]))

    def done(self, region: str, job: WaitingJob, message: QueuedMessage, at: datetime) -> None:
        """It is worked off."""
        if at > message.sent or message.received:
            self.late.append(LateChange(region, job.made, at, job.number))
        self._queues[region, names.QUEUE].remove(message)
        self._note(region, job, at, "done", message.received + 1)

    def hold(self, region: str, job: WaitingJob, message: QueuedMessage, at: datetime) -> None:
        """It is too old: it is set aside."""
        self._bury(region, message)
        self._note(region, job, at, "held", message.received + 1)

    def failed(self, region: str, job: WaitingJob, message: QueuedMessage, at: datetime, error: str) -> None:
        """A try has failed: it is tried again, or goes to the dead-letter queue."""
        message.received, message.visible = message.received + 1, at + AGAIN
        if message.received >= TRIES:
            self._bury(region, message)
        self._note(region, job, at, "dead" if message.received >= TRIES else "failed", message.received, error)

    def rewind(self, since: datetime) -> None:
        """Forget the jobs that were sent from then on, for a past that is told again."""
        for messages in self._queues.values():
            messages[:] = [each for each in messages if each.sent < since]
        for region in self._world.regions:
            self._logs.forget(region, names.JOB_LOGS, since)
        self.late = [each for each in self.late if each.done < since]

    def wait_for_partners(self, count: int, before: datetime, until: datetime) -> None:
        """Let so many jobs of each region, made before a moment, wait for a partner until a moment or later."""
        for region in self._world.regions:
            stream = self._world.rng("old jobs", region)
            for _ in range(count):
                made = before - timedelta(seconds=round(stream.uniform(600, 5400), 3))
                with self._world.clock.at(made):
                    job, message = self.send(region, int(stream.random() * self._world.users), made)
                for number in range(1, TRIES):
                    at = made + number * (before - made) / TRIES
                    with self._world.clock.at(at):
                        self._note(region, job, at, "failed", number, "PartnerTimeout")
                message.received = TRIES - 1
                message.visible = until + timedelta(seconds=round(stream.uniform(0, 1800), 3))

    def _bury(self, region: str, message: QueuedMessage) -> None:
        self._queues[region, names.QUEUE].remove(message)
        self._queues[region, names.DEAD_QUEUE].append(message)

    def _note(self, region: str, job: WaitingJob, at: datetime, state: str, received: int, error: str = "") -> None:
        line = (
            f'{{"event":"job","state":"{state}","job":"{job.id}","made_at":"{precise(job.made)}"'
            f',"user":"USER#{job.number:05d}","received":{received}'
        )
        self._logs.write(region, names.JOB_LOGS, at, line + (f',"error":"{error}"}}' if error else "}"), "jobs")
