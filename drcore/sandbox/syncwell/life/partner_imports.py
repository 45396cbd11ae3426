"""What the workers import from partners: their activities, in order, up to a cursor that lies outside the table.

Each two minutes a worker of a region takes what is new at each partner into the table that it works on, and moves the
cursor; the log of the jobs has a line with it. A restored table holds what had been imported at its moment, while the
cursor stays: what lies between is in no table until the cursor goes back. The flag `imports_from` takes it back, once
for each moment that it names. What is imported twice is one activity, as it has its partner's id.

Simplified: what is imported is kept as spans of the partner's time by table, not as items; a partner has no gaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.sandbox.core.outages import HALTING, Regions
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.service_mode import NORMAL, ServiceMode, found_flag
from drcore.sandbox.syncwell.life.table_bindings import TableBindings

EVERY = timedelta(minutes=2)
_ATTRIBUTES = {"at": {"constraints": {"type": "string", "required": True}}}
_VALUE = {"enabled": False, "at": "2025-03-03T08:00:00.000Z"}


@dataclass(frozen=True, slots=True)
class Imported:
    """A partner's activities from `begin` to `end`, which a region's workers took into a table at a moment."""

    region: str
    partner: str
    table: str
    begin: datetime
    end: datetime
    at: datetime


@dataclass(slots=True)
class Cursor:
    """Up to where a partner is imported; the flag's moment that was followed last."""

    at: datetime
    followed: str = ""


def set_up(world: World) -> None:
    """Make the flag: the cursors stay where they are."""
    for region in world.regions:
        found_flag(world, region, names.IMPORTS_FLAG, _ATTRIBUTES, _VALUE)


class PartnerImports:
    """The imports of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._tables, self._bindings = world, world.state(Tables), world.state(TableBindings)
        self._regions, self._mode, self._logs = world.state(Regions), world.state(ServiceMode), world.state(Logs)
        self._began = world.clock.now()
        self.cursors = {(region, name): Cursor(self._began) for region in world.regions for name in names.PARTNERS}
        self.imported: list[Imported] = []
        self._due = dict.fromkeys(world.regions, self._began)

    def tick(self, at: datetime) -> None:
        """Import what is new, where a worker works and may write."""
        for region in self._world.regions:
            if at < self._due[region] or self._regions.out(region, at, HALTING) or self._mode.level(region) != NORMAL:
                continue
            tasks = self._bindings.tasks(region, at)
            if not tasks:
                continue
            table = self._tables.find(region, tasks[0].table)
            if table is None or table.denies(self._tables.role_arn(names.WORKER_ROLE), "PutItem", at):
                continue
            self._due[region] = at + EVERY
            for partner in names.PARTNERS:
                self._import(region, partner, tasks[0].table, at)

    def _import(self, region: str, partner: str, table: str, at: datetime) -> None:
        cursor, flag = self.cursors[region, partner], self._mode.flag(region, names.IMPORTS_FLAG)
        if flag.get("enabled") and flag["at"] != cursor.followed:
            cursor.followed = str(flag["at"])
            cursor.at = min(cursor.at, datetime.fromisoformat(cursor.followed))
        self.imported.append(Imported(region, partner, table, cursor.at, at, at))
        cursor.at = at
        line = f'{{"event":"import","partner":"{partner}","cursor":"{precise(at)}"}}'
        self._logs.write(region, names.JOB_LOGS, at, line, "imports")

    def rewind(self, since: datetime) -> None:
        """Forget what was imported from then on, for a past that is told again."""
        self.imported = [each for each in self.imported if each.at < since]
        self._began = min(self._began, since)
        self._due = dict.fromkeys(self._world.regions, since)
        for at, cursor in self.cursors.items():
            ends = (each.end for each in self.imported if (each.region, each.partner) == at)
            cursor.at = max(ends, default=self._began)

    def missing_s(self, region: str, partner: str) -> float:
        """How much of a partner's time, in seconds, lies before its cursor and is not in the table that users see."""
        held, until, missing = self._held(self._bindings.in_use(region)), self._began, 0.0
        spans = sorted((each.begin, each.end) for each in held if (each.region, each.partner) == (region, partner))
        for begin, end in [*spans, (self.cursors[region, partner].at,) * 2]:
            missing += max(0.0, (begin - until).total_seconds())
            until = max(until, end)
        return missing

    def _held(self, table: str) -> list[Imported]:
        """What a table holds: what was imported into it, and what the one that it was restored from held then."""
        own = [each for each in self.imported if each.table == table]
        copies = [self._tables.find(region, table) for region in self._world.regions]
        origin = next((each.origin for each in copies if each and each.origin), None)
        if origin is None:
            return own
        source = origin.source_arn.rpartition("/")[2]
        return own + [each for each in self._held(source) if each.at <= origin.moment]
