"""Plan C, meanwhile: what users are told, what is known of the cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, not_needed, yes
from drcore.engine.step import Patience, Step
from drcore.plans.c import public_words, titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.p1_detect import affected
from drcore.plans.c.traces import TracedVersion, shown_traces, traced
from drcore.plans.c.versions import suspect
from drcore.plans.shared.status_page import investigating
from drcore.record.evidence import Chart, Exhibit, Series, Table
from drcore.services import logs
from drcore.services.logs import LogQuery, LogRow

_QUERY = (
    "stats sum(reports) as crashes by platform, version, error | sort crashes desc | limit 20"  # numbers in the lines
)

_BY_HOUR = "stats sum(reports) as crashes by bin(1h), platform, version"


# ── Tell users that we investigate ───────────────────────────────────────────────────────────────────────────────────


def words_investigating(run: CRun) -> str:
    return public_words.INVESTIGATING if "detected" in run.moments else ""


INVESTIGATING = investigating(
    titles.INVESTIGATING,
    words_investigating,
    needs=(titles.DETECT,),
    headline="A problem in the newest version of the app",
)


# ── Triage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TopError:
    """One kind of error in one version: how often it was reported."""

    platform: str
    version: str
    error: str
    crashes: int

    def describe(self) -> str:
        return f"{self.platform} {self.version}: {self.error}, {self.crashes} crashes"


@dataclass(frozen=True, slots=True)
class HourOfErrors:
    """The crashes of one version that were reported within an hour, from `at` on."""

    at: datetime
    platform: str
    version: str
    crashes: int

    def describe(self) -> str:
        return f"{self.at:%H:%M} {self.platform} {self.version}: {self.crashes}"


@dataclass(frozen=True, slots=True)
class Errors:
    """The errors that were reported most often, of all versions; what traces tell of the bad ones."""

    top: tuple[TopError, ...] = field(metadata=label("top"))
    hours: tuple[HourOfErrors, ...] = field(default=(), metadata=label("by the hour"))
    traced: tuple[TracedVersion, ...] = field(default=(), metadata=label("traces"))


def see_errors(run: CRun, target: Target) -> Errors:
    if "detected" not in run.moments:
        return Errors(())
    bad = dict.fromkeys(suspect(run, store) for store in affected(run))
    return Errors(*reported(run), tuple(traced(run, version) for version in bad))


def reported(run: CRun) -> tuple[tuple[TopError, ...], tuple[HourOfErrors, ...]]:
    """The errors that were reported most often, all of them by the hour. Raises Unknown, Rejected."""
    where, now = run.facts.crash_logs, run.clock.now()
    until = now - timedelta(seconds=logs.SEARCHABLE_S)
    queries = [LogQuery(where.region, (where.group,), text) for text in (_QUERY, _BY_HOUR)]
    since = now - timedelta(hours=run.facts.window_hours)
    top, hours = logs.insights(run.aws, run.clock, queries, since, until, within=60)
    return tuple(_top(row) for row in top), tuple(filter(None, map(_hour, hours)))


def _hour(row: LogRow) -> HourOfErrors | None:
    at = row.moment("bin(1h)")
    platform, version = (row.text(name) or "not told" for name in ("platform", "version"))
    return HourOfErrors(at, platform, version, int(row.number("crashes") or 0)) if at else None


def _top(row: LogRow) -> TopError:
    platform, version, error = (row.text(name) or "not told" for name in ("platform", "version", "error"))
    return TopError(platform, version, error, int(row.number("crashes") or 0))


def is_triaged(run: CRun, target: Target, seen: Errors) -> Check:
    if "detected" not in run.moments:
        return not_needed("no trouble was seen, there is nothing to triage")
    text = "; ".join(each.describe() for each in seen.traced)
    if not seen.top:
        return yes(f"no crash was reported: the cause lies elsewhere, or reports do not come in; {text}")
    return yes(f"most often: {seen.top[0].describe()}; {text}")


def show_errors(run: CRun, states: Mapping[Target, Errors]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows = tuple((each.platform, each.version, each.error, each.crashes) for each in seen.top)
        first = f"most often {seen.top[0].error} in {seen.top[0].version}" if seen.top else "none was reported"
        title = f"Crashes by version and error, last {run.facts.window_hours:g} hours: {first}"
        yield Table("top-errors", title, ("platform", "version", "error", "crashes"), rows)
        yield _by_hour(run, seen.hours)
        yield from shown_traces(seen.traced)


def _by_hour(run: CRun, hours: Sequence[HourOfErrors]) -> Chart:
    """The crashes by version, a panel a platform. An hour without a report is a zero: the library sends in batches."""
    times = tuple(sorted({each.at for each in hours}))
    counted = {(each.platform, each.version, each.at): each.crashes for each in hours}
    series = tuple(
        Series(version, times, tuple(float(counted.get((platform, version, at), 0)) for at in times), platform)
        for platform, version in dict.fromkeys((each.platform, each.version) for each in hours)
    )
    worst = max(hours, key=lambda hour: hour.crashes, default=None)
    text = f"{worst.crashes} of {worst.version} on {worst.platform} at most" if worst else "none was reported"
    title = f"Crashes that were reported, by version and hour: {text}"
    return Chart("errors-by-version", title, "crashes an hour", series, (), run.marks())


TRIAGE = Step(
    titles.TRIAGE,
    changes="nothing: the errors by version, faulty traces and the map of their services are read",
    look=see_errors,
    expect=is_triaged,
    needs=(titles.DETECT,),
    gate=False,
    only_tells=True,
    words=lambda run: f"the errors by version, in {run.facts.crash_logs.group}",
    patience=Patience(within=60, every=10),
    shows=show_errors,
)


STEPS = (INVESTIGATING, TRIAGE)
