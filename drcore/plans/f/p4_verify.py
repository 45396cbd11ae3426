"""Plan F, the proof that users are well again, by numbers, by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Between, Check, StepResult, Target, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step, regions
from drcore.plans.f import health, public_words, titles
from drcore.plans.f.facts import FRun
from drcore.plans.f.health import Signals, Synthetic
from drcore.plans.f.p1_detect import is_rolled_back
from drcore.plans.shared.confirmation import confirm_gone
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes, last_look, too_early, when_good
from drcore.plans.shared.status_page import resolved
from drcore.record.evidence import Exhibit

# ── Verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Health:
    """The region's signals over the last whole minute, with requests of our own."""

    signals: Signals = field(metadata=label(""))
    synthetic: Synthetic = field(metadata=label("synthetic requests"))
    minutes: GoodMinutes = field(metadata=label(""))
    looks: GoodLooks = field(metadata=label("synthetic requests and the critical bug"))


def see_health(run: FRun, target: Target) -> Health:
    before: Health | None = last_look(run, titles.VERIFY, target)
    signals, minutes = health.read_health(run, target.region, before.minutes if before else None)
    sent = health.synthetic(run, target.region)
    answered = sent.good == sent.sent and signals.bug == ""
    looks = before.looks if before else GoodLooks()
    return Health(signals, sent, minutes, looks.then(answered, run.clock.now()))


def is_healthy(run: FRun, target: Target, seen: Health) -> Check:
    troubles = health.trouble(run, seen.signals)
    if not troubles and seen.minutes.since and seen.minutes.newly_bad:
        troubles.append(f"the minute {seen.minutes.newly_bad:%H:%M} was not good")
    if seen.synthetic.good < seen.synthetic.sent:
        failed = seen.synthetic.sent - seen.synthetic.good
        troubles.append(f"{failed} of {seen.synthetic.sent} synthetic requests failed")
    if troubles:
        return no("; ".join(troubles))
    api = seen.signals.api
    if seen.signals.unwatched:
        return unknown(f"{seen.signals.unwatched}: that is not the same as no alarm that is on")
    if seen.signals.bug is None:
        return unknown("the critical-bug check got no answer that could tell")
    if api.requests < run.facts.minimum_sample or api.error_percent is None:
        return unknown(
            f"{api.requests} requests in the last whole minute, too few to tell (minimum {run.facts.minimum_sample})"
        )
    if seen.minutes.since is None:
        return no("the last whole minute was not good")
    doubt = f"; {seen.signals.doubt}" if seen.signals.doubt else ""
    return too_early(run, seen.minutes) or yes(
        f"{api.error_percent:g} % errors in {api.requests} requests, {seen.synthetic.good} synthetic requests good, "
        f"the critical bug is absent{doubt}"
    )


def show_health(run: FRun, states: Mapping[Target, Health]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield health.rates_table("verified-rates", "Rates over the last whole minute", signals)
    yield from health.charts(run, "verified", run.service.regions)


def when_healthy(result: StepResult) -> Between | datetime | None:
    """By the data of the minutes, and our own requests: the look that read them came later."""
    if not result.since:
        return None
    seen: list[Health] = list(result.states.values())
    return when_good([each.minutes for each in seen], [each.looks for each in seen]) or result.settled


VERIFY = Step(
    titles.VERIFY,
    changes="nothing: error rate, synthetic requests, the critical bug, for as long as health must last",
    look=see_health,
    expect=is_healthy,
    targets=regions,
    needs=(titles.LAMBDA, titles.API),
    patience=Patience(
        within=lambda run: 60 * run.facts.detection_minutes + run.metrics.delay_s,
        every=30,
        hold=lambda run: 60 * run.facts.hold_minutes,
    ),
    shows=show_health,
    settles=Settles("healthy", at=when_healthy),
)


# ── Confirm that it is gone ──────────────────────────────────────────────────────────────────────────────────────────


def measured_health(run: FRun) -> str:
    """What was verified; empty where nothing had been found."""
    verified = run.result(titles.VERIFY)
    any_bug = "detected" in run.moments or run.incident.bug
    return verified.why if verified and any_bug else ""


CONFIRM_GONE = confirm_gone(
    titles.CONFIRM_GONE,
    measured=measured_health,
    check="look for yourself that the backend works, and that the critical bug is no longer there",
    needs=(titles.VERIFY,),
)


# ── Tell users that it is resolved ───────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: FRun) -> str:
    """That something was rolled back is said where it was: by this run, or by the automation.

    A deployment that this run stops is rolled back by CodeDeploy, which may be done before this run points an alias:
    who of both is first hangs on the moment, and is the same to users.
    """
    by_us = any(run.history.intended(step) for step in (titles.STOP, titles.LAMBDA, titles.API, titles.STOP_LATE))
    rolled_back = by_us or any(is_rolled_back(run, region) for region in run.service.regions)
    return public_words.over(public_words.ROLLED_BACK if rolled_back else "The errors have ended")


RESOLVED = resolved(titles.RESOLVED, words_resolved, needs=(titles.VERIFY,))


STEPS = (VERIFY, CONFIRM_GONE, RESOLVED)
