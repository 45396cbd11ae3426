"""What an act may do while it is carried out: the actions that its step declares, on the ARNs of this environment.

STS takes a session policy of 2,048 characters at most. A longer one is narrowed by action and prefix: ARNs that differ
by region or name become one with a wildcard, and where that does not do, an action is allowed on everything. That is
wider than what was declared, never wider than what the role may; the journal says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from drcore.engine.permissions import Permission, Place, policy

LONGEST = 2048  # characters of the policy with the ARNs of managed ones beside it (STS, AssumeRole)
_OF_MANAGED = 64  # of them for the ARN of ReadOnlyAccess


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """One form of what an act may do. `how` says in what it is wider than declared; empty: in nothing."""

    text: str
    how: str = ""


@dataclass(frozen=True, slots=True)
class _AnyNames:
    """The ARNs of a permission, with wildcards where they differ."""

    arns: tuple[str, ...]

    def __call__(self, at: Place[Any]) -> Iterable[str]:
        return self.arns


def session_policies(permissions: Iterable[Permission], at: Place[Any]) -> Sequence[SessionPolicy]:
    """The forms that STS may take, the narrowest first; at least one."""
    declared = tuple(permissions)
    forms = (
        (declared, ""),
        (tuple(_by_prefix(declared, at)), "narrowed by action and prefix only"),
        (tuple(Permission(each.action) for each in declared if each.on(at)), "narrowed by action only"),
    )
    policies = [SessionPolicy(_text(these, at), how) for these, how in forms]
    return [each for each in policies if len(each.text) + _OF_MANAGED <= LONGEST] or policies[-1:]


def _text(permissions: Iterable[Permission], at: Place[Any]) -> str:
    """Compact JSON. STS takes no policy without a statement: where nothing is declared, it allows what all may."""
    document = policy(permissions, at)
    if not document["Statement"]:
        document["Statement"] = [{"Effect": "Allow", "Action": ["sts:GetCallerIdentity"], "Resource": ["*"]}]
    return json.dumps(document, separators=(",", ":"))


def _by_prefix(permissions: Iterable[Permission], at: Place[Any]) -> Iterator[Permission]:
    by_action: dict[str, set[str]] = {}
    for permission in permissions:
        by_action.setdefault(permission.action, set()).update(permission.on(at))
    for action, arns in by_action.items():
        yield Permission(action, _AnyNames(tuple(_shared(arns))))


def _shared(arns: Iterable[str]) -> Iterator[str]:
    """One ARN for all of a service, an account and a kind of resource: what they begin with, then a wildcard."""
    kinds: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for arn in sorted(arns):
        if arn.count(":") < 5:
            yield arn  # "*"
            continue
        head, service, region, account, name = arn.split(":", 5)[1], *arn.split(":", 5)[2:]
        kind = name.partition(":")[0] if ":" in name else name.partition("/")[0]
        kinds.setdefault((f"arn:{head}:{service}", account, kind if kind != name else ""), []).append((region, name))
    for (start, account, _), places in kinds.items():
        regions, names = {region for region, _ in places}, sorted({name for _, name in places})
        region = regions.pop() if len(regions) == 1 else "*"
        name = names[0] if len(names) == 1 else f"{_prefix(names[0], names[-1]).rstrip('*')}*"
        yield f"{start}:{region}:{account}:{name}"


def _prefix(first: str, last: str) -> str:
    """What all names begin with, by the first and the last of them in order."""
    same = (a for a, b in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    return "".join(same)
