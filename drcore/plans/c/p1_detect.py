"""Plan C, what is noticed: a new version whose users see more crashes than they may, or report that data is lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.errors import Missing
from drcore.plans.c import resources, titles
from drcore.plans.c.crash_rates import CrashRate, crash_chart, limit, rates
from drcore.plans.c.facts import CRun
from drcore.plans.c.loss_reports import LossReports, reports_of_loss
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

    version: str = field(metadata=label("version"))
    released: datetime | None = field(metadata=label("released"))
    sources: tuple[CrashRate, ...] = field(compare=False)
    lost_data: LossReports = field(compare=False, metadata=label("reports of lost data"))

    def is_proven_bad(self, run: CRun) -> bool:
        """Whether it is below the objective, or enough users have reported that their data is lost."""
        return any(each.is_proven_bad(run) for each in self.sources) or self.lost_data.are_enough(run)


def see_new_version(run: CRun, target: Target) -> NewVersion:
    version, now = suspect(run, target), run.clock.now()
    known = release_of(run, version)
    released = known.released if known else None
    window = timedelta(hours=run.facts.window_hours)
    if released and now - released > window:
        return NewVersion(version, released, (), LossReports(0))
    since = max(released or now - window, now - window)
    lost = reports_of_loss(run, target, version, since)
    return NewVersion(version, released, rates(run, target, version, since, now), lost)


def a_bug_is_seen(run: CRun, target: Target, seen: NewVersion) -> Check:
    text = "; ".join(each.describe() for each in seen.sources)
    if seen.lost_data.are_enough(run):
        return yes(f"{seen.version} loses data: {seen.lost_data.describe()}")
    if any(each.is_proven_bad(run) for each in seen.sources):
        return yes(f"{seen.version} is below {run.facts.crash_free_percent:g} %: {text}")
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.bug:
        return yes(f"found by a person in {seen.version}: {run.incident.bug}")
    if not seen.sources:
        hours = run.facts.window_hours
        return no(f"{seen.version} is out since {seen.released:%Y-%m-%d %H:%M}, for more than {hours:g} hours")
    if seen.lost_data.missing:
        return unknown(f"whether {seen.version} loses data cannot be told: {seen.lost_data.missing}; {text}")
    if any(each.can_tell(run) for each in seen.sources):
        return no(f"{seen.version} is not proven below {run.facts.crash_free_percent:g} %: {text}")
    least = f"at least {run.facts.minimum_users} users, of the last {run.facts.fresh_hours:g} hours, are wanted"
    return unknown(f"whether {seen.version} crashes cannot be told: {text}; {least}")


def show_new_version(run: CRun, states: Mapping[Target, NewVersion]) -> Iterator[Exhibit]:
    rows = tuple(
        (str(store), seen.version, *_columns(each), each.is_proven_bad(run))
        for store, seen in states.items()
        for each in seen.sources
    )
    losses = tuple(
        (str(store), seen.version, seen.lost_data.tickets, run.facts.lost_data.least, seen.lost_data.missing)
        for store, seen in states.items()
    )
    percent = run.facts.crash_free_percent
    columns = ("store", "version", "source", "users", "off by", "crashed, %", "at least, %", "at most, %", "until")
    title = f"Crashes of the new versions: more than {limit(run):.2g} % is below {percent:g} % crash-free"
    yield Table("new-versions", title, (*columns, "proven"), rows)
    heading = (
        f"Reports of lost data, {run.facts.lost_data.category}: {run.facts.lost_data.least} of a version are a trigger"
    )
    yield Table("lost-data", heading, ("store", "version", "reports", "trigger", "not known, as"), losses)
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
    changes="nothing: crash-free users of each store's newest version, with its bounds; reports of lost data",
    look=see_new_version,
    expect=a_bug_is_seen,
    targets=both,
    every=300,
    shows=show_new_version,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.support_key),
)


# ── Notify on-call ───────────────────────────────────────────────────────────────────────────────────────────────────


def affected(run: CRun) -> tuple[Target, ...]:
    """The stores whose new version is bad: where it is proven, or both where a person has found it and nothing tells.

    A release that loses data does so in both stores: where one of them has too few reports, nothing clears it. By the
    looks in the journal, so that a run that is opened again takes the same ones. Raises Unknown, Rejected where a store
    that no look has seen cannot say which version it has.
    """
    if "detected" not in run.moments:
        return ()
    proven, losing = set[str](), set[str]()
    for line in run.history.lines(Kind.LOOK, step=titles.DETECT):
        seen: NewVersion | None = DETECT.from_json(line["state"]) if line["state"] else None
        if seen and seen.is_proven_bad(run):
            proven.add(line["target"])
        if seen and seen.lost_data.are_enough(run):
            losing.add(seen.version)
    bad = (store for store in BOTH if str(store) in proven or (losing and suspect(run, store) in losing))
    return tuple(bad) or BOTH


def words_for_on_call(run: CRun) -> str:
    looked = run.result(titles.DETECT)
    if "detected" not in run.moments or looked is None:
        return ""
    return f"Critical bug in a new release of the app. {looked.why}"


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))


# ── Acknowledge ──────────────────────────────────────────────────────────────────────────────────────────────────────


ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


STEPS = (DETECT, NOTIFY, ACKNOWLEDGE)
