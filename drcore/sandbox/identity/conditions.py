"""Conditions of a statement, compared as IAM compares them.

A key that the request does not have fails a condition, unless its operator is a negated one or ends in `IfExists`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

from drcore.sandbox.identity.patterns import Context, MalformedPolicy, as_list, fill, glob, plain

Compare = Callable[[str, str], bool]
"""Whether the request's value is as the policy's value wants it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one operator with the values of the policy."""

    key: str
    quantifier: str
    compare: Compare
    negated: bool
    if_exists: bool
    values: tuple[str, ...]
    variables: bool

    def holds(self, context: Context) -> bool:
        """Whether the request is as it asks."""
        values = context.get(self.key)
        if values is None:
            return self.if_exists or self.quantifier == "ForAllValues" or (self.negated and not self.quantifier)
        held = (self._like_one(value, context) != self.negated for value in values)
        return all(held) if self.quantifier == "ForAllValues" else any(held)

    def _like_one(self, value: str, context: Context) -> bool:
        if not self.variables:
            return any(self.compare(value, each) for each in self.values)
        filled = [each for each in (fill(each, context) for each in self.values) if each is not None]
        wild = self.compare in (_like, _like_arn)
        return any(self.compare(value, each if wild else plain(each)) for each in filled)


@dataclass(frozen=True, slots=True)
class Absent:
    """`Null`: whether the request has a key at all."""

    key: str
    absent: bool

    def holds(self, context: Context) -> bool:
        """Whether the request is as it asks."""
        return (self.key not in context) is self.absent


def conditions(block: Mapping[str, Any], *, variables: bool) -> tuple[Condition | Absent, ...]:
    """The `Condition` of a statement. Raises MalformedPolicy for an operator that IAM does not have."""
    return tuple(
        _condition(operator, key, [_text(each) for each in as_list(values)], variables)
        for operator, pairs in block.items()
        for key, values in pairs.items()
    )


def _condition(written: str, key: str, values: Sequence[str], variables: bool) -> Condition | Absent:
    quantifier, _, operator = written.rpartition(":")
    if operator == "Null":
        return Absent(key.lower(), values[0].lower() == "true")
    if_exists, operator = operator.endswith("IfExists"), operator.removesuffix("IfExists")
    negated, compare = _OPERATORS.get(operator, (False, None))
    if compare is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        raise MalformedPolicy(f"Condition: expected an operator of IAM; saw {written}")
    filled = variables and any("${" in each for each in values)
    return Condition(key.lower(), quantifier, compare, negated, if_exists, tuple(values), filled)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _like(value: str, pattern: str) -> bool:
    return glob(pattern).fullmatch(value) is not None


def _like_arn(value: str, pattern: str) -> bool:
    """Part by part; what follows the fifth colon is one part."""
    parts, wanted = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(wanted) and all(map(_like, parts, wanted))


def _numbers(compare: Callable[[float, float], bool]) -> Compare:
    def by_number(value: str, wanted: str) -> bool:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return False

    return by_number


def _dates(compare: Callable[[datetime, datetime], bool]) -> Compare:
    def by_date(value: str, wanted: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except ValueError:
            return False

    return by_date


def _moment(text: str) -> datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _in_network(value: str, wanted: str) -> bool:
    try:
        return ip_address(value) in ip_network(wanted, strict=False)
    except ValueError:
        return False


_OPERATORS: Mapping[str, tuple[bool, Compare]] = {
    "StringEquals": (False, lambda value, wanted: value == wanted),
    "StringNotEquals": (True, lambda value, wanted: value == wanted),
    "StringEqualsIgnoreCase": (False, lambda value, wanted: value.lower() == wanted.lower()),
    "StringNotEqualsIgnoreCase": (True, lambda value, wanted: value.lower() == wanted.lower()),
    "StringLike": (False, _like),
    "StringNotLike": (True, _like),
    # An ARN is compared with its wildcards by ArnEquals too, which is ArnLike by another name.
    "ArnEquals": (False, _like_arn),
    "ArnNotEquals": (True, _like_arn),
    "ArnLike": (False, _like_arn),
    "ArnNotLike": (True, _like_arn),
    "Bool": (False, lambda value, wanted: value.lower() == wanted.lower()),
    "NumericEquals": (False, _numbers(lambda value, wanted: value == wanted)),
    "NumericNotEquals": (True, _numbers(lambda value, wanted: value == wanted)),
    "NumericLessThan": (False, _numbers(lambda value, wanted: value < wanted)),
    "NumericLessThanEquals": (False, _numbers(lambda value, wanted: value <= wanted)),
    "NumericGreaterThan": (False, _numbers(lambda value, wanted: value > wanted)),
    "NumericGreaterThanEquals": (False, _numbers(lambda value, wanted: value >= wanted)),
    "DateEquals": (False, _dates(lambda value, wanted: value == wanted)),
    "DateNotEquals": (True, _dates(lambda value, wanted: value == wanted)),
    "DateLessThan": (False, _dates(lambda value, wanted: value < wanted)),
    "DateLessThanEquals": (False, _dates(lambda value, wanted: value <= wanted)),
    "DateGreaterThan": (False, _dates(lambda value, wanted: value > wanted)),
    "DateGreaterThanEquals": (False, _dates(lambda value, wanted: value >= wanted)),
    "IpAddress": (False, _in_network),
    "NotIpAddress": (True, _in_network),
}
"""Whether an operator is the negation of a comparison, and which."""
