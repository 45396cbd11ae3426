"""Plan F, the decision to roll back, by a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.plans.f import health, public_words, titles
from drcore.plans.f.decided_release import target_release
from drcore.plans.f.facts import FRun
from drcore.plans.f.health import Signals
from drcore.plans.f.p1_detect import is_rolled_back
from drcore.plans.shared.decision import decision, taken
from drcore.plans.shared.release_shift import serves_alone
from drcore.plans.shared.releases import Release, read_releases
from drcore.plans.shared.status_page import investigating

# ── Decide ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be decided (back from which releases, to which), and what has been (empty: nothing yet).

    `to` is the whole release: each act in each region takes its versions from here. `in_trouble` says what is wrong
    with it itself, where it serves alone; `others` are the older releases that could be named instead.
    """

    target: str = field(metadata=label("release to go back to"))
    leaving: tuple[str, ...] = field(metadata=label("releases to leave"))
    unsafe: tuple[str, ...] = field(metadata=label("of these with a changed schema"))
    live: bool = field(metadata=label("serves alone already"))
    in_trouble: tuple[str, ...] = field(metadata=label("trouble of this release"))
    choice: str = field(metadata=label("decision"))
    to: Release = field(compare=False)
    others: tuple[str, ...] = field(compare=False)
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_decision(run: FRun, target: Target) -> Decision:
    releases = read_releases(run, run.service.runner_region)
    back_to = (
        target_release(run, run.service.runner_region)
        if run.history.act(titles.DECIDE)
        else (releases.target(run.incident.release))
    )
    leaving = releases.newer_than(back_to)
    live = all(serves_alone(run, region, back_to) for region in run.service.regions)
    choice, by, reason = taken(run, titles.DECIDE)
    return Decision(
        back_to.release,
        tuple(release.release for release in leaving),
        tuple(release.release for release in leaving if not release.rollback_safe),
        live,
        tuple(_its_trouble(run, back_to)) if live and not choice else (),
        choice,
        back_to,
        tuple(each.release for each in releases.all if each.status == "stable" and each.release != back_to.release),
        by,
        reason,
    )


def _its_trouble(run: FRun, release: Release) -> Iterator[str]:
    """What is wrong with a release that serves alone: with its own versions, or found where it answers now."""
    if "detected" not in run.moments:
        return
    looked = run.result(titles.DETECT)
    for region in run.service.regions:
        own = {f"{name} {version}" for name, version in release.of(region).functions.items()}
        seen: Signals | None = looked.states.get(Target(region)) if looked else None
        yield from (f"{region}: {each}" for each in health.versions_in_trouble(run, seen, own)) if seen else ()
        bug = health.critical_bug(run, region)
        if bug:
            yield f"{region}: critical bug: {bug}"
    if run.incident.bug and not any(is_rolled_back(run, region) for region in run.service.regions):
        yield f"found by a person: {run.incident.bug}"


def must_not_go_back(run: FRun, seen: Decision) -> str:
    if not seen.unsafe:
        return ""
    return (
        f"{', '.join(seen.unsafe)} changed the schema of the data, and older code may corrupt it. "
        "Do not roll back: go to plan G, or fix forward"
    )


def is_to_be_decided(run: FRun, target: Target, seen: Decision) -> Check:
    if seen.in_trouble:
        named = "the release that was named" if run.incident.release else "the newest stable release"
        choices = " or ".join(f"-p release={each}" for each in reversed(seen.others)) or "none: fix forward"
        return never(
            f"{seen.target}, {named}, is the one in trouble, and serves everywhere ({'; '.join(seen.in_trouble)}). "
            f"Start anew with another one: {choices}"
        )
    if seen.live:
        return yes(f"{seen.target} serves alone everywhere, there is nothing to decide")
    return no(f"to decide: roll back from {', '.join(seen.leaving)} to {seen.target}")


# Where it must not be rolled back, users are told all the same, and the next release is kept out.
DECIDE = replace(
    decision(
        titles.DECIDE,
        changes="records who decided to roll back to which release, and why",
        look=see_decision,
        expect=is_to_be_decided,
        forbidden=must_not_go_back,
        choice=lambda run, seen: f"roll back to {seen.target}",
        phrase=lambda run, states: (
            f"ROLL BACK TO {next(iter(states.values())).target} IN {', '.join(run.service.regions)}"
        ),
        needs=(titles.DETECT,),
        moment="decided",
    ),
    goes_on=True,
)


# ── Tell users that we investigate ───────────────────────────────────────────────────────────────────────────────────


def words_investigating(run: FRun) -> str:
    if "detected" not in run.moments:
        return ""
    return public_words.INVESTIGATING


INVESTIGATING = investigating(titles.INVESTIGATING, words_investigating, needs=(titles.DETECT,))


STEPS = (DECIDE, INVESTIGATING)
