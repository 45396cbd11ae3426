"""Plan B, why it fails: the causes by what they explain; what is done about it, by a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Step, regions
from drcore.plans.b import causes, health, resources, titles
from drcore.plans.b.causes import Investigation
from drcore.plans.b.decided_remedy import Way, investigations, ranked_causes, ways
from drcore.plans.b.facts import AiRemedy, BRun
from drcore.plans.shared.decision import choices, taken
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
    configured = tuple(
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
    yield Table("what-is-in-place", "What is in place: endpoint, key, gateway", in_place, configured)


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

    `ways` are the remedies with all that they need: each act in each region takes its own from here.
    """

    cause: str = field(metadata=label("first cause"))
    choice: str = field(metadata=label("decision"))
    ways: tuple[Way, ...] = field(compare=False)
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: BRun, target: Target) -> RemedyDecision:
    choice, by, reason = taken(run, titles.DECIDE)
    if choice or "detected" not in run.moments:
        return RemedyDecision("", choice, (), by, reason)
    ranked = ranked_causes(investigations(run))
    return RemedyDecision(ranked[0].describe() if ranked else "none is known", choice, ways(run), by, reason)


def is_to_be_decided(run: BRun, target: Target, seen: RemedyDecision) -> Check | None:
    return None if seen.ways else yes("no trouble was seen, there is nothing to decide")


DECIDE = choices(
    titles.DECIDE,
    changes="records who decided what is done about which cause, and why",
    look=see_decision,
    answers=lambda run, seen: [way.as_choice(run) for way in seen.ways or (Way(AiRemedy.WAIT),)],
    expect=is_to_be_decided,
    needs=(titles.DETECT,),
    moment="decided",
)


STEPS = (INVESTIGATE, DECIDE)
