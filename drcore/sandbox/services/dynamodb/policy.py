"""DynamoDB: what a table's resource policy refuses to whom.

Only what denies is read: within the account a resource policy need not allow anything. Simplified: conditions on
`aws:PrincipalArn`; a condition on anything else counts as on a value that the request does not have.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy, or with an empty text its deletion, in force since a moment."""

    text: str
    revision: str
    since: datetime


def refuses(text: str, principal: str, action: str, resource: str) -> bool:
    """Whether a policy explicitly denies an action on a table to a role."""
    if not text:
        return False
    return any(
        statement.get("Effect") == "Deny"
        and _concerns(statement, principal)
        and _covers(statement, "Action", "NotAction", action)
        and _covers(statement, "Resource", "NotResource", resource)
        and _holds(statement.get("Condition") or {}, principal)
        for statement in statements(json.loads(text))
    )


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The statements of a policy."""
    found = document.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def _concerns(statement: Mapping[str, Any], principal: str) -> bool:
    if "NotPrincipal" in statement:
        return not _named(statement["NotPrincipal"], principal)
    return _named(statement.get("Principal"), principal)


def _named(principals: Any, principal: str) -> bool:
    if isinstance(principals, Mapping):
        principals = principals.get("AWS")
    account = principal.split(":")[4]
    return any(each in ("*", principal, account, f"arn:aws:iam::{account}:root") for each in _list(principals))


def _covers(statement: Mapping[str, Any], name: str, inverse: str, value: str) -> bool:
    folded = value.lower() if name == "Action" else value
    if inverse in statement:
        return not any(_like(folded, each.lower() if name == "Action" else each) for each in _list(statement[inverse]))
    return any(_like(folded, each.lower() if name == "Action" else each) for each in _list(statement.get(name)))


def _holds(conditions: Mapping[str, Mapping[str, Any]], principal: str) -> bool:
    return all(
        _compares(operator, _list(values), principal if key.lower() == "aws:principalarn" else None)
        for operator, pairs in conditions.items()
        for key, values in pairs.items()
    )


def _compares(operator: str, values: list[str], value: str | None) -> bool:
    if_exists, operator = operator.endswith("IfExists"), operator.removesuffix("IfExists")
    negated = "Not" in operator and operator != "Null"
    if operator == "Null":
        return (value is None) == (values[:1] in (["true"], [True]))
    if value is None:
        return negated or if_exists
    # An ARN is compared with its wildcards by ArnEquals too, which is ArnLike by another name.
    wild = operator.startswith("Arn") or operator.endswith("Like")
    found = any(_like(value, each) if wild else value == each for each in values)
    return found != negated


def _like(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]
