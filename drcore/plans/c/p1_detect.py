"""Plan C, what is noticed: a new version whose users see more crashes than they may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.errors import Missing
from drcore.plans.c import titles
from drcore.plans.c.crash_rates import CrashRate, crash_chart, limit, rates
from drcore.plans.c.facts import CRun
from drcore.plans.c.stores import BOTH, both
from drcore.plans.c.versions import release_of, stable_before, suspect
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.detection import detect
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table

# ── Detect ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The newest version of a store, since when users get it (None: the pipeline has not written it down)."""

    version: str
    released: datetime | None
    sources: tuple[CrashRate, ...] = field(compare=False)


def see_new_version(run: CRun, target: Target) -> NewVersion:
    version, now = suspect(run, target), run.clock.now()
    known = release_of(run, version)
    released = known.released if known else None
    window = timedelta(hours=run.facts.window_hours)
    if released and now - released > window:
        return NewVersion(version, released, ())
    since = max(released or now - window, now - window)
    return NewVersion(version, released, rates(run, target, version, since, now))


def a_bug_is_seen(run: CRun, target: Target, seen: NewVersion) -> Check:
    told = "; ".join(each.describe() for each in seen.sources)
    if any(each.is_proven_bad(run) for each in seen.sources):
        return yes(f"{seen.version} is below {run.facts.crash_free_percent:g} %: {told}")
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.bug:
        return yes(f"found by a person in {seen.version}: {run.incident.bug}")
    if not seen.sources:
        hours = run.facts.window_hours
        return no(f"{seen.version} is out since {seen.released:%Y-%m-%d %H:%M}, for more than {hours:g} hours")
    if any(each.can_tell(run) for each in seen.sources):
        return no(f"{seen.version} is not proven below {run.facts.crash_free_percent:g} %: {told}")
    least = f"at least {run.facts.minimum_users} users, of the last {run.facts.fresh_hours:g} hours, are wanted"
    return unknown(f"whether {seen.version} crashes cannot be told: {told}; {least}")


def show_new_version(run: CRun, states: Mapping[Target, NewVersion]) -> Iterator[Exhibit]:
    rows = tuple(
        (str(store), seen.version, *_columns(each), each.is_proven_bad(run))
        for store, seen in states.items()
        for each in seen.sources
    )
    percent = run.facts.crash_free_percent
    columns = ("store", "version", "source", "users", "off by", "crashed, %", "at least, %", "at most, %", "until")
    title = f"Crashes of the new versions: more than {limit(run):.2g} % is below {percent:g} % crash-free"
    yield Table("new-versions", title, (*columns, "proven"), rows)
    versions = {store: with_stable(run, seen.version) for store, seen in states.items()}
    yield crash_chart(run, "crashes", versions)


def with_stable(run: CRun, version: str) -> tuple[str, ...]:
    """A version with the stable one before it, where there is one, to compare. Raises Unknown, Rejected."""
    try:
        return (version, stable_before(run, version).version)
    except Missing:
        return (version,)


def _columns(rate: CrashRate) -> tuple[str, int, int, float | None, float | None, float | None, datetime | None]:
    return rate.source, rate.users, rate.off_by, rate.crashed, rate.low, rate.high, rate.until


DETECT = detect(
    titles.DETECT,
    changes="nothing: crash-free users of the newest version of each store, with its bounds",
    look=see_new_version,
    expect=a_bug_is_seen,
    targets=both,
    every=300,
    shows=show_new_version,
)


# ── Notify on-call ───────────────────────────────────────────────────────────────────────────────────────────────────


def affected(run: CRun) -> tuple[Target, ...]:
    """The stores whose new version is bad: where it is proven, or both where a person has found it and no rate tells.

    By the looks in the journal, so that a run that is opened again takes the same ones.
    """
    if "detected" not in run.moments:
        return ()
    proven = set[str]()
    for line in run.history.lines(Kind.LOOK, step=titles.DETECT):
        seen = DETECT.from_json(line["state"]) if line["state"] else None
        if seen and any(each.is_proven_bad(run) for each in seen.sources):
            proven.add(line["target"])
    return tuple(store for store in BOTH if str(store) in proven) or BOTH


def words_for_on_call(run: CRun) -> str:
    looked = run.result(titles.DETECT)
    if "detected" not in run.moments or looked is None:
        return ""
    return f"Critical bug in a new release of the app. {looked.why}"


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))


# ── Acknowledge ──────────────────────────────────────────────────────────────────────────────────────────────────────


ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


STEPS = (DETECT, NOTIFY, ACKNOWLEDGE)
