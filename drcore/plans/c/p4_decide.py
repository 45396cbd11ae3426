"""Plan C, the decision: a hotfix, or back to the code of the stable version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, no, yes
from drcore.plans.c import titles
from drcore.plans.c.crash_rates import CrashRate, export, exported
from drcore.plans.c.facts import CRun
from drcore.plans.c.p1_detect import affected
from drcore.plans.c.stores import BOTH
from drcore.plans.c.versions import key, next_version, release_of, stable_before, suspect
from drcore.plans.shared.decision import choice_not_known, decision, taken
from drcore.record.evidence import Cell, Exhibit, Table

ROLL_BACK, HOTFIX = "roll back", "hotfix"

# ── Decide: hotfix or roll back ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OfStore:
    """What speaks for either in one store: whether the stable version is bad too, how many use the bad one.

    `users_percent` is of those active in the last hours; None: nobody was seen.
    """

    store: str
    bad: str
    previous: CrashRate
    users_percent: float | None = field(metadata=label("of the active users have it", unit="%"))


@dataclass(frozen=True, slots=True)
class Replacement:
    """What takes the place of which version: built from which source, and what has been decided (empty: nothing)."""

    bad: str = field(metadata=label("bad version"))
    stable: str = field(metadata=label("stable version before it"))
    remedy: str
    version: str = field(metadata=label("built as version"))
    source: str = field(metadata=label("built from"))
    stores: tuple[str, ...]
    choice: str = field(metadata=label("decision"))
    unreadable: str = field(compare=False, metadata=label("local data that the stable code cannot read"))
    inputs: tuple[OfStore, ...] = field(compare=False)
    why: str = field(compare=False, metadata=label("recommended because"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)


def see_remedy(run: CRun, target: Target) -> Replacement:
    act = run.history.act(titles.DECIDE)
    stores = affected(run)
    if act or not stores:
        known = DECIDE.from_json(act.first["before"]) if act else _NONE
        choice, by, reason = taken(run, titles.DECIDE)
        return replace(known, choice=choice, by=by, reason=reason)
    bad = max((suspect(run, store) for store in stores), key=key)
    stable, known_bad = stable_before(run, bad), release_of(run, bad)
    inputs = tuple(_inputs(run, store, bad, stable.version) for store in stores)
    unreadable = ""
    if known_bad is None:
        unreadable = f"not known: the pipeline has written nothing down of {bad}"
    elif known_bad.local_schema > stable.local_schema:
        unreadable = f"{bad} writes local schema {known_bad.local_schema}, {stable.version} reads {stable.local_schema}"
    proposed, why = _recommended(run, unreadable, inputs)
    remedy = run.incident.remedy or proposed
    source = stable.tag if remedy == ROLL_BACK else run.facts.build_job.hotfix
    names = tuple(map(str, stores))
    return Replacement(bad, stable.version, remedy, next_version(run), source, names, "", unreadable, inputs, why)


_NONE = Replacement("", "", "", "", "", (), "", "", (), "")


def _inputs(run: CRun, store: Target, bad: str, stable: str) -> OfStore:
    now = run.clock.now()
    since = now - timedelta(hours=run.facts.window_hours)
    lately = exported(run, store, (bad, stable), now - timedelta(hours=run.facts.fresh_hours), now)
    active = {version: points[0].total or 0 for version, points in lately.items()}
    share = 100 * active[bad] / sum(active.values()) if sum(active.values()) else None
    return OfStore(str(store), bad, export(run, store, stable, since, now), share and round(share, 1))


def _recommended(run: CRun, unreadable: str, inputs: tuple[OfStore, ...]) -> tuple[str, str]:
    if unreadable:
        return HOTFIX, unreadable
    also = [each.store for each in inputs if each.previous.is_proven_bad(run)]
    if also:
        return HOTFIX, f"the stable version is bad, too, on {', '.join(also)}: its code is no remedy"
    return ROLL_BACK, "the stable version is not bad, and its code can read what the bad one has written"


def must_not_roll_back(run: CRun, seen: Replacement) -> str:
    if seen.remedy == ROLL_BACK and seen.unreadable:
        return f"{seen.unreadable}: the old code would crash on start. Decide for a hotfix: -p remedy=hotfix"
    return ""


def is_to_be_decided(run: CRun, target: Target, seen: Replacement) -> Check:
    if not seen.bad:
        return yes("no trouble was seen, there is nothing to decide")
    if not seen.version:
        return never("no version can take its place")
    named = "named in the parameters" if run.incident.remedy else "recommended"
    return no(f"to decide: {_choice(seen)} ({named}: {seen.why})")


def _choice(seen: Replacement) -> str:
    code = f"the code of {seen.stable}" if seen.remedy == ROLL_BACK else f"{seen.source} (hotfix)"
    return f"{seen.bad} gives way to {seen.version}, built from {code}, on {', '.join(seen.stores)}"


def show_inputs(run: CRun, states: Mapping[Target, Replacement]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows: list[tuple[Cell, ...]] = []
        for each in seen.inputs:
            before = _for(each.previous.is_proven_bad(run))
            rows.append((f"{seen.stable} on {each.store}", each.previous.describe(), before))
            share = "not known" if each.users_percent is None else f"{each.users_percent:g} % of the active users"
            rows.append((f"who has {each.bad} on {each.store}", share, "both"))
        rows.append(("local data", seen.unreadable or "the stable code can read it", _for(bool(seen.unreadable))))
        if seen.bad:
            title = f"What speaks for a hotfix, what for rolling back: {seen.remedy} is to be decided"
            yield Table("remedies", title, ("what", "seen", "speaks for"), tuple(rows))


def _for(against: bool) -> str:
    return HOTFIX if against else ROLL_BACK


DECIDE = decision(
    titles.DECIDE,
    supposed=choice_not_known(titles.DECIDE),
    changes="records who decided for a hotfix, or to roll back, and why",
    look=see_remedy,
    expect=is_to_be_decided,
    forbidden=must_not_roll_back,
    choice=lambda run, seen: f"{seen.remedy}: {_choice(seen)}",
    phrase=lambda run, states: "; ".join(
        f"{seen.remedy.upper()}: {seen.bad} TO {seen.version} FROM {seen.source} ON {', '.join(seen.stores)}"
        for seen in states.values()
    ),
    needs=(titles.HALT_PLAY, titles.HALT_IOS),
    shows=show_inputs,
    moment="decided",
)


def decided(run: CRun) -> Replacement | None:
    """What was decided; in a rehearsal what would be. None: nothing is to take any version's place. Raises Unknown."""
    act = run.history.act(titles.DECIDE)
    if act:
        return DECIDE.from_json(act.first["before"])
    looked = run.result(titles.DECIDE) if run.rehearsing else None
    seen = next(iter(looked.states.values()), None) if looked else None
    return seen if seen and seen.bad else None


def is_to_be_replaced(run: CRun, store: Target) -> Replacement | None:
    """The remedy, where a store needs it."""
    remedy = decided(run)
    return remedy if remedy and str(store) in remedy.stores else None


def stores_to_replace(run: CRun) -> tuple[Target, ...]:
    """The stores in which another version is to take the place of the bad one."""
    return tuple(store for store in BOTH if is_to_be_replaced(run, store))


STEPS = (DECIDE,)
