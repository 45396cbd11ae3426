"""What has changed since a run: in its plan, its parameters, its IAM policy, the lock file.

A record that is older than what it is asked for says so: that nothing is known is not that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from drcore.engine.permissions import Place, fingerprint
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.parameters import Model, Service, as_data, load
from drcore.run.host import lock

_MOST = 6  # names that are told


@dataclass(frozen=True, slots=True)
class Standing:
    """What a run of a plan in an environment stands on.

    `planned`: the fingerprints of the steps by key; `policy`, `lock`: digests. Empty: it is not known.
    """

    planned: Mapping[str, str]
    service: Mapping[str, Any]
    facts: Mapping[str, Any]
    policy: str
    lock: str


def standing(plan: Plan[Any], environment: str) -> Standing:
    """What a run that is begun now would stand on. Raises BadInput where the environment cannot be used."""
    service: Service
    facts: Model
    service, facts = load(HOME / "parameters", environment, plan.id, plan.facts)
    policy = fingerprint(plan.permissions, Place(service, facts))
    return Standing(plan.fingerprints(), as_data(service), as_data(facts), policy, lock())


def since(
    plan: Plan[Any],
    environment: str,
    *,
    parameters: Mapping[str, Any],
    planned: Mapping[str, str],
    policy: str,
    lock: str,
) -> tuple[str, ...]:
    """What has changed since a run, by what its record holds. Raises BadInput where the environment cannot be used."""
    now = standing(plan, environment)
    service, facts = parameters.get("service"), parameters.get("facts")
    if not isinstance(service, dict) or not isinstance(facts, dict):
        return ("parameters: not known, the record has none",)
    return changes(Standing(planned, service, facts, policy, lock), now)


def changes(then: Standing, now: Standing) -> tuple[str, ...]:
    """What differs, in words, each kind of change once. Empty: nothing that can be seen from here."""
    return tuple(_changes(then, now))


def _changes(then: Standing, now: Standing) -> Iterator[str]:
    if not then.planned:
        yield "plan: not known, the record is of a format that does not say"
    elif list(then.planned.items()) != list(now.planned.items()):
        yield f"plan: {_steps(then.planned, now.planned)}"
    # How often it is exercised says nothing of what was exercised.
    different = [
        name
        for before, after in ((then.service, now.service), (then.facts, now.facts))
        for name in _different(before, after)
        if name.partition(".")[0] not in _NOT_EXERCISED
    ]
    if different:
        yield f"parameters: {_some(different)}"
    if not then.policy:
        yield "IAM: not known, the record does not say"
    elif then.policy != now.policy:
        yield "IAM: the policy that the plan needs"
    if not then.lock or not now.lock:
        yield "lock file: not known"
    elif then.lock != now.lock:
        yield "lock file: the packages that it runs on"


_NOT_EXERCISED = frozenset({"exercises", "runner_region", "drill_every_days"})


def _steps(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    new, gone = [key for key in now if key not in then], [key for key in then if key not in now]
    other = [key for key in now if key in then and now[key] != then[key]]
    parts = [f"{word} {_some(keys)}" for word, keys in (("new", new), ("gone", gone), ("changed", other)) if keys]
    return "; ".join(parts) or "its steps come in another order"


def _different(then: object, now: object, name: str = "") -> Iterator[str]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            yield from _different(then.get(key), now.get(key), f"{name}.{key}" if name else str(key))
    elif then != now:
        yield name


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
