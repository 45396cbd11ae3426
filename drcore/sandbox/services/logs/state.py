"""CloudWatch Logs' groups with their lines, in the order of their times."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.lateness import Lateness, Told
from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World

Line = tuple[int, int, str, str, int]
"""Milliseconds since 1970, number, stream, text, when it came in (milliseconds)."""

Writing = Callable[[str, str, Line], None]
"""Told of each line that is written: region, group, line, which may still be one of the future."""


@dataclass(slots=True)
class LogGroup:
    """One log group; `lines` are sorted by time, then by number."""

    name: str
    created: int
    retention: int | None = None
    streams: dict[str, int] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    written: int = 0


class Logs:
    """The log groups of both regions."""

    def __init__(self, world: World) -> None:
        self._world, self._lateness = world, world.state(Lateness)
        self.groups: dict[str, dict[str, LogGroup]] = {}
        self._told: list[Writing] = []
        world.add_to_dump("logs", self._state)

    def create(self, region: str, group: str, retention: int | None = None) -> LogGroup:
        """The group of that name, made if it is new."""
        return self.groups.setdefault(region, {}).setdefault(group, LogGroup(group, self.now(), retention))

    def group(self, region: str, name: str) -> LogGroup:
        """A group by name or ARN. Raises AwsError (ResourceNotFoundException)."""
        group = self.groups.get(region, {}).get(name.removesuffix(":*").rpartition(":")[2])
        if group is None:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        return group

    def write(self, region: str, group: str, at: datetime, line: str, stream: str = "main") -> None:
        """Write a line, whose group and stream are made if they are new; one of the future shows when it is time."""
        known, moment = self.create(region, group), millis(at)
        known.streams.setdefault(stream, moment)
        known.written += 1
        entry = (moment, known.written, stream, line, max(moment, self.now()))
        if not known.lines or known.lines[-1] <= entry:
            known.lines.append(entry)
        else:
            known.lines.insert(bisect_right(known.lines, entry), entry)
        for tell in self._told:
            tell(region, group, entry)

    def on_write(self, fn: Writing) -> None:
        """Tell `fn` of each line from now on."""
        self._told.append(fn)

    def lines(self, group: LogGroup, since: int | None = None, until: int | None = None) -> list[Line]:
        """The lines from `since` to `until` (milliseconds, both inclusive) that can be found by now."""
        now = self.now()
        last = min(now, until if until is not None else now)
        begin = 0 if since is None else bisect_left(group.lines, (since,))
        lines = group.lines[begin : bisect_right(group.lines, (last, group.written + 1))]
        found_before = now - 1000 * self._lateness.most(Told.LOG_LINE)
        return [line for line in lines if line[4] <= found_before or self._found_at(group, line) <= now]

    def _found_at(self, group: LogGroup, line: Line) -> float:
        """When a line can be found, in milliseconds since 1970: as late as those of the same stream and second."""
        second = line[4] // 1000
        return line[4] + 1000 * self._lateness.seconds(Told.LOG_LINE, second, group.name, line[2], second)

    def forget(self, region: str, group: str, since: datetime) -> None:
        """Take away the lines since that moment, for a past that is told again."""
        known = self.create(region, group)
        del known.lines[bisect_left(known.lines, (millis(since),)) :]

    def now(self) -> int:
        """The virtual moment in milliseconds."""
        return millis(self._world.clock.now())

    def _state(self) -> dict[str, Any]:
        """Without the lines, as a metric is without its samples."""
        return {region: {g.name: g.retention for g in groups.values()} for region, groups in self.groups.items()}


def millis(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    return int(at.timestamp() * 1000)
