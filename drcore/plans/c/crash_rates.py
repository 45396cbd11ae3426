"""How often versions of the app crash, with what that is worth: bounds, numbers of users, how fresh the data is.

A rate is of users in an hour of use, in Google's vitals and in the export of crash reporting. One of few users means
little: what counts is the bound of its 95 % confidence interval (Wilson's), with Google's rounding of users taken off.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.engine.outcome import Target
from drcore.errors import Unknown
from drcore.plans.c.facts import CRun
from drcore.plans.c.stores import PLAY, google_play
from drcore.plans.c.versions import code_of
from drcore.record.evidence import Chart, Limit, Series
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric, Points
from drcore.services.play import vitals

EXPORT, VITALS = "crash reporting's export", "Google Play's vitals"
_Z = 1.96  # standard deviations: 95 of 100
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CrashRate:
    """What one source says of a version. `users` are active ones, hour by hour; `off_by` is what rounding may hide.

    `crashed` is the share whose app crashed, in percent, `low` to `high` its bounds; None: nobody was seen. `until` is
    the end of what the source knows; None: it knows nothing. `missing` says why it could not be asked, else empty.
    """

    source: str
    users: int = 0
    off_by: int = field(default=0, metadata=label("users off by"))
    crashed: float | None = field(default=None, metadata=label("crashed", unit="%"))
    low: float | None = field(default=None, metadata=label("at least", unit="%"))
    high: float | None = field(default=None, metadata=label("at most", unit="%"))
    until: datetime | None = field(default=None, metadata=label("known until"))
    missing: str = ""

    def describe(self) -> str:
        if self.missing:
            return f"{self.source}: {self.missing}"
        if self.crashed is None or self.low is None or self.high is None:
            return f"{self.source}: nobody was seen with it"
        known = f", known until {self.until:%m-%d %H:%M}" if self.until else ""
        bounds = f"{100 - self.high:.3f} to {100 - self.low:.3f} %"
        return f"{self.source}: {100 - self.crashed:.3f} % crash-free ({bounds}) of {self.users} users{known}"

    def is_fresh(self, run: CRun) -> bool:
        """Whether what it knows is new enough to be judged."""
        return self.until is not None and run.clock.now() - self.until <= timedelta(hours=run.facts.fresh_hours)

    def can_tell(self, run: CRun) -> bool:
        """Whether it is fresh, and of enough users."""
        return self.high is not None and self.is_fresh(run) and self.users - self.off_by >= run.facts.minimum_users

    def is_proven_bad(self, run: CRun) -> bool:
        """Whether the crash-free rate is below its objective, whatever chance and rounding hide."""
        return self.can_tell(run) and self.low is not None and self.low > limit(run)

    def is_proven_good(self, run: CRun) -> bool:
        """Whether the crash-free rate keeps its objective, whatever chance and rounding hide."""
        return self.can_tell(run) and self.high is not None and self.high <= limit(run)


def limit(run: CRun) -> float:
    """The users whose app may crash, in percent."""
    return 100 - run.facts.crash_free_percent


def bounds(crashed: float, users: float) -> tuple[float, float]:
    """Wilson's interval for a share (0 to 1) that was seen among so many users; 0 to 1 where there were none.

    With its correction for continuity (Newcombe): without it a few crashes by chance count for too much.
    """
    if users <= 0:
        return 0.0, 1.0
    square, doubled = _Z * _Z, 2 * users * crashed
    below = square - 2 - 1 / users + 4 * crashed * (users * (1 - crashed) + 1)
    above = square + 2 - 1 / users + 4 * crashed * (users * (1 - crashed) - 1)
    whole = 2 * (users + square)
    low = (doubled + square - 1 - _Z * math.sqrt(max(0.0, below))) / whole
    high = (doubled + square + 1 + _Z * math.sqrt(max(0.0, above))) / whole
    return max(0.0, low) if crashed else 0.0, min(1.0, high) if crashed < 1 else 1.0


def rates(run: CRun, store: Target, version: str, since: datetime, until: datetime) -> tuple[CrashRate, ...]:
    """What each source says of a version in a span. A source that cannot be asked says so; none is left out."""
    parts = [_export(run, store, version, since, until)]
    if store == PLAY:
        parts.append(_vitals(run, version, since, until))
    return tuple(parts)


def export(run: CRun, store: Target, version: str, since: datetime, until: datetime) -> CrashRate:
    """What the export says of a version. Raises Unknown, Rejected."""
    active, crashed = exported(run, store, (version,), since, until)[version]
    users, count = round(active.total or 0), crashed.total or 0
    newest = active.times[-1] + timedelta(minutes=1) if active.times else None
    return _rate(EXPORT, users, 0, count / users if users else None, newest)


def exported(
    run: CRun, store: Target, versions: Sequence[str], since: datetime, until: datetime
) -> dict[str, tuple[Points, Points]]:
    """Active users and those whose app crashed, by version, as they were exported. Raises Unknown, Rejected.

    Only of minutes that are whole, as of any metric. That an older one changes is no sign that metrics are late: the
    export fills in what devices report later, so that what it says is dated by its newest minute.
    """
    where = run.facts.crashes
    platform = where.google_play if store == PLAY else where.app_store
    asked = [
        Metric(
            where.namespace,
            where.metric,
            stat,
            (("Platform", platform), ("VersionCode", str(code_of(run, version)))),
        )
        for version in versions
        for stat in ("SampleCount", "Sum")
    ]
    read = iter(cloudwatch.minutes(run.aws, where.region, asked, since, min(until, run.metrics.until)))
    return {version: (next(read), next(read)) for version in versions}


def _export(run: CRun, store: Target, version: str, since: datetime, until: datetime) -> CrashRate:
    try:
        return export(run, store, version, since, until)
    except Unknown as error:
        return CrashRate(EXPORT, missing=str(error))


def _vitals(run: CRun, version: str, since: datetime, until: datetime) -> CrashRate:
    play, code = google_play(run), code_of(run, version)
    try:
        fresh = vitals.fresh_until(play, "HOURLY")
        begin, end = _whole_hour(since), min(_whole_hour(until), fresh)
        rows = vitals.crash_rates(play, "HOURLY", begin, end, (code,)) if begin < end else ()
    except Unknown as error:
        return CrashRate(VITALS, missing=str(error))
    users, off_by = sum(row.users for row in rows), sum(row.users_off_by for row in rows)
    crashed = sum(row.rate * row.users for row in rows) / users if users else None
    return _rate(VITALS, users, off_by, crashed, fresh)


def _rate(source: str, users: int, off_by: int, crashed: float | None, until: datetime | None) -> CrashRate:
    if crashed is None:
        return CrashRate(source, users, off_by, until=until)
    low, high = bounds(crashed, users - off_by)
    percent, least, most = (round(100 * each, 4) for each in (crashed, low, high))
    return CrashRate(source, users, off_by, percent, least, most, until)


def _whole_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


# ── charts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def crash_chart(
    run: CRun, name: str, versions: Mapping[Target, Sequence[str]], *, proves_good: Collection[Target] = ()
) -> Chart:
    """Users whose app crashed by version and hour, a panel a store: near 100 % nothing could be told apart.

    With the bound of the first version: the most that it may be in the stores where it is to be proven good; else,
    where no store is among them, the least.
    """
    now, drawn, most = run.clock.now(), list[Series](), limit(run)
    above: dict[str, int] = {}  # hours in which a version is proven to be so
    bound = "at most" if proves_good else "at least"
    for store, named in versions.items():
        of_store = tuple(dict.fromkeys(named))
        read = exported(run, store, of_store, now - timedelta(hours=run.facts.window_hours), now)
        for number, version in enumerate(of_store):
            hours = _by_hour(*read[version])
            spans = [bounds(crashed / active, active) for active, crashed in hours.values()]
            above[f"{version} on {store}"] = sum(100 * low > most for low, _ in spans)
            shares = (100 * crashed / active for active, crashed in hours.values())
            drawn.append(Series(version, tuple(hours), tuple(shares), str(store)))
            if number == 0 and (store in proves_good or not proves_good):
                edges = tuple(100 * span[bool(proves_good)] for span in spans)
                drawn.append(Series(f"{version}, {bound}", tuple(hours), edges, str(store)))
    objective = f"{most:.2g} %, {run.facts.crash_free_percent:g} % crash-free"
    title = _headline(above, objective) if any(each.times for each in drawn) else "Crashes: nothing was exported"
    return Chart(name, title, "users whose app crashed, %", tuple(drawn), (Limit(objective, most),), run.marks())


def _by_hour(active: Points, crashed: Points) -> dict[datetime, tuple[float, float]]:
    """Active users and crashed ones of each hour in which there were any."""
    hours: dict[datetime, tuple[float, float]] = {}
    for at, users in active.by_time.items():
        hour = _whole_hour(at)
        before = hours.get(hour, (0.0, 0.0))
        hours[hour] = (before[0] + users, before[1] + crashed.by_time.get(at, 0.0))
    return {hour: counts for hour, counts in hours.items() if counts[0]}


def _headline(above: Mapping[str, int], objective: str) -> str:
    parts = [f"{what} in {hours} hours" for what, hours in above.items() if hours]
    if not parts:
        return f"Crashes: no version is proven above {objective}, in any hour"
    return f"Crashes: proven above {objective}: {', '.join(parts)}"
