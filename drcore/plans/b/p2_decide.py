"""Plan B, why it fails: the causes by what they explain; what is done about it, by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Step, regions
from drcore.plans.b import causes, health, resources, titles
from drcore.plans.b.causes import Investigation
from drcore.plans.b.decided_remedy import Way, decided, proposed
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.plans.shared.decision import decision, taken
from drcore.record.evidence import Exhibit, Table

# ── Investigate ──────────────────────────────────────────────────────────────────────────────────────────────────────


def see_causes(run: BRun, target: Target) -> Investigation:
    return causes.investigate(run, target.region, health.harm_since(run, target.region))


def cause_is_found(run: BRun, target: Target, seen: Investigation) -> Check:
    if seen.causes:
        return yes("; ".join(cause.describe() for cause in seen.causes[:2]))
    if not seen.fallbacks:
        return no("the jobs have logged no fallback: nothing to explain")
    return no(f"{seen.fallbacks} fallbacks, and no cause that this plan knows")


def show_causes(run: BRun, states: Mapping[Target, Investigation]) -> Iterator[Exhibit]:
    rows = tuple(
        (target.region, number, cause.what, cause.percent, cause.evidence, str(cause.remedy))
        for target, seen in states.items()
        for number, cause in enumerate(seen.causes, 1)
    )
    columns = ("region", "rank", "cause", "of the fallbacks, %", "evidence", "remedy")
    yield Table("causes", "The causes, by the part of the fallbacks that each explains", columns, rows)
    told = tuple(
        (
            target.region,
            seen.status,
            seen.configuration,
            seen.changed,
            ", ".join(seen.earlier),
            seen.key_valid,
            seen.key_since,
            bool(seen.new_key),
            ", ".join(seen.order),
        )
        for target, seen in states.items()
    )
    in_place = (
        *("region", "endpoint", "configuration", "last changed", "earlier ones"),
        *("key is valid", "key made at", "a new key waits", "order of the gateway"),
    )
    yield Table("what-is-in-place", "What is in place: endpoint, key, gateway", in_place, told)


INVESTIGATE = Step(
    titles.INVESTIGATE,
    changes="nothing: the jobs' log, the endpoint with its configurations, the key and the gateway are read",
    look=see_causes,
    expect=cause_is_found,
    targets=regions,
    needs=(titles.DETECT,),
    gate=False,
    only_tells=True,
    patience=Patience(within=60, every=15),
    shows=show_causes,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.key),
)


# ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RemedyDecision:
    """What is to be decided, for which cause, and what has been (empty: nothing yet).

    `way` is the remedy with all that it needs: each act in each region takes it from here.
    """

    cause: str = field(metadata=label("first cause"))
    remedy: str = field(metadata=label("remedy"))
    choice: str = field(metadata=label("decision"))
    way: Way = field(compare=False)
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: BRun, target: Target) -> RemedyDecision:
    way = decided(run) if run.history.act(titles.DECIDE) else proposed(run)
    return RemedyDecision(way.cause, way.words, *_choice(run, way))


def _choice(run: BRun, way: Way) -> tuple[str, Way, str, str]:
    choice, by, reason = taken(run, titles.DECIDE)
    return choice, way, by, reason


def is_to_be_decided(run: BRun, target: Target, seen: RemedyDecision) -> Check:
    if seen.way.remedy is AiRemedy.PROPOSED:
        return yes("no trouble was seen, there is nothing to decide")
    if seen.way.remedy is AiRemedy.CONFIGURATION and not all(seen.way.configurations.values()):
        return never(f"{seen.remedy}. Name one: -p configuration=NAME, or another remedy: -p remedy=wait")
    if seen.way.remedy is AiRemedy.KEY and not seen.way.key_version:
        return never("no new version of the LLM's key waits with the label AWSPENDING: put one there, then start anew")
    return no(f"to decide: {seen.remedy}, as {seen.cause}")


DECIDE = decision(
    titles.DECIDE,
    changes="records who decided what is done about which cause, and why",
    look=see_decision,
    expect=is_to_be_decided,
    choice=lambda run, seen: seen.remedy,
    phrase=lambda run, states: f"REMEDY {next(iter(states.values())).remedy} IN {', '.join(run.service.regions)}",
    needs=(titles.DETECT,),
    moment="decided",
)


STEPS = (INVESTIGATE, DECIDE)
