"""Queries of Logs Insights under way: scheduled, running with a part of their results, over.

What a query finds is what can be found by its start. A query takes two seconds, and one more for each 20,000 lines.
Simplified: nothing is billed, and results are kept for ever (AWS keeps them for a week).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.services.logs.state import Line

WAITS, TAKES, LINES_A_SECOND = timedelta(seconds=0.3), timedelta(seconds=2), 20_000
TIMES_OUT = timedelta(minutes=60)
"""The longest that a query runs."""
AT_ONCE = 30
"""Queries that may be scheduled or running in a region; AWS's pages name 30 and 100."""
ACTIVE = ("Scheduled", "Running")


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A line that a query looks at: its log group as `account:name`, and what the API calls its pointer."""

    log: str
    line: Line
    pointer: str


Row = tuple[tuple[str, str], ...]
"""Pairs of a field and its value, without those that are missing."""
CarryOut = Callable[[Sequence[FoundLine]], list[Row]]
"""A query that compiled: what it makes of lines."""


@dataclass(slots=True, kw_only=True)
class QueryRun:
    """One query that was started. `ends_as` is what becomes of it if nobody stops it."""

    id: str
    text: str
    carry_out: CarryOut
    groups: tuple[str, ...]
    begun: datetime
    lines: tuple[FoundLine, ...]
    ends_as: str = "Complete"
    stopped: datetime | None = None
    rows: dict[int, list[Row]] = field(default_factory=dict)
    """Results by the number of lines that they are made of."""

    @property
    def ends(self) -> datetime:
        if self.ends_as == "Timeout":
            return self.begun + TIMES_OUT
        return self.begun + WAITS + TAKES + timedelta(seconds=len(self.lines) // LINES_A_SECOND)

    def status(self, at: datetime) -> str:
        """As the API shows it."""
        if self.stopped is not None:
            return "Cancelled"
        if at >= self.ends:
            return self.ends_as
        return "Running" if at >= self.begun + WAITS else "Scheduled"

    def results(self, at: datetime) -> tuple[list[Row], int]:
        """The rows at that moment, with the number of lines looked at: of a running query they are part of it."""
        status = self.status(at)
        share = {"Scheduled": 0.0, "Failed": 0.0, "Complete": 1.0}.get(status, 0.5)
        looked_at = int(len(self.lines) * share)
        if looked_at not in self.rows:
            self.rows[looked_at] = self.carry_out(self.lines[:looked_at])
        return self.rows[looked_at], looked_at


class Insights:
    """The queries of both regions, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._runs: dict[str, list[QueryRun]] = {region: [] for region in world.regions}
        self.ends_as = "Complete"
        """What becomes of the queries that start from now on: Complete, Failed or Timeout."""

    def start(
        self, region: str, text: str, carry_out: CarryOut, groups: Sequence[str], lines: Sequence[FoundLine]
    ) -> QueryRun:
        """Begin a query. Raises AwsError (LimitExceededException) while too many are under way."""
        now, runs = self._world.clock.now(), self._runs[region]
        if sum(run.status(now) in ACTIVE for run in runs) >= AT_ONCE:
            raise AwsError("LimitExceededException", f"Account maximum query concurrency limit of {AT_ONCE} reached.")
        drawn = f"{self._world.rng('insights query', region, len(runs)).getrandbits(128):032x}"
        name = "-".join((drawn[:8], drawn[8:12], drawn[12:16], drawn[16:20], drawn[20:]))
        runs.append(
            QueryRun(
                id=name,
                text=text,
                carry_out=carry_out,
                groups=tuple(groups),
                begun=now,
                lines=tuple(lines),
                ends_as=self.ends_as,
            )
        )
        return runs[-1]

    def get(self, region: str, name: str) -> QueryRun:
        """A query by its id. Raises AwsError (ResourceNotFoundException)."""
        for run in self._runs[region]:
            if run.id == name:
                return run
        raise AwsError("ResourceNotFoundException", f"Query with ID {name} does not exist.")

    def newest_first(self, region: str) -> list[QueryRun]:
        """All queries of a region."""
        return self._runs[region][::-1]

    def stop(self, run: QueryRun) -> None:
        """Cancel a query. Raises AwsError (InvalidParameterException) for one that is over."""
        now = self._world.clock.now()
        if run.status(now) not in ACTIVE:
            raise AwsError("InvalidParameterException", "Provided query ID is not running")
        run.stopped = now
