"""Plan C, the proof: nobody gets the bad version, everybody gets one that is proven to be good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.clock import parse_time
from drcore.engine.labels import label
from drcore.engine.outcome import Between, Check, StepResult, Target, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step
from drcore.plans.c import public_words, titles
from drcore.plans.c.crash_rates import CrashRate, crash_chart, export, exported
from drcore.plans.c.facts import CRun
from drcore.plans.c.loss_reports import LossReports, reports_of_loss
from drcore.plans.c.off_sale import back_on_sale
from drcore.plans.c.p1_detect import NewVersion, a_bug_is_seen, see_new_version, with_stable
from drcore.plans.c.p4_decide import decided, is_to_be_replaced, stores_to_replace
from drcore.plans.c.p5_replace import see_recovery
from drcore.plans.c.recovery_curve import CurvePoint, recovery_curve
from drcore.plans.c.stores import BOTH, PLAY, app_store, google_play
from drcore.plans.c.versions import live_on_ios, suspect, version_of
from drcore.plans.shared.status_page import resolved
from drcore.record.events import Kind
from drcore.record.evidence import Chart, Exhibit, Limit, Series
from drcore.services.appstore.versions import store_versions
from drcore.services.play.recovery import RecoveryAction
from drcore.services.play.tracks import PlayTrack, read_track, reviews

_LATELY = timedelta(hours=1)

# ── Verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Adopted:
    """What a store gives to everybody now, how good that is, how many still use the bad version.

    `bad_percent` is of the users who were active in the last hour that was exported; None: nobody was seen.
    """

    replacement: str = field(metadata=label("good version"))
    bad: str = field(metadata=label("bad version"))
    given: tuple[str, ...] = field(metadata=label("given to users now"))
    rate: CrashRate = field(metadata=label("rate"))
    lost_data: LossReports = field(metadata=label("reports of data that it lost"))
    bad_percent: float | None = field(metadata=label("of the active users still have the bad one", unit="%"))
    good_percent: float | None = field(default=None, metadata=label("of the active users have the good one", unit="%"))
    recovery: RecoveryAction = field(default=RecoveryAction(), metadata=label("recovery by Google"))
    harmed: int = field(default=0, compare=False, metadata=label("users whose app crashed in the bad one"))
    harmed_since: int = field(default=0, compare=False, metadata=label("of them since the halt"))
    usual: NewVersion | None = field(default=None, metadata=label(""))
    published: datetime | None = field(default=None, compare=False, metadata=label("out since"))
    earliest: datetime | None = field(default=None, compare=False, metadata=label("at the earliest"))


def see_adoption(run: CRun, target: Target) -> Adopted:
    remedy = is_to_be_replaced(run, target)
    given = _given(run, target)
    if remedy is None:
        usual = None if "detected" in run.moments else see_new_version(run, target)
        return Adopted("", "", given, CrashRate(""), LossReports(0), None, usual=usual)
    now = run.clock.now()
    earliest, published = _out_since(run)
    rate = export(run, target, remedy.version, now - timedelta(hours=run.facts.window_hours), now)
    lately = exported(run, target, (remedy.version, remedy.bad, remedy.stable), now - 2 * _LATELY, now)
    active = {version: points[0].total or 0 for version, points in lately.items()}
    bad, good = (_percent(active[version], sum(active.values())) for version in (remedy.bad, remedy.version))
    return Adopted(
        remedy.version,
        remedy.bad,
        given,
        rate,
        reports_of_loss(run, target, remedy.version, now - timedelta(hours=run.facts.window_hours)),
        bad,
        good,
        see_recovery(run, target).action if target == PLAY else RecoveryAction(),
        *_harmed(run, target, remedy.bad),
        published=published,
        earliest=earliest,
    )


def _out_since(run: CRun) -> tuple[datetime | None, datetime | None]:
    """Since when the replacement can be had everywhere; an app that is off sale cannot, whatever version is out."""
    published, back = run.moments.get("published"), back_on_sale(run)
    if published and back and back > published:
        return published, back
    return run.earliest.get("published"), published


def _percent(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def _harmed(run: CRun, store: Target, bad: str) -> tuple[int, int]:
    """Users whose app crashed in an hour of use of the bad version: all that is exported, and those since the halt."""
    now = run.clock.now()
    _, crashed = exported(run, store, (bad,), now - 2 * timedelta(hours=run.facts.window_hours), now)[bad]
    halts = run.history.lines(Kind.RESULT, step=titles.HALT_PLAY if store == PLAY else titles.HALT_IOS)
    halted = next(halts, None)
    since = crashed.within(parse_time(halted["time"]), now) if halted else crashed
    return round(crashed.total or 0), round(since.total or 0)


def _given(run: CRun, store: Target) -> tuple[str, ...]:
    """The versions that a store gives to users now, `to everybody` or to a share. Raises Unknown, Rejected."""
    if store == PLAY:
        play = google_play(run)
        out = {code for each in reviews(play) if each.state == "PUBLISHED" for code in each.codes}
        track: PlayTrack = read_track(play)
        running = [each for each in track.releases if each.status in ("inProgress", "completed")]
        return tuple(version_of(run, max(each.codes)) for each in running if out & set(each.codes))
    return (live_on_ios(store_versions(app_store(run))).name,)


def users_are_well(run: CRun, target: Target, seen: Adopted) -> Check:
    given = ", ".join(seen.given)
    if seen.usual is not None:
        usual = a_bug_is_seen(run, target, seen.usual)
        if usual.answer == "no":
            return yes(f"no trouble was seen: {usual.why}")
        return usual if usual.answer == "unknown" else no(usual.why)
    if not seen.replacement:
        return yes(f"this store has no version that is proven bad; it gives {given}")
    if seen.bad in seen.given:
        return no(f"{seen.bad} is still given to users")
    if seen.replacement not in seen.given:
        return no(f"{seen.replacement} is not out: {given or 'nothing'} is given to users")
    if seen.rate.missing or seen.lost_data.missing:
        return unknown(seen.rate.missing or seen.lost_data.missing)
    if seen.lost_data.are_enough(run):
        return no(f"{seen.replacement} loses data, too: {seen.lost_data.describe()}")
    if seen.rate.is_proven_good(run):
        left = "" if seen.bad_percent is None else f"; {seen.bad_percent:g} % of the active users still have {seen.bad}"
        return yes(f"{seen.replacement} is given to everybody, and is good: {seen.rate.describe()}{left}")
    objective = f"{run.facts.crash_free_percent:g} % is not proven yet"
    return no(f"{objective} for {seen.replacement}: {seen.rate.describe()}")


def show_adoption(run: CRun, states: Mapping[Target, Adopted]) -> Iterator[Exhibit]:
    remedy = decided(run)
    versions = {
        store: (remedy.version, remedy.bad, remedy.stable)
        if remedy and is_to_be_replaced(run, store)
        else with_stable(run, suspect(run, store))
        for store in states
    }
    yield crash_chart(run, "verified-crashes", versions, proves_good=stores_to_replace(run))
    yield _adoption_chart(run, versions)
    looks: list[tuple[datetime, Target, Adopted | None]] = run.looks(titles.VERIFY)
    points = [
        CurvePoint(at, str(store), seen.good_percent, seen.bad_percent, seen.recovery.recovered, seen.recovery.devices)
        for at, store, seen in looks
        if seen is not None and seen.replacement
    ]
    yield from recovery_curve(run, points)


def _adoption_chart(run: CRun, versions: Mapping[Target, tuple[str, ...]]) -> Chart:
    """Who uses which version, hour by hour, in each store."""
    now, drawn, last = run.clock.now(), list[Series](), list[str]()
    for store, of_store in versions.items():
        names = tuple(dict.fromkeys(of_store))
        read = exported(run, store, names, now - timedelta(hours=run.facts.window_hours), now)
        times = sorted({at for active, _ in read.values() for at in active.times})
        for version in names:
            active = read[version][0].by_time
            values = []
            for at in times:
                total = sum(each[0].by_time.get(at, 0.0) for each in read.values())
                values.append(100 * active.get(at, 0.0) / total if total else None)
            drawn.append(Series(version, tuple(times), tuple(values), str(store)))
        if times:
            series = drawn[-len(names)]
            last.append(f"{series.values[-1]:.0f} % of {store} have {names[0]}")
    title = f"Versions in use: {'; '.join(last) or 'nothing was exported'}"
    return Chart("adoption", title, "active users, %", tuple(drawn), (Limit("everybody", 100.0),), run.marks())


def when_well(result: StepResult) -> Between | datetime | None:
    """Since the replacement is out everywhere that it is needed: what proves it good comes later."""
    if not result.since:
        return None
    states: list[Adopted] = [seen for seen in result.states.values() if seen.published]
    if not states:
        return result.since
    published, earliest = states[0].published, states[0].earliest
    return Between(earliest, published) if published and earliest else published


VERIFY = Step(
    titles.VERIFY,
    changes="nothing: what the stores give to users, how often it crashes, who still has the bad version",
    look=see_adoption,
    expect=users_are_well,
    targets=lambda run: BOTH,
    needs=(titles.REVIEW,),
    patience=Patience(within=lambda run: 3600 * run.facts.verify_hours, every=600),
    shows=show_adoption,
    settles=Settles("healthy", at=when_well),
)


# ── Tell users that it is resolved ───────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: CRun) -> str:
    """Our words. Where nothing took the place of a version there was nothing to update."""
    remedy = decided(run)
    if remedy is None:
        return "The app works normally. Thank you for your patience."
    return public_words.over(remedy.bad, remedy.version)


RESOLVED = resolved(titles.RESOLVED, words_resolved, needs=(titles.VERIFY,))


STEPS = (VERIFY, RESOLVED)
