"""Plan D, the decision by a person: which integrations are paused, whose trouble it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drcore.engine.consent import Choice
from drcore.engine.outcome import Check, Target, yes
from drcore.plans.d import charts, titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.partner_signals import PartnerSignals, probes_fail, read_signals, too_high
from drcore.plans.d.paused import OURS, Case, PauseDecision, answer_of, decided_cases, ways_to_pause
from drcore.plans.shared.decision import choices, taken
from drcore.record.evidence import Exhibit

THE_PARTNER = "the partner"
OUR_CREDENTIAL = f"{OURS}: our credential is refused"
OUR_WAY_OUT = f"{OURS}: no partner answers us, and no page tells of an outage"
ITS_PAGE_ONLY = "its page only"


def see_decision(run: DRun, target: Target) -> PauseDecision:
    choice, by, reason = taken(run, titles.DECIDE)
    if choice:
        return PauseDecision(decided_cases(run), choice, by, reason)
    if "detected" not in run.moments and not run.rehearsing:
        return PauseDecision(())
    return PauseDecision(tuple(_cases(run)))


def _cases(run: DRun) -> Iterator[Case]:
    """The partners in trouble, each with what speaks for it and what against. Raises Unknown, Rejected."""
    looked = run.result(titles.DETECT)
    states = looked.states if looked else {}
    seen = {name: states.get(Target(thing=name)) or read_signals(run, name) for name in run.facts.partners}
    harmed = {name: too_high(run, signals.rates) for name, signals in seen.items()}
    failing = [name for name, signals in seen.items() if harmed[name] and probes_fail(signals.probed)]
    cut_off = len(seen) > 1 and len(failing) == len(seen) and not any(each.page.down for each in seen.values())
    for name, signals in seen.items():
        if not (harmed[name] or signals.page.down or run.incident.partner == name):
            continue
        yield _case(run, name, signals, harmed[name], cut_off)


def _case(run: DRun, name: str, signals: PartnerSignals, high: tuple[str, ...], cut_off: bool) -> Case:
    page, probed = f"its page: {signals.page.describe()}", f"probes: {signals.probed.describe()}"
    fail = probes_fail(signals.probed)
    by_person = (f"found by a person: {run.incident.reason}",) if run.incident.partner == name else ()
    if not high and not fail and not by_person:
        return Case(name, ITS_PAGE_ONLY, False, (page,), ("no rate of our calls is too high", probed))
    if signals.probed.refused > signals.probed.sent // 2 or _mostly_refused(signals):
        return Case(name, OUR_CREDENTIAL, True, (*high, *by_person, probed), () if signals.page.down else (page,))
    if cut_off:
        return Case(name, OUR_WAY_OUT, True, (*high, *by_person, probed), (page,))
    evidence, against = [*high, *by_person], list[str]()
    (evidence if fail else against).append(probed)
    (evidence if signals.page.down else against).append(page)
    return Case(name, THE_PARTNER, True, tuple(evidence), tuple(against))


def _mostly_refused(signals: PartnerSignals) -> bool:
    made = sum(rate.calls or 0 for rate in signals.rates)
    return bool(signals.unauthorized and signals.unauthorized > made / 2)


def nothing_to_decide(run: DRun, target: Target, seen: PauseDecision) -> Check | None:
    return None if seen.cases else yes("no partner is in trouble, there is nothing to decide")


def answers(run: DRun, seen: PauseDecision) -> list[Choice]:
    """Which of the partners are paused: as proposed, or otherwise, as the person sees it."""
    return [_answer(run, way, proposed=way == seen.cases) for way in ways_to_pause(seen.cases)]


def _answer(run: DRun, way: tuple[Case, ...], *, proposed: bool) -> Choice:
    pause = [case.partner.upper() for case in way if case.pause]
    leave = [case.partner.upper() for case in way if not case.pause]
    parts = ([f"PAUSE {', '.join(pause)}"] if pause else []) + ([f"LEAVE {', '.join(leave)} ON"] if leave else [])
    effects = {case.partner: "its syncs wait" if case.pause else "its syncs go on, well or not" for case in way}
    causes = "; ".join(f"{case.partner}: {case.cause}" for case in way)
    return Choice(
        answer_of(way),
        f"{' AND '.join(parts) or 'LEAVE ALL ON'} IN {', '.join(run.service.regions)}",
        effects,
        causes or "no partner is in trouble" if proposed else "",
    )


def show_cases(run: DRun, states: Mapping[Target, PauseDecision]) -> Iterator[Exhibit]:
    for seen in states.values():
        if seen.cases:
            yield charts.cases_table(seen.cases)


DECIDE = choices(
    titles.DECIDE,
    changes="records who decided which integrations are paused, and whose trouble it is",
    look=see_decision,
    answers=answers,
    expect=nothing_to_decide,
    needs=(titles.DETECT,),
    shows=show_cases,
    moment="decided",
)


STEPS = (DECIDE,)
