"""Plan F, the decision to roll back, by a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drcore.engine.consent import Consent
from drcore.engine.step import Check, Step, Target, Way, never, no, yes
from drcore.plans.f.p1_detect import DETECT
from drcore.plans.shared.release_shift import serves_alone
from drcore.plans.shared.releases import read_releases
from drcore.plans.shared.status_page import investigating

if TYPE_CHECKING:
    from drcore.engine.context import Run


# ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be decided (back from which releases, to which), and what has been (empty: nothing yet)."""

    target: str
    leaving: tuple[str, ...]
    unsafe: tuple[str, ...]
    live: bool
    choice: str
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: Run, target: Target) -> Decision:
    releases = read_releases(run, run.service.runner_region)
    back_to = releases.target(run.incident.release)
    leaving = releases.newer_than(back_to)
    decided = run.decided(DECIDE)
    return Decision(
        target=back_to.release,
        leaving=tuple(release.release for release in leaving),
        unsafe=tuple(release.release for release in leaving if not release.rollback_safe),
        live=all(serves_alone(run, region, back_to) for region in run.service.regions),
        choice=decided.choice,
        by=decided.by,
        reason=decided.reason,
    )


def is_decided(run: Run, target: Target, decision: Decision) -> Check:
    if decision.unsafe:
        return never(
            f"{', '.join(decision.unsafe)} changed the schema of the data, and older code may corrupt it. "
            "Do not roll back: go to plan G, or mend forward"
        )
    if decision.choice:
        return yes(f"{decision.choice}, by {decision.by}: {decision.reason}")
    if decision.live:
        return yes(f"{decision.target} serves alone everywhere, there is nothing to decide")
    return no(f"to decide: roll back from {', '.join(decision.leaving)} to {decision.target}")


def decide(run: Run, target: Target, decision: Decision) -> None:
    run.decide(DECIDE, f"roll back to {decision.target}")


DECIDE = Step(
    title="Decide",
    plan="F.manual 1",
    changes="records who decided to roll back to which release, and why",
    look=see_decision,
    expect=is_decided,
    act=decide,
    needs=(DETECT.title,),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"ROLL BACK TO {next(iter(states.values())).target} IN {', '.join(run.service.regions)}",
    way=Way.REVERSIBLE,
    within=10,
    moment="decided",
)


# ── Tell users that we investigate ───────────────────────────────────────────────────────────────────────────────────


def words_investigating(run: Run) -> str:
    if "detected" not in run.moments:
        return ""
    return "We are investigating errors after a change to our service. Some syncs may fail or be slow."


INVESTIGATING = investigating(
    "Tell users that we investigate", words_investigating, plan="F.manual 5", needs=(DETECT.title,)
)


STEPS = (DECIDE, INVESTIGATING)
