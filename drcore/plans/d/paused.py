"""Which integrations this run pauses, as it was decided: carried from the decision to every act in every region."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from drcore.engine.labels import label
from drcore.engine.outcome import Target
from drcore.engine.phrases import region_names
from drcore.plans.d import titles
from drcore.plans.d.facts import DRun
from drcore.plans.shared.flag_values import Flags
from drcore.plans.shared.flags import Switched, part_of, switch_target
from drcore.record.events import Kind

OURS = "ours"
_FEW = 3  # partners: more have too many answers to choose among


@dataclass(frozen=True, slots=True)
class Case:
    """One partner in trouble: whose trouble it is, by what it is known, what speaks against it.

    `pause`: whether syncs meet it. Where only the partner's page speaks of trouble, they do not.
    """

    partner: str
    cause: str
    pause: bool
    evidence: tuple[str, ...]
    against: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        return self.cause.startswith(OURS)

    def describe(self) -> str:
        text = f"{self.cause}: {'; '.join(self.evidence)}"
        return text + (f". Against it: {'; '.join(self.against)}" if self.against else "")


@dataclass(frozen=True, slots=True)
class PauseDecision:
    """What is to be decided, with what has been (an empty choice: nothing yet)."""

    cases: tuple[Case, ...] = field(metadata=label("partners in trouble"))
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def ways_to_pause(cases: tuple[Case, ...]) -> tuple[tuple[Case, ...], ...]:
    """The answers to choose among, each as the cases would be: as proposed first, then all others.

    Of many partners not every mixture: as proposed, each alone, none.
    """
    mixed: list[tuple[bool, ...]]
    if len(cases) <= _FEW:
        mixed = list(product((True, False), repeat=len(cases)))
    else:
        alone = [tuple(other is each for other in cases) for each in cases]
        mixed = [*alone, (False,) * len(cases)]
    ways = [tuple(replace(each, pause=pause) for each, pause in zip(cases, way, strict=True)) for way in mixed]
    return tuple(dict.fromkeys((cases, *ways)))


def answer_of(cases: tuple[Case, ...]) -> str:
    """What is answered: `pause strideon; leave nutrilog on`."""
    parts = [f"pause {case.partner}" for case in cases if case.pause]
    parts += [f"leave {case.partner} on" for case in cases if not case.pause]
    return "; ".join(parts) or "leave all on"


def decided_cases(run: DRun) -> tuple[Case, ...]:
    """The cases as they were when it was decided, paused or not as that was; before that as it would be proposed."""
    act = run.history.act(titles.DECIDE)
    if act:
        answer = run.decided(titles.DECIDE).choice or run.history.answer(titles.DECIDE)
        proposed = tuple(
            Case(
                each["partner"], each["cause"], each["pause"], tuple(each["evidence"]), tuple(each.get("against") or ())
            )
            for each in act.first["before"]["cases"]
        )
        return next((way for way in ways_to_pause(proposed) if answer_of(way) == answer), proposed)
    looked = run.result(titles.DECIDE)
    states: list[PauseDecision] = list(looked.states.values()) if looked else []
    return states[0].cases if states else ()


def paused(run: DRun) -> tuple[Case, ...]:
    """The cases whose integration is paused."""
    return tuple(case for case in decided_cases(run) if case.pause)


def being_let_in(run: DRun) -> tuple[Case, ...]:
    """The cases that were decided to be let in again: one after the other, as each partner is back.

    One that was backed out of since, as the partner has failed again, is to be decided anew.
    """
    decided = {
        name: line["n"]
        for line in run.history.lines(Kind.DECISION, step=titles.DECIDE_BACK)
        for name in _names(line["choice"])
    }
    return tuple(case for case in paused(run) if decided.get(case.partner, 0) > _last_out(run, case.partner))


def _last_out(run: DRun, partner: str) -> int:
    """The line of the journal in which letting a partner in was backed out of last, in any region; 0: it never was."""
    targets = [switch_target(region, partner) for region in run.service.regions]
    lines = [run.history.last(Kind.BACKED_OUT, step=titles.LET_IN, target=target) for target in targets]
    return max((line["n"] for line in lines if line), default=0)


def answer_back(names: Iterable[str]) -> str:
    """What is answered to let partners in again: `let strideon, nutrilog in`."""
    return f"let {', '.join(names)} in"


def _names(answer: str) -> list[str]:
    return answer.removeprefix("let ").removesuffix(" in").split(", ")


def staying_out(run: DRun) -> tuple[Case, ...]:
    """The cases that are paused, and of which nobody has decided yet that they are let in again."""
    back = being_let_in(run)
    return tuple(case for case in paused(run) if case not in back)


def round_is_open(run: DRun) -> bool:
    """Whether partners are being let in: it was decided, and users were not told since how it stands."""
    decided = run.history.last(Kind.DECISION, step=titles.DECIDE_BACK)
    resolved = run.history.last(Kind.STEP_ENDED, step=titles.RESOLVED)
    return bool(being_let_in(run) and decided and not (resolved and resolved["n"] > decided["n"]))


def left_out(run: DRun) -> set[str]:
    """The partners that a person has left out when it was decided last, although they were well."""
    act, choices = run.history.act(titles.DECIDE_BACK), run.history.choices(titles.DECIDE_BACK)
    probed = {name: each["probed"] for name, each in act.last["before"]["watched"].items()} if act else {}
    well = {name for name, each in probed.items() if each["well"] == each["sent"]}
    return well.difference(_names(choices[-1]) if choices else ())


def is_let_in(run: DRun, partner: str) -> bool:
    """Whether this run has begun to let an integration in again in a region, and has not gone back on it."""
    targets = [switch_target(region, partner) for region in run.service.regions]
    return any(
        run.history.act(titles.LET_IN, target) and not run.history.backed_out(titles.LET_IN, target)
        for target in targets
    )


def parts_to_pause(run: DRun) -> tuple[str, ...]:
    """The partners whose integrations are paused: each by a switch of its own."""
    return tuple(case.partner for case in paused(run))


def parts_to_let_in(run: DRun) -> tuple[str, ...]:
    """The partners whose integrations are let in again, each by a switch of its own."""
    return tuple(case.partner for case in being_let_in(run))


def nothing_paused(run: DRun) -> str:
    """Why there is nothing to pause or to let in; empty where there is."""
    if paused(run):
        return ""
    cases = decided_cases(run)
    if cases:
        return f"syncs with {', '.join(case.partner for case in cases)} work, nothing was paused"
    return "no partner is in trouble"


def no_need_to_pause(run: DRun, partner: str = "") -> str:
    """Why there is nothing to pause, or not any more; empty where there is. Of one partner, or of all."""
    names = [partner] if partner else [case.partner for case in paused(run)]
    all_in = bool(names) and all(is_let_in(run, name) for name in names)
    return nothing_paused(run) or ("this run had paused it, and has let it in again" if all_in else "")


def not_let_in(run: DRun) -> str:
    """Why there is nothing to let in; empty where there is."""
    return nothing_paused(run) or ("" if being_let_in(run) else "no partner was decided to be let in")


def switching(what: str, flags: Callable[[DRun, str], Flags]) -> Callable[[DRun, Mapping[Target, Switched]], str]:
    """What is typed to switch flags: of those partners of which something is to be switched."""

    def typed(run: DRun, states: Mapping[Target, Switched]) -> str:
        named = [flag for part in dict.fromkeys(map(part_of, states)) for flag in flags(run, part)]
        return f"{what} IN {region_names(states)}: {', '.join(named)}"

    return typed


def banner(run: DRun, case: Case) -> str:
    """The text of the banner: whose trouble it is stands in it."""
    words = run.facts.words.banner_ours if case.ours else run.facts.words.banner
    return words.replace("{partner}", run.facts.partners[case.partner].title)


def all_flags(run: DRun, partner: str = "") -> tuple[str, ...]:
    """The flags of a partner, or of all."""
    of = [run.facts.partners[partner]] if partner else run.facts.partners.values()
    return tuple(flag for each in of for flag in (each.integration, each.banner))


def pause_flags(run: DRun, of: str = "") -> Flags:
    """The integrations off, their banners on with what they say: of one partner, or of all that are paused."""
    flags: dict[str, dict[str, bool | str | int | float]] = {}
    for case in paused(run):
        if of and case.partner != of:
            continue
        partner = run.facts.partners[case.partner]
        flags[partner.integration] = {"enabled": False}
        flags[partner.banner] = {"enabled": True, "text": banner(run, case)}
    return flags


def let_in_flags(run: DRun, of: str = "") -> Flags:
    """The integrations on, their banners off: of one partner, or of all that are let in."""
    flags: dict[str, dict[str, bool | str | int | float]] = {}
    for case in being_let_in(run):
        if of and case.partner != of:
            continue
        partner = run.facts.partners[case.partner]
        flags[partner.integration] = {"enabled": True}
        flags[partner.banner] = {"enabled": False}
    return flags
