"""Plan C, the decision: a hotfix, or back to the code of the stable version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from drcore.engine.consent import Choice
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, never, yes
from drcore.errors import Rejected, Unknown
from drcore.plans.c import titles
from drcore.plans.c.crash_rates import CrashRate, export, exported
from drcore.plans.c.facts import CRun
from drcore.plans.c.p1_detect import affected
from drcore.plans.c.p3_feature import feature
from drcore.plans.c.stores import BOTH
from drcore.plans.c.versions import key, next_version, release_of, stable_before, suspect
from drcore.plans.shared.decision import choices, taken
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
    """What takes the place of which version, by either remedy; what has been decided (empty: nothing yet).

    `why` is why the recommended remedy is recommended.
    """

    bad: str = field(metadata=label("bad version"))
    stable: str = field(metadata=label("stable version before it"))
    stable_source: str = field(metadata=label("rolled back, built from"))
    hotfix_source: str = field(metadata=label("hotfix, built from"))
    version: str = field(metadata=label("built as version"))
    stores: tuple[str, ...] = field(metadata=label("stores"))
    choice: str = field(metadata=label("decision"))
    unreadable: str = field(compare=False, metadata=label("local data that the stable code cannot read"))
    inputs: tuple[OfStore, ...] = field(compare=False)
    recommended: str = field(compare=False)
    why: str = field(compare=False, metadata=label("recommended because"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)

    @property
    def source(self) -> str:
        """What the decided remedy is built from."""
        return self.stable_source if self.choice == ROLL_BACK else self.hotfix_source


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
    remedy, why = _recommended(run, unreadable, inputs)
    if run.incident.remedy:
        remedy, why = run.incident.remedy, f"named in the parameters; what was seen speaks for: {remedy}, as {why}"
    names, hotfix = tuple(map(str, stores)), run.facts.build_job.hotfix
    version = next_version(run)
    return Replacement(bad, stable.version, stable.tag, hotfix, version, names, "", unreadable, inputs, remedy, why)


_NONE = Replacement("", "", "", "", "", (), "", "", (), "", "")


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


def is_to_be_decided(run: CRun, target: Target, seen: Replacement) -> Check | None:
    if not seen.bad:
        return yes("no trouble was seen, there is nothing to decide")
    if not seen.version:
        return never("no version can take its place")
    if run.incident.remedy == ROLL_BACK and seen.unreadable:
        return never(f"{_barred(seen)} Decide for a hotfix: -p remedy=hotfix")
    return None


def must_not_roll_back(run: CRun, seen: Replacement) -> str:
    return _barred(seen) if seen.choice == ROLL_BACK and seen.unreadable else ""


def _barred(seen: Replacement) -> str:
    return f"{seen.unreadable}: the old code would crash on start."


def remedies(run: CRun, seen: Replacement) -> tuple[Choice, ...]:
    """Both remedies as answers, each with what is known of its code."""
    before = "; ".join(f"{each.store}: {each.previous.describe()}" for each in seen.inputs)
    old = {
        "built from": seen.stable_source,
        "code": f"of {seen.stable}",
        "crashes": before,
        "local data": seen.unreadable or "it can read what the bad version has written",
    }
    new = {
        "built from": seen.hotfix_source,
        "code": "new",
        "crashes": "no user has had it yet",
        "local data": "it must read what the bad version has written",
    }
    barred = _barred(seen) if seen.unreadable else ""
    return _answer(seen, ROLL_BACK, old, barred), _answer(seen, HOTFIX, new, "")


def _answer(seen: Replacement, remedy: str, numbers: Mapping[str, str], barred: str) -> Choice:
    what = f"{seen.bad} TO {seen.version} FROM {numbers['built from']} ON {', '.join(seen.stores)}"
    recommended = seen.why if remedy == seen.recommended and not barred else ""
    return Choice(remedy, f"{remedy.upper()}: {what}", dict(numbers), recommended, barred)


def show_inputs(run: CRun, states: Mapping[Target, Replacement]) -> Iterator[Exhibit]:
    for seen in states.values():
        rows: list[tuple[Cell, ...]] = []
        for store_input in seen.inputs:
            before = _for(store_input.previous.is_proven_bad(run))
            rows.append((f"{seen.stable} on {store_input.store}", store_input.previous.describe(), before))
            share = (
                "not known"
                if store_input.users_percent is None
                else f"{store_input.users_percent:g} % of the active users"
            )
            rows.append((f"who has {store_input.bad} on {store_input.store}", share, "both"))
        rows.append(("server-side flag", _meanwhile(run, seen.bad), "both"))
        rows.append(("local data", seen.unreadable or "the stable code can read it", _for(bool(seen.unreadable))))
        if seen.bad:
            title = "What speaks for a hotfix, what for rolling back"
            yield Table("remedies", title, ("what", "seen", "speaks for"), tuple(rows))


def _meanwhile(run: CRun, bad: str) -> str:
    """Whether our own servers can spare who has the bad version, so that a hotfix has time."""
    try:
        flag = feature(run)
    except (Unknown, Rejected) as error:
        return f"not known: {error}"
    return f"{flag} turns the feature off in {bad}" if flag else "none fits the errors of the bad version"


def _for(against: bool) -> str:
    return HOTFIX if against else ROLL_BACK


DECIDE = choices(
    titles.DECIDE,
    changes="records who decided for a hotfix, or to roll back, and why",
    look=see_remedy,
    answers=remedies,
    expect=is_to_be_decided,
    forbidden=must_not_roll_back,
    needs=(titles.HALT_PLAY, titles.HALT_IOS),
    shows=show_inputs,
    moment="decided",
)


def decided(run: CRun) -> Replacement | None:
    """What was decided; in a rehearsal what would be. None: nothing is to take any version's place. Raises Unknown."""
    act = run.history.act(titles.DECIDE)
    if act:
        answer = run.decided(titles.DECIDE).choice or run.history.answer(titles.DECIDE)
        known: Replacement = DECIDE.from_json(act.first["before"])
        return replace(known, choice=answer)
    looked = run.result(titles.DECIDE) if run.rehearsing else None
    seen = next(iter(looked.states.values()), None) if looked else None
    return replace(seen, choice=seen.recommended) if seen and seen.bad else None


def is_to_be_replaced(run: CRun, store: Target) -> Replacement | None:
    """The remedy, where a store needs it."""
    remedy = decided(run)
    return remedy if remedy and str(store) in remedy.stores else None


def stores_to_replace(run: CRun) -> tuple[Target, ...]:
    """The stores in which another version is to take the place of the bad one."""
    return tuple(store for store in BOTH if is_to_be_replaced(run, store))


STEPS = (DECIDE,)
