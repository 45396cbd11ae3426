"""Plan C, the last lever of the App Store: the app off sale in some territories, until the replacement is out.

It is the app's, whatever its version: nobody new gets any. Who has it keeps it. It is pulled only where a person names
the territories; what this run has taken off is what it puts back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.calls.gate import Call
from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Outcome, Target, no, not_needed, wrong, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.c import resources, titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.stores import APP_STORE, app_store
from drcore.record.events import Kind
from drcore.services.appstore.availability import Territory, territories, turn_territory

EVERYWHERE = "all"


@dataclass(frozen=True, slots=True)
class Sale:
    """The territories that are asked about: where the app is on sale, where it is not, where the store follows yet."""

    on: tuple[str, ...] = field(default=(), metadata=label("on sale in"))
    off: tuple[str, ...] = field(default=(), metadata=label("off sale in"))
    following: tuple[str, ...] = field(default=(), compare=False, metadata=label("the store follows in"))


def named_territories(run: CRun) -> tuple[str, ...]:
    """The codes that a person has named, `all` for all; none where the lever is not pulled."""
    return tuple(filter(None, run.incident.off_sale.split(",")))


def unknown_territories(run: CRun) -> Check:
    """Preflight: each code that is named must be one of the app's."""
    known = {each.code for each in territories(app_store(run))}
    unknown = [code for code in named_territories(run) if code not in known and code != EVERYWHERE]
    if unknown:
        seen = ", ".join(unknown)
        return wrong("off_sale", f"expected codes of territories of the app, such as DEU, or {EVERYWHERE}; seen {seen}")
    return yes(", ".join(named_territories(run)))


def _of(run: CRun, codes: tuple[str, ...]) -> list[Territory]:
    known = territories(app_store(run)) if codes else ()
    return [each for each in known if each.code in codes or EVERYWHERE in codes]


def _sale(listed: list[Territory]) -> Sale:
    return Sale(
        tuple(each.code for each in listed if each.available),
        tuple(each.code for each in listed if not each.available),
        tuple(each.code for each in listed if any("PROCESSING" in status for status in each.content)),
    )


def _turn(run: CRun, code: str, *, available: bool) -> None:
    (territory,) = _of(run, (code,))
    turn_territory(app_store(run), territory.id, available=available)


def _to_apple(run: CRun, target: Target, seen: Sale) -> Call:
    """The change of one territory, as a rehearsal names it before any is named."""
    url = f"{run.facts.app_store.url}/v1/territoryAvailabilities/<territory>"
    return Call("http", "PATCH", "", True, parameters={"url": url, "json": {"available": "<true or false>"}})


# ── Take the app off sale ────────────────────────────────────────────────────────────────────────────────────────────


def see_named(run: CRun, target: Target) -> Sale:
    if run.history.intended(titles.ON_SALE):
        return Sale()
    return _sale(_of(run, named_territories(run)))


def is_off_sale(run: CRun, target: Target, seen: Sale) -> Check:
    if not named_territories(run):
        return not_needed(
            "no territory is named: to take the app off sale, all its versions, name them (-p off_sale=…)"
        )
    if "detected" not in run.moments:
        return yes("no trouble was seen, the app stays on sale")
    if run.history.intended(titles.ON_SALE):
        return yes("this run had taken it off sale, and has put it back")
    return no(f"on sale in {', '.join(seen.on)}") if seen.on else yes(f"off sale in {', '.join(seen.off)}")


def take_off(run: CRun, target: Target, seen: Sale) -> None:
    _turn(run, seen.on[0], available=False)


def undo_off_sale(run: CRun, target: Target, before: Sale) -> None:
    """The next one that was on sale before, and is not."""
    now = see_named(run, target)
    left = [code for code in before.on if code in now.off]
    if left:
        _turn(run, left[0], available=True)


def _taking(run: CRun, states: Mapping[Target, Sale]) -> str:
    codes = ", ".join(code for seen in states.values() for code in seen.on)
    return f"TAKE THE APP, ALL ITS VERSIONS, OFF SALE IN {codes}"


OFF_SALE = Step(
    titles.OFF_SALE,
    changes="nobody can download the app, whatever its version, in the territories that are named; who has it keeps it",
    look=see_named,
    expect=is_off_sale,
    act=take_off,
    supposed=_to_apple,
    undo=undo_off_sale,
    targets=lambda run: (APP_STORE,),
    needs=(titles.DETECT,),
    goes_on=True,
    consent=Consent.TYPED,
    phrase=_taking,
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=lambda run: 60 * run.facts.halt_minutes, every=2),
    repeat=True,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.app_store_key),
)


# ── Put the app back on sale ─────────────────────────────────────────────────────────────────────────────────────────


def taken_off(run: CRun) -> tuple[str, ...]:
    """The territories in which this run has taken the app off sale: as they were when it began to."""
    act = run.history.act(titles.OFF_SALE)
    return tuple(act.first["before"]["on"]) if act else ()


def see_taken_off(run: CRun, target: Target) -> Sale:
    return _sale(_of(run, taken_off(run)))


def back_on_sale(run: CRun) -> datetime | None:
    """When this run had put the app back on sale everywhere; None: it had taken it off nowhere, or has not yet."""
    line = run.history.last(Kind.RESULT, step=titles.ON_SALE)
    return parse_time(line["time"]) if line and taken_off(run) and line["outcome"] == Outcome.DONE else None


def is_on_sale(run: CRun, target: Target, seen: Sale) -> Check:
    if not taken_off(run):
        return not_needed("this run has taken the app off sale nowhere")
    if seen.off:
        return no(f"off sale in {', '.join(seen.off)}")
    if seen.following:
        return no(f"the store follows in {', '.join(seen.following)}")
    return yes(f"on sale in {', '.join(seen.on)}")


def put_back(run: CRun, target: Target, seen: Sale) -> None:
    if seen.off:  # else the store follows: that is waited for
        _turn(run, seen.off[0], available=True)


ON_SALE = Step(
    titles.ON_SALE,
    changes="the app is on sale again where this run has taken it off",
    look=see_taken_off,
    expect=is_on_sale,
    act=put_back,
    supposed=_to_apple,
    targets=lambda run: (APP_STORE,),
    needs=(titles.REVIEW,),
    goes_on=True,
    consent=Consent.GO,
    phrase=lambda run, states: (
        "PUT THE APP BACK ON SALE IN " + ", ".join(code for seen in states.values() for code in seen.off)
    ),
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 3600 * run.facts.verify_hours, every=60),
    repeat=True,
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.app_store_key),
)
