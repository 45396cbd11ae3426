"""Plan D, waiting for the partner: its page, probes of our own, until both agree for some minutes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from drcore.engine.consent import Choice
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, unknown, yes
from drcore.engine.step import Patience, Step
from drcore.plans.d import charts, titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.p1_detect import partners
from drcore.plans.d.partner_signals import PageSays, ProbeCount, probe, read_page
from drcore.plans.d.paused import answer_back, being_let_in, left_out, nothing_paused, round_is_open, staying_out
from drcore.plans.shared.decision import choices, taken
from drcore.plans.shared.flag_profiles import deployed_values
from drcore.record.evidence import Exhibit

# ── Monitor the partner ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Watched:
    """What a partner's page and our probes say now. `paused`: whether this run has paused it."""

    paused: bool = field(metadata=label("paused"))
    probed: ProbeCount = field(metadata=label("probes"))
    page: PageSays = field(metadata=label("its status page"))


def waits(run: DRun) -> bool:
    """Whether a partner is waited for: not while another one is being let in, which must not wait for it."""
    return bool(staying_out(run)) and not round_is_open(run)


def watched_partners(run: DRun) -> list[Target]:
    """The partners that stay out so far, each a target; all where none does."""
    return [Target(thing=case.partner) for case in staying_out(run)] or partners(run)


def see_watched(run: DRun, target: Target) -> Watched:
    is_paused = target.thing in [case.partner for case in staying_out(run)]
    if not is_paused:
        return Watched(False, ProbeCount(0, 0, 0), PageSays())
    return Watched(True, probe(run, target.thing), read_page(run, target.thing))


def is_well(run: DRun, target: Target, seen: Watched) -> Check:
    if not seen.paused:
        return yes("is not paused")
    text = f"probes: {seen.probed.describe()}; its page: {seen.page.describe()}"
    if seen.probed.well < seen.probed.sent:
        return no(text)
    if seen.page.unread:
        return unknown(text)
    return yes(text) if seen.page.well else no(text)


def show_watched(run: DRun, states: Mapping[Target, Watched]) -> Iterator[Exhibit]:
    looks: list[tuple[datetime, Target, Watched]] = run.looks(titles.MONITOR)
    for name in (target.thing for target, seen in states.items() if seen.paused):
        mine = [(at, seen.probed, seen.page) for at, target, seen in looks if target.thing == name]
        yield charts.probes_and_page(run, f"monitored-{name}", name, mine)


MONITOR = Step(
    titles.MONITOR,
    changes="nothing: waits until a partner's page and our probes agree that it is well, and it lasts",
    look=see_watched,
    expect=is_well,
    targets=watched_partners,
    needs=(titles.PAUSE,),
    gate=False,
    one_is_enough=True,
    patience=Patience(
        within=lambda run: 60 * run.facts.recovery_minutes * waits(run),
        every=60,
        hold=lambda run: 60 * run.facts.recovery_hold_minutes * waits(run),
    ),
    shows=show_watched,
)


