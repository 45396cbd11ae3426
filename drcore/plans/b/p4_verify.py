"""Plan B, the proof that the AI service is back: conflicts are merged again, for as long as health must last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Answer, Between, Check, StepResult, Target, no, unknown, yes
from drcore.engine.step import Patience, Settles, Step, regions
from drcore.plans.b import by_hand, health, titles
from drcore.plans.b.decided_remedy import OF_THE_COMPONENT, decided
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.plans.b.health import AiSignals
from drcore.plans.b.p3_component import component_has_settled, see_component
from drcore.plans.b.p3_remediate import serves_alone
from drcore.plans.shared.good_minutes import GoodMinutes, last_look, too_early, when_good
from drcore.plans.shared.status_page import resolved
from drcore.record.evidence import Exhibit
from drcore.services import sagemaker

# ── Verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AiHealth:
    """The region's signals over the last whole minute; `undone` says what is not in place any more."""

    signals: AiSignals = field(metadata=label(""))
    minutes: GoodMinutes = field(metadata=label(""))
    undone: str = field(metadata=label("not as decided"))


def see_health(run: BRun, target: Target) -> AiHealth:
    before: AiHealth | None = last_look(run, titles.VERIFY, target)
    signals, minutes = health.read_health(run, target.region, before.minutes if before else None)
    return AiHealth(signals, minutes, _undone(run, target.region))


def _undone(run: BRun, region: str) -> str:
    """What was decided of the endpoint and is not so, in words; empty where it is."""
    way = decided(run)
    if way.remedy in OF_THE_COMPONENT and not run.rehearsing:
        target = Target(region)
        settled = component_has_settled(run, target, see_component(run, target).component)
        return "" if settled.answer is Answer.YES else settled.why
    if run.rehearsing or way.remedy not in (AiRemedy.WEIGHTS, AiRemedy.CONFIGURATION):
        return ""
    seen, old = sagemaker.endpoint(run.aws, region, run.facts.endpoint.name), run.facts.endpoint.old_variant
    if way.remedy is AiRemedy.WEIGHTS:
        return "" if serves_alone(seen, old) else f"{old} does not serve alone"
    wanted = way.configurations.get(region, "")
    return "" if seen.serves(wanted) else f"the endpoint is {seen.status} with {seen.config}, not with {wanted}"


def ai_is_back(run: BRun, target: Target, seen: AiHealth) -> Check:
    troubles = health.trouble(run, seen.signals)
    if not troubles and seen.minutes.since and seen.minutes.newly_bad:
        troubles.append(f"the minute {seen.minutes.newly_bad:%H:%M} was not good")
    if seen.undone:
        troubles.append(seen.undone)
    if troubles:
        return no("; ".join(troubles))
    signals = seen.signals
    if signals.unwatched:
        return unknown(f"{signals.unwatched}: that is not the same as no alarm that is on")
    if signals.conflicts < run.facts.minimum_sample or signals.fallback_percent is None:
        return unknown(
            f"{signals.conflicts} conflicts in the last whole minute, too few to tell "
            f"(minimum {run.facts.minimum_sample})"
        )
    if seen.minutes.since is None:
        return no("the last whole minute was not good")
    merged = signals.conflicts - round(signals.conflicts * signals.fallback_percent / 100)
    doubt = f"; {signals.doubt}" if signals.doubt else ""
    return too_early(run, seen.minutes) or yes(f"the AI merged {merged} of {signals.conflicts} conflicts{doubt}")


def show_health(run: BRun, states: Mapping[Target, AiHealth]) -> Iterator[Exhibit]:
    signals = {target: seen.signals for target, seen in states.items()}
    yield health.signals_table("verified-signals", "The AI service over the last whole minute", signals)
    yield health.chart(run, "verified-fallbacks")
    yield health.latency_chart(run, "verified-p99")


def when_back(result: StepResult) -> Between | datetime | None:
    """By the data of the minutes: the look that read them came later."""
    if not result.since:
        return None
    seen: list[AiHealth] = list(result.states.values())
    return when_good([each.minutes for each in seen]) or result.settled


VERIFY = Step(
    titles.VERIFY,
    changes="nothing: fallbacks, merges, alarms, what was decided of the endpoint, for as long as health must last",
    look=see_health,
    expect=ai_is_back,
    targets=regions,
    needs=(titles.SETTLED, titles.KEY, titles.GATEWAY, titles.QUOTA),
    patience=Patience(
        within=lambda run: 60 * run.facts.detection_minutes + run.metrics.delay_s,
        every=60,  # a minute is there once
        hold=lambda run: 60 * run.facts.hold_minutes,
    ),
    shows=show_health,
    settles=Settles("healthy", at=when_back),
)


# ── Tell users that it is resolved ───────────────────────────────────────────────────────────────────────────────────


def words_resolved(run: BRun) -> str:
    return by_hand.RESOLVED


RESOLVED = resolved(titles.RESOLVED, words_resolved, needs=(titles.VERIFY,))


STEPS = (VERIFY, RESOLVED)
