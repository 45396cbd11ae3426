"""Plan D, waiting for the partner: its page, probes of our own, until both agree for some minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.step import Patience, Step
from drcore.plans.d import charts, titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.p1_detect import partners
from drcore.plans.d.partner_signals import PageSays, ProbeCount, probe, read_page
from drcore.plans.d.paused import nothing_paused, paused
from drcore.plans.shared.decision import choice_not_known, decision, taken
from drcore.plans.shared.flags import deployed_values
from drcore.record.evidence import Exhibit

# ── Monitor the partner ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Watched:
    """What a partner's page and our probes say now. `paused`: whether this run has paused it."""

    paused: bool
    probed: ProbeCount = field(metadata=label("probes"))
    page: PageSays = field(metadata=label("its status page"))


def see_watched(run: DRun, target: Target) -> Watched:
    is_paused = target.thing in [case.partner for case in paused(run)]
    if not is_paused:
        return Watched(False, ProbeCount(0, 0, 0), PageSays())
    return Watched(True, probe(run, target.thing), read_page(run, target.thing))


def is_well(run: DRun, target: Target, seen: Watched) -> Check:
    if not seen.paused:
        return yes("was not paused")
    told = f"probes: {seen.probed.describe()}; its page: {seen.page.describe()}"
    if seen.probed.well < seen.probed.sent:
        return no(told)
    if seen.page.unread:
        return unknown(told)
    return yes(told) if seen.page.well else no(told)


def show_watched(run: DRun, states: Mapping[Target, Watched]) -> Iterator[Exhibit]:
    looks: list[tuple[datetime, Target, Watched]] = run.looks(titles.MONITOR)
    for name in (target.thing for target, seen in states.items() if seen.paused):
        mine = [(at, seen.probed, seen.page) for at, target, seen in looks if target.thing == name]
        yield charts.probes_and_page(run, f"monitored-{name}", name, mine)


MONITOR = Step(
    titles.MONITOR,
    changes="nothing: waits until the partner's page and our probes agree that it is well, and it lasts",
    look=see_watched,
    expect=is_well,
    targets=partners,
    needs=(titles.PAUSE,),
    gate=False,
    patience=Patience(
        within=lambda run: 60 * run.facts.recovery_minutes * bool(paused(run)),
        every=60,
        hold=lambda run: 60 * run.facts.recovery_hold_minutes * bool(paused(run)),
    ),
    shows=show_watched,
)


# ── Decide to let it in ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LetInDecision:
    """What page and probes say of each paused partner; what was decided (an empty choice: nothing yet).

    `too_fast`: the partners whose flags let our workers ask more often than the partner takes, with the numbers.
    """

    watched: dict[str, Watched] = field(metadata=label("partners"))
    too_fast: tuple[str, ...] = field(metadata=label("faster than the partner takes"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_let_in_decision(run: DRun, target: Target) -> LetInDecision:
    names = [case.partner for case in paused(run)]
    return LetInDecision(
        {name: see_watched(run, Target(thing=name)) for name in names},
        tuple(filter(None, (faster_than_taken(run, name) for name in names))),
        *taken(run, titles.DECIDE_BACK),
    )


def faster_than_taken(run: DRun, name: str) -> str:
    """Why the backlog would hit the partner's rate limit, by the flags' pace in all regions; empty: it would not."""
    partner = run.facts.partners[name]
    paces = {
        region: deployed_values(run, region).get(partner.integration, {}).get("calls_a_minute")
        for region in run.service.regions
    }
    known = [pace for pace in paces.values() if isinstance(pace, int | float)]
    if len(known) < len(paces):
        return f"{partner.integration} has no calls_a_minute: nothing holds back what waits"
    if sum(known) <= partner.calls_a_minute:
        return ""
    told = ", ".join(f"{pace:g} in {region}" for region, pace in paces.items())
    return f"{partner.integration} lets {told} calls a minute through, {name} takes {partner.calls_a_minute} in all"


def must_stay_out(run: DRun, seen: LetInDecision) -> str:
    """Our own probes decide: a page may lag, and lie. One call in a hundred may fail."""
    failing = [
        f"{name}: {each.probed.describe()}"
        for name, each in seen.watched.items()
        if each.probed.well < each.probed.sent
    ]
    if seen.choice:
        return ""
    if seen.too_fast:
        return f"{'; '.join(seen.too_fast)}. Lower calls_a_minute of the flag, then go on: drcore resume {run.id}"
    if not failing:
        return ""
    return (
        f"not well yet: {'; '.join(failing)}. It stays paused, and no sync is lost. Go on later: drcore resume {run.id}"
    )


def is_to_be_let_in(run: DRun, target: Target, seen: LetInDecision) -> Check:
    idle = nothing_paused(run)
    if idle:
        return yes(f"{idle}, there is nothing to decide")
    against = [f"{name}: its page: {each.page.describe()}" for name, each in seen.watched.items() if not each.page.well]
    told = f", although {'; '.join(against)}" if against else ": pages and probes agree"
    return no(f"to decide: let {', '.join(seen.watched)} in{told}")


DECIDE_BACK = decision(
    titles.DECIDE_BACK,
    changes="records who decided to let the integrations in again, and why",
    look=see_let_in_decision,
    expect=is_to_be_let_in,
    forbidden=must_stay_out,
    choice=lambda run, seen: f"let {', '.join(seen.watched)} in",
    phrase=lambda run, states: (
        f"LET {', '.join(name.upper() for seen in states.values() for name in seen.watched)} IN, A PART OF THE USERS "
        "AFTER THE OTHER"
    ),
    needs=(titles.PAUSE,),
    supposed=choice_not_known(titles.DECIDE_BACK),
)


STEPS = (MONITOR, DECIDE_BACK)