# ── Decide to let it in ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class LetInDecision:
    """What page and probes say of each partner that stays out; what was decided (an empty choice: nothing yet).

    Where one of two was let in, and users were told, it is asked anew of the other one.

    `too_fast`: the partners whose flags let our workers ask more often than the partner takes, with the numbers.
    """

    watched: dict[str, Watched] = field(metadata=label("partners"))
    too_fast: tuple[str, ...] = field(metadata=label("faster than the partner takes"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_let_in_decision(run: DRun, target: Target) -> LetInDecision:
    names = [case.partner for case in staying_out(run)]
    watched = {name: _lately(run, name) for name in names}
    too_fast = tuple(filter(None, (faster_than_taken(run, name) for name in names)))
    if not being_let_in(run) or (names and not round_is_open(run)):
        return LetInDecision(watched, too_fast)
    return LetInDecision(watched, too_fast, *taken(run, titles.DECIDE_BACK))


def _lately(run: DRun, name: str) -> Watched:
    """A partner as it is now, with the worst that our probes have met for as long as it must hold: one look is luck."""
    now, since = see_watched(run, Target(thing=name)), timedelta(minutes=run.facts.recovery_hold_minutes)
    looks: list[tuple[datetime, Target, Watched]] = run.looks(titles.MONITOR)
    begun = run.clock.now() - since
    probes = [seen.probed for at, target, seen in looks if target.thing == name and at >= begun]
    return replace(now, probed=min((*probes, now.probed), key=lambda result: result.well - result.sent))


def probed_well(seen: Watched) -> bool:
    """Whether our own probes say that it is well: they decide, as a page may lag, and lie."""
    return seen.probed.well == seen.probed.sent


def faster_than_taken(run: DRun, name: str) -> str:
    """Why the backlog would hit the partner's rate limit, by the flags' pace in all regions; empty: it would not."""
    partner = run.facts.partners[name]
    paces = {
        region: deployed_values(run, region, run.facts.flags).get(partner.integration, {}).get("calls_a_minute")
        for region in run.service.regions
    }
    known = [pace for pace in paces.values() if isinstance(pace, int | float)]
    if len(known) < len(paces):
        return f"{partner.integration} has no calls_a_minute: nothing holds back what waits"
    if sum(known) <= partner.calls_a_minute:
        return ""
    text = ", ".join(f"{pace:g} in {region}" for region, pace in paces.items())
    return f"{partner.integration} lets {text} calls a minute through, {name} takes {partner.calls_a_minute} in all"


def must_stay_out(run: DRun, seen: LetInDecision) -> str:
    """Our own probes decide: a page may lag, and lie. One call in a hundred may fail."""
    if seen.choice:
        return ""
    if seen.too_fast:
        return f"{'; '.join(seen.too_fast)}. Lower calls_a_minute of the flag, then go on: drcore resume {run.id}"
    failing = {name: each.probed.describe() for name, each in seen.watched.items() if not probed_well(each)}
    if not failing or len(failing) < len(seen.watched):
        return ""
    text = "; ".join(f"{name}: {each}" for name, each in failing.items())
    return f"not well yet: {text}. It stays paused, and no sync is lost. Go on later: drcore resume {run.id}"


def nothing_to_let_in(run: DRun, target: Target, seen: LetInDecision) -> Check | None:
    idle = nothing_paused(run)
    return yes(f"{idle}, there is nothing to decide") if idle else None


def ways_back(run: DRun, seen: LetInDecision) -> list[Choice]:
    """All partners that are well, first; then each of them alone. One that our probes find ill stays out."""
    well = [name for name, each in seen.watched.items() if probed_well(each)]
    alone = [(name,) for name in well] if len(well) > 1 else []
    return [_way_back(seen, names, proposed=not number) for number, names in enumerate([tuple(well), *alone])]


def _way_back(seen: LetInDecision, names: tuple[str, ...], *, proposed: bool) -> Choice:
    fields = {
        name: ("is let in; " if name in names else "stays paused; ")
        + f"probes: {each.probed.describe()}; its page: {each.page.describe()}"
        for name, each in seen.watched.items()
    }
    against = [
        f"{name}: its page: {seen.watched[name].page.describe()}" for name in names if not seen.watched[name].page.well
    ]
    why = f"our probes are well, although {'; '.join(against)}" if against else "pages and probes agree"
    upper = ", ".join(name.upper() for name in names)
    return Choice(
        answer_back(names),
        f"LET {upper} IN, A PART OF THE USERS AFTER THE OTHER",
        fields,
        why if proposed else "",
    )


DECIDE_BACK = choices(
    titles.DECIDE_BACK,
    changes="records who decided which integrations are let in again, and why",
    look=see_let_in_decision,
    answers=ways_back,
    expect=nothing_to_let_in,
    forbidden=must_stay_out,
    needs=(titles.PAUSE,),
)


# ── The next partner ─────────────────────────────────────────────────────────────────────────────────────────────────


def another_is_out(run: DRun) -> bool:
    """Whether a partner stays paused; but where a person has left it out although it was well."""
    return any(case.partner not in left_out(run) for case in staying_out(run))


STEPS = (MONITOR, DECIDE_BACK)
