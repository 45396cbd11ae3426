"""Plan C, a lever on those who have the bad version already: the feature that is at fault is off in it.

The app asks our own servers for the flag, so that no store's time is in the way.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from drcore.engine.outcome import Target
from drcore.engine.phrases import region_names
from drcore.plans.c import titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.p1_detect import affected
from drcore.plans.c.p3_triage import TRIAGE, TopError, reported
from drcore.plans.c.versions import key, suspect
from drcore.plans.shared.flag_values import Flags
from drcore.plans.shared.flags import change_flags
from drcore.record.events import Kind

_READ: WeakKeyDictionary[CRun, tuple[TopError, ...]] = WeakKeyDictionary()

# ── Turn the feature off ─────────────────────────────────────────────────────────────────────────────────────────────


def bad_version(run: CRun) -> str:
    """The version that is bad, of all stores; empty where none is."""
    return max((suspect(run, store) for store in affected(run)), key=key, default="")


def feature(run: CRun) -> str:
    """The flag of the feature that is at fault: as it was named, or as new errors of the bad version name it.

    What this run has turned off already stays what it is about. Empty: no feature is known to be at fault.
    """
    act = run.history.act(titles.FEATURE)
    if act:
        return next(iter(act.first["before"]["named"]), "")
    known, named = run.facts.features, run.incident.feature
    if named:
        return known[named]
    new = _new_errors(run)
    return next((flag for name, flag in known.items() if any(name in error for error in new)), "")


def _new_errors(run: CRun) -> tuple[str, ...]:
    """What the bad version was reported for and no other was, the most frequent first. Raises Unknown, Rejected."""
    bad, top = bad_version(run), _top(run)
    before = {each.error for each in top if each.version != bad}
    return tuple(each.error for each in top if each.version == bad and each.error not in before)


def _top(run: CRun) -> tuple[TopError, ...]:
    """As the last triage has seen them. Where it has not been able to, they are read here, once."""
    looks = [line["state"] for line in run.history.lines(Kind.LOOK, step=titles.TRIAGE) if line["state"]]
    if looks:
        return TRIAGE.from_json(looks[-1]).top
    if run not in _READ:
        _READ[run] = reported(run)[0]
    return _READ[run]


def feature_off(run: CRun, _: str) -> Flags:
    bad, flag = bad_version(run), feature(run)
    return {flag: {"enabled": True, "off_from": bad, "off_to": bad}} if bad and flag else {}


def no_feature(run: CRun, target: Target) -> str:
    if not bad_version(run):
        return "no trouble was seen, no feature is to be turned off"
    if feature(run):
        return ""
    known = ", ".join(run.facts.features)
    return f"no new error names a feature that can be turned off ({known}): name one to do so (-p feature=NAME)"


FEATURE = change_flags(
    titles.FEATURE,
    changes="the app does without the feature that is at fault, in the bad version alone, in both stores at once",
    where=lambda run: run.facts.levers.flags,
    of=lambda run, part: tuple(run.facts.features.values()),
    wanted=feature_off,
    idle=no_feature,
    phrase=lambda run, states: f"TURN OFF {feature(run)} IN {bad_version(run)} IN {region_names(states)}",
    needs=(titles.DETECT,),
    goes_on=True,
)
