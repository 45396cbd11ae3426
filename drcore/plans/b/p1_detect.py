"""Plan B, what is noticed: the AI service fails; whether the sync jobs bear it as the design promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, not_needed, unknown, yes
from drcore.engine.step import Patience, Step, regions
from drcore.errors import Rejected, Unknown
from drcore.plans.b import health, titles
from drcore.plans.b.facts import BRun
from drcore.plans.b.health import AiSignals
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.detection import detect, since_its_alarm
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.evidence import Cell, Exhibit, Table

_Z = 1.645  # one side, 95 %

# ── Detect ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def see_signals(run: BRun, target: Target) -> AiSignals:
    return health.read_signals(run, target.region, run.facts.window_minutes)


def trouble_is_seen(run: BRun, target: Target, signals: AiSignals) -> Check:
    troubles = health.trouble(run, signals)
    if troubles:
        return yes("; ".join(troubles))
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.found:
        return yes(f"found by a person: {run.incident.found}")
    if signals.conflicts < run.facts.minimum_sample:
        return unknown(f"{signals.conflicts} conflicts were measured: no traffic is not the same as no failure")
    if signals.doubt:
        return unknown(f"nothing is wrong, but {signals.doubt}: that is not the same as no alarm that is on")
    return no(f"no trouble: {signals.fallback_percent} % of {signals.conflicts} conflicts resolved without the AI")


def show_trouble(run: BRun, states: Mapping[Target, AiSignals]) -> Iterator[Exhibit]:
    yield health.alarm_history(run, "alarm-history")
    minutes = run.facts.window_minutes
    yield health.signals_table("detected-signals", f"The AI service over the last {minutes:g} minutes", states)
    yield health.chart(run, "detected-fallbacks")
    yield health.latency_chart(run, "detected-p99")


DETECT = detect(
    titles.DETECT,
    changes="nothing: alarms, fallbacks, timeouts, errors and latency of the endpoint are read",
    look=see_signals,
    expect=trouble_is_seen,
    targets=regions,
    every=30,
    shows=show_trouble,
    at=since_its_alarm,
)


# ── Graceful degradation ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Degradation:
    """The sync jobs before the harm, and since. None: there is no harm to be seen, or nothing was measured."""

    since: datetime | None = field(metadata=label("harm since"))
    jobs_before: int = field(metadata=label("jobs before"))
    failed_before: int = field(metadata=label("of these failed"))
    jobs: int = field(metadata=label("jobs since"))
    failed: int = field(metadata=label("of these failed since"))
    conflicts: int = field(metadata=label("conflicts since"))
    fallbacks: int = field(metadata=label("fallbacks since"))

    def more(self) -> tuple[float, float] | None:
        """By how much more of the jobs fail since, in percent: at least, at most, with 95 % each.

        None where either side has no job.
        """
        if not self.jobs_before or not self.jobs:
            return None
        before, now = self.failed_before / self.jobs_before, self.failed / self.jobs
        spread = sqrt(_variance(self.failed_before, self.jobs_before) + _variance(self.failed, self.jobs))
        return 100 * (now - before - _Z * spread), 100 * (now - before + _Z * spread)


def _variance(failed: int, jobs: int) -> float:
    share = (failed + 1) / (jobs + 2)  # no failure among few jobs does not mean that none can fail
    return share * (1 - share) / jobs


def see_degradation(run: BRun, target: Target) -> Degradation:
    return read_degradation(run, target.region)


def read_degradation(run: BRun, region: str) -> Degradation:
    """The sync jobs of a region before the harm, and since. Raises Unknown, Rejected."""
    since = health.harm_since(run, region)
    if since is None:
        return Degradation(None, 0, 0, 0, 0, 0, 0)
    begin = since - timedelta(minutes=run.facts.baseline_minutes)
    conflicts, fallbacks, _, jobs, failed = run.metrics.read(region, health.job_metrics(run), begin)
    before = [int(points.within(begin, since).total or 0) for points in (jobs, failed)]
    then = [int(p.within(since, run.metrics.until).total or 0) for p in (jobs, failed, conflicts, fallbacks)]
    return Degradation(since, *before, *then)


def is_graceful(run: BRun, target: Target, seen: Degradation) -> Check:
    if seen.since is None and "detected" in run.moments and not run.incident.found:
        return unknown("trouble was detected, and no minute whose metrics are whole shows its harm yet")
    if seen.since is None:
        return not_needed("no minute of the last hour had more fallbacks than usual: there is nothing to prove")
    more, limit = seen.more(), run.facts.thresholds.core_percent
    if more is None:
        return unknown(f"{seen.jobs_before} jobs before and {seen.jobs} since were measured: too few to compare")
    least, most = more
    text = (
        f"{100 * seen.failed / seen.jobs:.2f} % of {seen.jobs} sync jobs fail since {seen.since:%H:%M}, "
        f"{100 * seen.failed_before / seen.jobs_before:.2f} % of {seen.jobs_before} before"
    )
    if most <= limit:
        return yes(f"core sync is unaffected: {text}; at most {most:.2f} % more (95 %), {limit:g} % are borne")
    if least > 0:
        return never(f"CORE SYNC SUFFERS, the degradation is not graceful: {text}; at least {least:.2f} % more (95 %)")
    return unknown(f"{text}: between {least:.2f} and {most:.2f} % more, which may be chance or harm")


def show_degradation(run: BRun, states: Mapping[Target, Degradation]) -> Iterator[Exhibit]:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            target.region,
            seen.since,
            seen.jobs_before,
            seen.failed_before,
            seen.jobs,
            seen.failed,
            seen.conflicts,
            seen.fallbacks,
            *(round(each, 3) for each in seen.more() or ()),
        )
        for target, seen in states.items()
        if seen.since and seen.more()
    )
    columns = (
        *("region", "harm since", "jobs before", "failed before", "jobs since", "failed since", "conflicts since"),
        *("fallbacks since", "more failures, at least %", "more failures, at most %"),
    )
    yield Table("graceful-degradation", "Sync jobs before the AI service failed, and since", columns, rows)


GRACEFUL = Step(
    titles.GRACEFUL,
    changes="nothing: asks whether sync jobs succeed as before while conflicts fall back to Prioritize Source",
    look=see_degradation,
    expect=is_graceful,
    targets=regions,
    gate=False,
    only_tells=True,
    patience=Patience(
        within=lambda run: 180 + run.metrics.delay_s, every=60
    ),  # what cannot be told yet: each minute brings more jobs
    shows=show_degradation,
)


def core_suffers(run: BRun) -> list[str]:
    """In which regions it was seen that core sync suffers, with what was seen; empty: in none."""
    looked = run.result(titles.GRACEFUL)
    seen: dict[Target, Degradation] = looked.states if looked else {}
    if not looked:
        for target in regions(run):
            try:
                seen[target] = see_degradation(run, target)
            except (Unknown, Rejected):
                continue
    return [
        f"{target.region}: {100 * state.failed / state.jobs:.1f} % of the sync jobs fail"
        for target, state in seen.items()
        if (more := state.more()) and more[0] > 0 and more[1] > run.facts.thresholds.core_percent
    ]


# ── Notify on-call ───────────────────────────────────────────────────────────────────────────────────────────────────


def words_for_on_call(run: BRun) -> str:
    if "detected" not in run.moments:
        return ""
    suffers = core_suffers(run)
    first = f"CORE SYNC SUFFERS ({'; '.join(suffers)})" if suffers else "Conflicts fall back to Prioritize Source"
    regional = [f"{region}: {'; '.join(_trouble(run, region)) or 'quiet now'}" for region in run.service.regions]
    return f"The AI Insights Service fails. {first}. {'. '.join(regional)}"


def _trouble(run: BRun, region: str) -> list[str]:
    try:
        return health.trouble(run, health.read_signals(run, region, run.facts.window_minutes))
    except (Unknown, Rejected) as error:
        return [f"cannot be read: {error}"]


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))

ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


STEPS = (DETECT, GRACEFUL, NOTIFY, ACKNOWLEDGE)
