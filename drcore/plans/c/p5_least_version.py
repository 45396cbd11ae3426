"""Plan C, a lever on those who have the bad version still: the app asks to be updated, where the replacement is out.

The app asks our own servers for the flag, so that no store's time is in the way.
"""

from __future__ import annotations

from collections.abc import Mapping

from drcore.engine.outcome import Target
from drcore.engine.phrases import region_names
from drcore.plans.c import titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.p4_decide import decided
from drcore.plans.c.stores import BOTH, PLAY
from drcore.plans.shared.flag_values import Flags, Value
from drcore.plans.shared.flags import Switched, change_flags

# ── Ask for a least version ──────────────────────────────────────────────────────────────────────────────────────────


def stores_with_replacement(run: CRun) -> Mapping[str, str]:
    """By the flag's name for a store the version that everybody is to have there; none where nothing is replaced."""
    remedy = decided(run)
    if remedy is None:
        return {}
    names = {str(store): "google_play" if store == PLAY else "app_store" for store in BOTH}
    return {names[store]: remedy.version for store in remedy.stores}


def least_version(run: CRun, _: str) -> Flags:
    if run.rehearsing:
        return {}  # another switch would have been made by then: only its call can be named
    wanted: dict[str, Value] = {"enabled": True, **stores_with_replacement(run)}
    return {run.facts.levers.least_version: wanted} if len(wanted) > 1 else {}


def nothing_to_ask_for(run: CRun, target: Target) -> str:
    if run.rehearsing and stores_with_replacement(run):
        return "asked for once the replacement is out"
    return "" if stores_with_replacement(run) else "nothing is to take any version's place"


def _asking(run: CRun, states: Mapping[Target, Switched]) -> str:
    text = ", ".join(f"{version} ON {store.upper()}" for store, version in stores_with_replacement(run).items())
    return f"ASK FOR AT LEAST {text} IN {region_names(states)}"


LEAST = change_flags(
    titles.LEAST,
    changes="an app that is older than the replacement says that it must be updated, where the replacement is out",
    where=lambda run: run.facts.levers.flags,
    of=lambda run, part: (run.facts.levers.least_version,),
    wanted=least_version,
    idle=nothing_to_ask_for,
    phrase=_asking,
    needs=(titles.REVIEW,),
    goes_on=True,
)
