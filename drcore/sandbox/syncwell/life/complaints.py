"""How a corrupted configuration shows: syncs that fail, their log lines, tickets at the support desk.

A corrupted user's sync is refused each time it is tried, about each ten minutes: a line in the API's log group, counted
by the metric ConfigErrors of the namespace SyncWell. One in four writes to the support desk, some minutes after the
damage; there other users write about other things. Nobody syncs while the API lets nobody in.
"""

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from drcore.sandbox.core.clock import TICK
from drcore.sandbox.core.outages import Regions
from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import MINUTE, aware, epoch, iso
from drcore.sandbox.core.world import World
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.cloudwatch.metrics import MetricName, MinuteSamples
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.configurations import Item, Key, problem, user
from drcore.sandbox.syncwell.life.intended_data import BadWrite, IntendedData
from drcore.sandbox.syncwell.life.random_counts import arrivals
from drcore.sandbox.syncwell.life.table_bindings import TableBindings

SYNC = timedelta(minutes=10)
"""From one sync of a user to the next, on average."""
COMPLAIN = 0.25
"""The share of the corrupted users who write to the support desk."""
PATIENCE = 5 * 60.0
"""Seconds, on average, from the damage to the ticket, after the first minute."""
PAGE = 50
ERRORS = MetricName("SyncWell", "ConfigErrors")

_SUBJECTS = {
    "sync-settings": ("My sources are wrong", "Nothing syncs any more", "My settings are gone", "Wrong account shown"),
    "billing": ("Charged twice", "Change my plan", "Invoice for last year"),
    "login": ("Cannot sign in", "Two-factor code does not come"),
    "devices": ("Watch is not found", "Steps are counted twice", "Sleep lacks one night"),
}
_USUAL = ("billing", "login", "devices", "devices", "sync-settings")
_AN_HOUR = 5.0
"""Tickets about the usual things."""


@dataclass(frozen=True, slots=True, order=True)
class SupportTicket:
    """One ticket at the support desk."""

    opened_at: datetime
    id: str
    category: str
    user: str
    subject: str
    platform: str = ""
    """The store that the app came from, and its version, where the ticket was written in the app."""
    version: str = ""

    def document(self) -> dict[str, str]:
        """As the support desk shows it."""
        return {
            "id": self.id,
            "opened_at": iso(self.opened_at),
            "category": self.category,
            "user": self.user,
            "subject": self.subject,
            "platform": self.platform,
            "app_version": self.version,
        }


