"""Plan F, what is noticed: trouble after a release, what the automation has done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from drcore.engine.outcome import Check, Target, never, no, not_needed, unknown, yes
from drcore.engine.step import Patience, Step, regions
from drcore.errors import Rejected, Unknown
from drcore.plans.f import health, titles
from drcore.plans.f.decided_release import target_release
from drcore.plans.f.facts import FRun
from drcore.plans.f.health import Signals
from drcore.plans.shared.acknowledge import acknowledge
from drcore.plans.shared.detection import detect, since_its_alarm
from drcore.plans.shared.on_call import notify_on_call
from drcore.record.evidence import Exhibit
from drcore.services import codedeploy, lambda_

# ── Detect ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def see_signals(run: FRun, target: Target) -> Signals:
    return health.read_signals(run, target.region, run.facts.window_minutes)


def trouble_is_seen(run: FRun, target: Target, signals: Signals) -> Check:
    troubles = health.trouble(run, signals)
    if troubles:
        return yes("; ".join(troubles))
    if "detected" in run.moments:
        return yes("seen before this run was resumed")
    if run.incident.bug:
        return yes(f"found by a person: {run.incident.bug}")
    if not signals.api.requests and not signals.versions:
        return unknown("no traffic was measured: that is not the same as no errors")
    if signals.doubt:
        return unknown(f"nothing is wrong, but {signals.doubt}: that is not the same as no alarm that is on")
    if signals.bug is None:
        return unknown("nothing is wrong but that the critical-bug check got no answer that could tell")
    return no(f"no trouble: {signals.api.requests} requests to the API, {signals.api.error_percent} % errors")


def show_trouble(run: FRun, states: Mapping[Target, Signals]) -> Iterator[Exhibit]:
    yield health.alarm_history(run, "alarm-history", run.service.regions)
    yield health.rates_table("detected-rates", f"Rates over the last {run.facts.window_minutes:g} minutes", states)
    yield from health.charts(run, "detected", run.service.regions)


DETECT = detect(
    titles.DETECT,
    changes="nothing: alarms, error rates, latency, the critical bug are read",
    look=see_signals,
    expect=trouble_is_seen,
    targets=regions,
    every=30,
    shows=show_trouble,
    at=since_its_alarm,
)


# ── Automatic rollback ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Automation:
    """What the automation left: where each alias points, and the rollback that did it (empty: there was none)."""

    aliases: tuple[tuple[str, str], ...]
    stable: bool
    canary: bool
    rollback: str
    at: datetime | None

    def describe(self) -> Mapping[str, object]:
        return {
            "aliases": self.aliases,
            "all on the stable release": self.stable,
            "a canary gets traffic": self.canary,
            "rolled back by": self.rollback or "nothing yet",
            "rolled back at": self.at,
        }


def see_automation(run: FRun, target: Target) -> Automation:
    wanted = target_release(run, target.region).of(target.region)
    aliases = {name: lambda_.alias(run.aws, target.region, name, run.facts.alias) for name in run.facts.functions}
    begun = run.moments.get("fault") or run.moments.get("detected") or run.clock.now()
    deploys = run.facts.codedeploy
    rollbacks = codedeploy.rollbacks(
        run.aws, target.region, deploys.application, deploys.group, begun - timedelta(minutes=run.facts.window_minutes)
    )
    return Automation(
        aliases=tuple((name, str(alias)) for name, alias in aliases.items()),
        stable=all(alias == lambda_.Alias(wanted.version_of(name)) for name, alias in aliases.items()),
        canary=any(alias.weights for alias in aliases.values()),
        rollback=rollbacks[0].id if rollbacks else "",
        at=rollbacks[0].began if rollbacks else None,
    )


def automation_has_acted(run: FRun, target: Target, seen: Automation) -> Check:
    where = ", ".join(f"{name}: {alias}" for name, alias in seen.aliases)
    if seen.stable:
        rolled_back = f"rolled back by {seen.rollback}; {where}"
        return yes(rolled_back) if seen.rollback else not_needed(f"no rollback was made; {where}")
    if seen.canary:
        return no(f"not yet, a canary still gets traffic: {where}; it becomes the operator's act")
    return never(
        f"the release is fully rolled out, automation only watches canaries: {where}; it becomes the operator's act"
    )


AUTOMATIC = Step(
    titles.AUTOMATIC,
    changes="nothing: asks whether the automation has put all traffic back",
    look=see_automation,
    expect=automation_has_acted,
    targets=regions,
    gate=False,
    only_tells=True,
    patience=Patience(within=lambda run: 60 * run.facts.automation_minutes, every=30),
)


# ── Notify on-call ───────────────────────────────────────────────────────────────────────────────────────────────────


def words_for_on_call(run: FRun) -> str:
    if "detected" not in run.moments:
        return ""
    regional = [f"{region}: {'; '.join(_trouble(run, region)) or 'quiet now'}" for region in run.service.regions]
    rolled_back = [region for region in run.service.regions if is_rolled_back(run, region)]
    where = "" if len(rolled_back) in (0, len(run.service.regions)) else f" in {', '.join(rolled_back)} only"
    what = f"rolled back automatically{where}" if rolled_back else "not rolled back"
    if not rolled_back and not _automation_was_seen(run):
        what = "perhaps rolled back automatically, which cannot be told"
    return f"Backend release {what}. {'. '.join(regional)}"


def _automation_was_seen(run: FRun) -> bool:
    looked = run.result(titles.AUTOMATIC)
    return bool(looked and len(looked.states) == len(run.service.regions))


def is_rolled_back(run: FRun, region: str) -> bool:
    """Whether the automation was seen to have rolled a region back: a rollback of its own, and the release serves."""
    looked = run.result(titles.AUTOMATIC)
    seen = looked.states.get(Target(region)) if looked else None
    return bool(seen and seen.rollback and seen.stable)


def _trouble(run: FRun, region: str) -> list[str]:
    try:
        return health.trouble(run, health.read_signals(run, region, run.facts.window_minutes))
    except (Unknown, Rejected) as error:
        return [f"cannot be read: {error}"]


NOTIFY = notify_on_call(titles.NOTIFY, words_for_on_call, needs=(titles.DETECT,))

ACKNOWLEDGE = acknowledge(titles.ACKNOWLEDGE, page=titles.NOTIFY)


STEPS = (DETECT, AUTOMATIC, NOTIFY, ACKNOWLEDGE)
