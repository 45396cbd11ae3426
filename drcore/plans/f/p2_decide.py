"""Plan F, the decision to roll back, by a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.plans.f import titles
from drcore.plans.f.facts import FRun
from drcore.plans.shared.decision import decision, taken
from drcore.plans.shared.release_shift import serves_alone
from drcore.plans.shared.releases import read_releases
from drcore.plans.shared.status_page import investigating

# ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be decided (back from which releases, to which), and what has been (empty: nothing yet)."""

    target: str = field(metadata=label("release to go back to"))
    leaving: tuple[str, ...] = field(metadata=label("releases to leave"))
    unsafe: tuple[str, ...] = field(metadata=label("of these with a changed schema"))
    live: bool = field(metadata=label("serves alone already"))
    choice: str = field(metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: FRun, target: Target) -> Decision:
    releases = read_releases(run, run.service.runner_region)
    back_to = releases.target(run.incident.release)
    leaving = releases.newer_than(back_to)
    return Decision(
        back_to.release,
        tuple(release.release for release in leaving),
        tuple(release.release for release in leaving if not release.rollback_safe),
        all(serves_alone(run, region, back_to) for region in run.service.regions),
        *taken(run, titles.DECIDE),
    )


def must_not_go_back(run: FRun, seen: Decision) -> str:
    if not seen.unsafe:
        return ""
    return (
        f"{', '.join(seen.unsafe)} changed the schema of the data, and older code may corrupt it. "
        "Do not roll back: go to plan G, or fix forward"
    )


def is_to_be_decided(run: FRun, target: Target, seen: Decision) -> Check:
    if seen.live:
        return yes(f"{seen.target} serves alone everywhere, there is nothing to decide")
    return no(f"to decide: roll back from {', '.join(seen.leaving)} to {seen.target}")


DECIDE = decision(
    titles.DECIDE,
    changes="records who decided to roll back to which release, and why",
    look=see_decision,
    expect=is_to_be_decided,
    forbidden=must_not_go_back,
    choice=lambda run, seen: f"roll back to {seen.target}",
    phrase=lambda run, states: f"ROLL BACK TO {next(iter(states.values())).target} IN {', '.join(run.service.regions)}",
    needs=(titles.DETECT,),
    moment="decided",
)


# ── Tell users that we investigate ───────────────────────────────────────────────────────────────────────────────────


def words_investigating(run: FRun) -> str:
    if "detected" not in run.moments:
        return ""
    return "We are investigating errors after a change to our service. Some syncs may fail or be slow."


INVESTIGATING = investigating(titles.INVESTIGATING, words_investigating, needs=(titles.DETECT,))


STEPS = (DECIDE, INVESTIGATING)