class SufferingUsers:
    """Who suffers now, who has complained."""

    def __init__(self, world: World) -> None:
        self._world, self._regions, self._tables = world, world.state(Regions), world.state(Tables)
        self._intended, self._bindings = world.state(IntendedData), world.state(TableBindings)
        self._logs, self._stores = world.state(Logs), world.state(CloudWatch).stores
        self._counts = dict.fromkeys(world.regions, 0)
        self._errors = dict.fromkeys(world.regions, 0)
        self._waiting: list[tuple[datetime, Key]] = []
        self._heard: set[Key] = set()
        self.tickets: list[SupportTicket] = []

    def tick(self, at: datetime) -> None:
        """Let the corrupted users try to sync; at a full minute, publish."""
        self._listen()
        self._file(at)
        for region in self._world.regions:
            suffering = self.suffering(region)
            self._counts[region] = len(suffering)
            self._sync(region, at, suffering)
            if at.second == 0:
                self.publish(region, epoch(at) - MINUTE, self._errors[region])
                self._errors[region] = 0

    def publish(self, region: str, minute: int, errors: int) -> None:
        """The failed syncs of a minute; nothing while the region is out or lets nobody in."""
        if not self._regions.out(region, aware(minute)) and self._bindings.open(region, "syncwell-api"):
            self._stores[region].record(ERRORS, minute, MinuteSamples(1, errors, errors, errors, ((float(errors), 1),)))

    def suffering(self, region: str) -> list[BadWrite]:
        """The bad writes of which the users of a region suffer: who has edited on top has put right what he saw."""
        if not self._intended.bad_writes:
            return []
        table, bad_writes = self._tables[region, self._bindings.in_use(region)], []
        for name, bad_write in self._intended.bad_writes.items():
            item = table.get(name)
            if home(self._world, name) == region and self._suffers(name, item):
                bad_writes.append(bad_write)
        return bad_writes

    def suffers(self, region: str, name: Key) -> BadWrite | None:
        """The bad write of which one user suffers in a region."""
        if name not in self._intended.bad_writes:
            return None
        item = self._tables[region, self._bindings.in_use(region)].get(name)
        return self._intended.bad_writes[name] if self._suffers(name, item) else None

    def share(self, region: str) -> float:
        """The share of a region's users who suffered at the last tick."""
        return self._counts[region] * len(self._world.regions) / self._world.users

    def between(self, since: datetime, until: datetime) -> list[SupportTicket]:
        """The tickets of that time, newest last."""
        of_span = [ticket for ticket in self.tickets if since <= ticket.opened_at < until]
        hour = since.replace(minute=0, second=0, microsecond=0)
        while hour < until:
            of_span += [ticket for ticket in self._usual(hour) if since <= ticket.opened_at < until]
            hour += timedelta(hours=1)
        return sorted(of_span)

    def _suffers(self, name: Key, item: Item | None) -> bool:
        return not self._intended.sound(name, item) and not self._intended.edited_on_top(name, item)

    def _sync(self, region: str, at: datetime, suffering: list[BadWrite]) -> None:
        if self._regions.out(region, at) or not self._bindings.open(region, "syncwell-api"):
            return
        if not suffering:
            return
        stream = self._world.rng("failed syncs", region, epoch(at))
        failed = min(len(suffering), arrivals(stream, len(suffering) * (TICK / SYNC)))
        self._errors[region] += failed
        begun = at - TICK
        for offset in sorted(stream.random() for _ in range(failed)):
            bad_write = suffering[int(stream.random() * len(suffering))]
            reason = problem(bad_write.after, bad_write.kind)
            line = f"ERROR ConfigInvalid user={user(bad_write.key)} reason={reason}"
            self._logs.write(region, names.API_LOGS, begun + offset * TICK, line)

    def _listen(self) -> None:
        """Take down who will complain of the damage that has been done since the last time."""
        for name, bad_write in list(self._intended.bad_writes.items())[len(self._heard) :]:
            self._heard.add(name)
            stream = self._world.rng("complaint", name)
            if stream.random() < COMPLAIN:
                heapq.heappush(self._waiting, (_soon(bad_write.at, stream), name))

    def _file(self, at: datetime) -> None:
        while self._waiting and self._waiting[0][0] <= at:
            when, name = heapq.heappop(self._waiting)
            if self.suffers(home(self._world, name), name):
                self.tickets.append(_ticket(when, "sync-settings", user(name), self._world.rng("ticket", name)))

    def _usual(self, hour: datetime) -> list[SupportTicket]:
        """The tickets that come every day."""
        stream = self._world.rng("tickets", epoch(hour))
        usual = []
        for _ in range(arrivals(stream, _AN_HOUR)):
            opened = hour + timedelta(seconds=int(stream.random() * 3600))
            number = f"{stream.randrange(self._world.users):05d}"
            usual.append(_ticket(opened, _USUAL[int(stream.random() * len(_USUAL))], number, stream))
        return usual


def home(world: World, name: Key) -> str:
    """The region that serves a user, while everything is as usual."""
    return world.regions[int(user(name)) % len(world.regions)]


def _soon(at: datetime, stream: Random) -> datetime:
    return (at + timedelta(seconds=60 + stream.expovariate(1 / PATIENCE))).replace(microsecond=0)


def _ticket(opened: datetime, category: str, number: str, stream: Random) -> SupportTicket:
    subjects = _SUBJECTS[category]
    name = f"SW-{epoch(opened) % 10_000_000:07d}-{number}"
    return SupportTicket(opened, name, category, number, subjects[int(stream.random() * len(subjects))])


@http_route("GET", "/support/v1/tickets")
def tickets(call: HttpCall) -> JsonReply:
    """200 `{"tickets": [{id, opened_at, category, user, subject, platform, app_version}], "next"}`.

    Oldest first, pages of fifty; `platform` and `app_version` are empty unless the ticket was written in the app.
    401 without the desk's key (`Authorization: Bearer KEY`).
    `since` and `until` are times in UTC (by default the last hour), `category` one of the categories, `next` goes on
    where a page ended.
    """
    if call.bearer != names.SUPPORT_KEY:
        return JsonReply(401, {"error": "a valid key is wanted"})
    now = call.world.clock.now()
    try:
        until = min(now, _time(call.query["until"])) if "until" in call.query else now
        since = _time(call.query["since"]) if "since" in call.query else until - timedelta(hours=1)
        start = int(call.query.get("next", "0"))
    except ValueError as error:
        return JsonReply(400, {"error": f"since, until, next: {error}"})
    if until - since > timedelta(days=31):
        return JsonReply(400, {"error": "since: expected at most 31 days before until"})
    category = call.query.get("category", "")
    listed = [
        each for each in call.world.state(SufferingUsers).between(since, until) if category in ("", each.category)
    ]
    page = [ticket.document() for ticket in listed[start : start + PAGE]]
    more = {"next": str(start + PAGE)} if len(listed) > start + PAGE else {}
    return JsonReply(200, {"tickets": page, **more})


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with its zone, saw {text!r}")
    return moment.astimezone(UTC)
