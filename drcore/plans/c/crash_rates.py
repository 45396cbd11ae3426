"""How often versions of the app crash, with what that is worth: bounds, numbers of users, how fresh the data is.

A rate is of users in an hour of use, in Google's vitals and in the export of crash reporting. One of few users means
little: what counts is the bound of its 95 % confidence interval (Wilson's), with Google's rounding of users taken off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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
    """Wilson's interval for a share (0 to 1) that was seen among so many users; 0 to 1 where there were none."""
    if users <= 0:
        return 0.0, 1.0
    spread = _Z * _Z / users
    middle = (crashed + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(crashed * (1 - crashed) / users + spread / users / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def rates(run: CRun, store: Target, version: str, since: datetime, until: datetime) -> tuple[CrashRate, ...]:
    """What each source says of a version in a span. A source that cannot be asked says so; none is left out."""
    told = [_export(run, store, version, since, until)]
    if store == PLAY:
        told.append(_vitals(run, version, since, until))
    return tuple(told)


def export(run: CRun, store: Target, version: str, since: datetime, until: datetime) -> CrashRate:
    """What the export says of a version. Raises Unknown, Rejected."""
    active, crashed = exported(run, store, (version,), since, until)[version]
    users, count = round(active.total or 0), crashed.total or 0
    newest = active.times[-1] + timedelta(minutes=1) if active.times else None
    return _rate(EXPORT, users, 0, count / users if users else None, newest)


def exported(
    run: CRun, store: Target, versions: Sequence[str], since: datetime, until: datetime
) -> dict[str, tuple[Points, Points]]:
    """Active users and those whose app crashed, by version, as they were exported. Raises Unknown, Rejected."""
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
    read = iter(cloudwatch.minutes(run.aws, where.region, asked, since, until))
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


def crash_free_chart(run: CRun, name: str, stores: Iterable[Target], versions: Mapping[Target, Sequence[str]]) -> Chart:
    """Crash-free users by version and hour, with the bound of the first version, a panel a store."""
    now, drawn = run.clock.now(), list[Series]()
    for store in stores:
        of_store = tuple(dict.fromkeys(versions[store]))
        read = exported(run, store, of_store, now - timedelta(hours=run.facts.window_hours), now)
        for number, version in enumerate(of_store):
            hours = _by_hour(*read[version])
            times = tuple(hours)
            free = tuple(100 - 100 * crashed / active for active, crashed in hours.values())
            drawn.append(Series(version, times, free, str(store)))
            if number == 0:
                best = (100 - 100 * bounds(crashed / active, active)[0] for active, crashed in hours.values())
                drawn.append(Series(f"{version}, at most", times, tuple(best), str(store)))
    objective = run.facts.crash_free_percent
    return Chart(
        name,
        _headline(drawn, objective),
        "crash-free users, %",
        tuple(drawn),
        (Limit(f"objective {objective:g} %", objective),),
        run.marks(),
    )


def _by_hour(active: Points, crashed: Points) -> dict[datetime, tuple[float, float]]:
    """Active users and crashed ones of each hour in which there were any."""
    hours: dict[datetime, tuple[float, float]] = {}
    for at, users in active.by_time.items():
        hour = _whole_hour(at)
        before = hours.get(hour, (0.0, 0.0))
        hours[hour] = (before[0] + users, before[1] + crashed.by_time.get(at, 0.0))
    return {hour: counts for hour, counts in hours.items() if counts[0]}


def _headline(drawn: Sequence[Series], objective: float) -> str:
    bad = [each for each in drawn if each.label.endswith("at most") and any(_below(each, objective))]
    if not any(each.times for each in drawn):
        return "Crash-free users: nothing was exported"
    if not bad:
        return f"Crash-free users: no version is proven to be below {objective:g} % in any hour"
    worst = min(bad, key=lambda each: min(value for value in each.values if value is not None))
    version = worst.label.partition(",")[0]
    hours = sum(_below(worst, objective))
    return f"Crash-free users: {version} on {worst.panel} is proven below {objective:g} % in {hours} hours"


def _below(series: Series, objective: float) -> list[bool]:
    return [value is not None and value < objective for value in series.values]
