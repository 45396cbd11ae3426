"""Plan C, the end: the postmortem is begun, how the stores are left is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, no, yes
from drcore.learn.postmortem import Sentence
from drcore.plans.c import titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.p2_halt import see_ios
from drcore.plans.c.p3_feature import bad_version, feature
from drcore.plans.c.p4_decide import decided
from drcore.plans.c.stores import APP_STORE, PLAY, app_store, google_play
from drcore.plans.c.versions import version_of
from drcore.plans.shared.close import close, drills
from drcore.plans.shared.postmortem import postmortem, seen_in
from drcore.record.evidence import Exhibit, Table
from drcore.services.appstore.versions import LIVE, LONGEST_PAUSE, store_versions
from drcore.services.play.tracks import read_track

# ── Postmortem ───────────────────────────────────────────────────────────────────────────────────────────────────────


def summary(run: CRun) -> Iterator[Sentence]:
    remedy = decided(run)
    if remedy:
        text = f"{remedy.bad} of the app was bad on {', '.join(remedy.stores)}, and gave way to {remedy.version}"
        yield from seen_in(run, titles.DECIDE, text)


def impact(run: CRun) -> Iterator[Sentence]:
    """What the first look told of crashes, what the last one of who was harmed, and who still has the bad version."""
    detected, verified = run.result(titles.DETECT), run.result(titles.VERIFY)
    if detected and detected.states:
        yield from seen_in(run, titles.DETECT, detected.why, first=True)
    for store, seen in (verified.states if verified else {}).items():
        if seen.replacement:
            harmed = f"{seen.harmed} users, counted hour by hour, {seen.harmed_since} of them after the halt"
            text = f"{store}: {seen.bad} crashed for {harmed}"
            left = "" if seen.bad_percent is None else f"; {seen.bad_percent:g} % of the active users still have it"
            yield from seen_in(run, titles.VERIFY, f"{text}{left}", target=store)


POSTMORTEM = postmortem(
    titles.POSTMORTEM,
    headline="a critical bug in a new release of the app",
    summary=summary,
    impact=impact,
    needs=(titles.DETECT,),
)


# ── Close ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Left:
    """How the stores are left, row by row; what a person must still do; when this plan was drilled last."""

    rows: tuple[tuple[str, str, str], ...]
    to_do: tuple[str, ...] = field(metadata=label("left to people"))
    last_drill: datetime | None
    next_drill: datetime | None

    def describe(self) -> Mapping[str, object]:
        return {
            "left to people": self.to_do or "nothing",
            "last drill": self.last_drill,
            "next drill": self.next_drill,
        }


def see_left(run: CRun, target: Target) -> Left:
    track = read_track(google_play(run))
    rows = [
        (str(PLAY), ", ".join(version_of(run, code) for code in each.codes), _status(each.status, each.fraction))
        for each in track.releases
    ]
    for version in store_versions(app_store(run)):
        phase = f", phased release {version.phase.state}" if version.phase.id else ""
        rows.append((str(APP_STORE), version.name, f"{version.state}{phase}"))
    ios, to_do = see_ios(run, APP_STORE), []
    if ios.phase.state == "PAUSED" and ios.state == LIVE:
        left = LONGEST_PAUSE - ios.phase.days_paused
        to_do.append(f"the phased release of {ios.version} is paused, and goes on by itself in {left} days")
    return Left(tuple(rows), (*to_do, *what_stays_on(run)), *drills(run))


def what_stays_on(run: CRun) -> tuple[str, ...]:
    """The levers of this run that stay as they are, in words."""
    parts = []
    if run.history.intended(titles.FEATURE):
        parts.append(f"{feature(run)} stays off in {bad_version(run)}, which nobody should have any more")
    if run.history.intended(titles.LEAST):
        parts.append(f"{run.facts.levers.least_version} stays on: older apps ask to be updated")
    return tuple(parts)


def _status(status: str, fraction: float | None) -> str:
    return status if fraction is None else f"{status} at {fraction:.4g} of the users"


def is_closed(run: CRun, target: Target, seen: Left) -> Check:
    return yes("; ".join(seen.to_do) or "nothing is left to be done") if seen.rows else no("no store has any version")


def show_left(run: CRun, states: Mapping[Target, Left]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield Table("stores-now", "What the stores have now", ("store", "version", "state"), seen.rows)


def cost_in_verdict(run: CRun, result: StepResult) -> str:
    """What the bad version has cost users, with how it was counted, by the look that proved them well."""
    verified = run.result(titles.VERIFY)
    parts = [
        f"{store}: {seen.bad} crashed for {seen.harmed:,} users, {seen.harmed_since:,} of them after the halt"
        for store, seen in (verified.states if verified else {}).items()
        if seen.replacement
    ]
    if not parts:
        return ""
    span = f"in the {2 * run.facts.window_hours:g} h before they were proved well"
    counted = "by the stores' exported crash rates, a user once an hour of use; data that was lost is only reported"
    return f"users: {'; '.join(parts)}, {span} ({counted})"


CLOSE = close(
    titles.CLOSE,
    changes="nothing: how the stores are left, when the next drill is due",
    look=see_left,
    expect=is_closed,
    shows=show_left,
    needs=(titles.VERIFY,),
    remark=cost_in_verdict,
)


STEPS = (POSTMORTEM, CLOSE)
