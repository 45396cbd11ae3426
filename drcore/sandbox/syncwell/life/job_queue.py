"""The jobs queue of each region, as its metrics show it.

Simplified: most jobs are counted only; of a region that is out the oldest job grows older, afterwards the backlog goes
four times as fast as it came. Of those that change users' configurations each lies in the queue.
"""

from datetime import datetime

from drcore.sandbox.core.outages import Regions
from drcore.sandbox.core.timestamps import MINUTE, epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.sqs import Messages
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.markets import SHARES, demand
from drcore.sandbox.syncwell.life.users import UserBase

_QUEUE = (("QueueName", names.QUEUE),)
_SENT = MetricName("AWS/SQS", "NumberOfMessagesSent", _QUEUE)
_AGE = MetricName("AWS/SQS", "ApproximateAgeOfOldestMessage", _QUEUE)


class JobQueue:
    """The age of the oldest job in each region, in seconds."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._users = world, world.state(Regions), world.state(UserBase)
        self._stores = world.state(CloudWatch).stores
        self._messages = world.state(Messages)
        self._backlog = dict.fromkeys(world.regions, 0.0)

    def tick(self, at: datetime) -> None:
        """At each full minute, publish."""
        if at.second:
            return
        begin = epoch(at) - MINUTE
        for region in self._world.regions:
            if self._regions.out(region, at):
                self._backlog[region] += MINUTE
                continue
            stream = self._world.rng("jobs", region, begin)
            sent = round(demand(region, at) * MINUTE * SHARES["syncwell-worker"] * self._users.load(region))
            if sent:
                self._stores[region].record(_SENT, begin, MinuteSamples(sent, sent, 1.0, 1.0, ((1.0, sent),)))
            age = max(stream.uniform(1, 4), self._backlog[region], self._messages.oldest(region, names.QUEUE))
            self._backlog[region] = max(0.0, self._backlog[region] - 4 * MINUTE)
            self._stores[region].record(_AGE, begin, MinuteSamples.of(((age, 1.0),)), "Seconds")
