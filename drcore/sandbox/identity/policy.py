"""A policy, read once: which statements speak of a request."""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from drcore.sandbox.identity.conditions import Absent, Condition, conditions
from drcore.sandbox.identity.patterns import Context, MalformedPolicy, arn_glob, as_list, fill, glob

_KNOWN = {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: `arn` is the caller's, `entity` that of the user or the role behind it, `account` its account.

    For the root user, and for a service (`lambda.amazonaws.com`), all of them name the same.
    """

    arn: str
    entity: str
    account: str

    @property
    def root(self) -> bool:
        """Whether it is the account's root user, whom no identity-based policy binds."""
        return self.entity == f"arn:aws:iam::{self.account}:root"

    @property
    def is_session(self) -> bool:
        """Whether it has taken on a role."""
        return self.arn != self.entity


class NamedAs(IntEnum):
    """How directly a resource-based policy names somebody."""

    NOT = 0
    BY_ACCOUNT = 1
    EVERYBODY = 2
    BY_ITSELF = 3
    BY_SESSION = 4


@dataclass(frozen=True, slots=True)
class Principals:
    """The `Principal` or the `NotPrincipal` of a statement."""

    aws: frozenset[str]
    others: frozenset[str]
    excepted: bool

    def names(self, who: Principal) -> NamedAs:
        """Whether they name somebody, and how directly. Excepted is only whose account is excepted too."""
        accounts = self.aws & {who.account, f"arn:aws:iam::{who.account}:root"}
        if self.excepted:
            spared = "*" in self.aws or (accounts and self.aws & {who.arn, who.entity})
            return NamedAs.NOT if spared else NamedAs.BY_ITSELF
        if who.is_session and who.arn in self.aws:
            return NamedAs.BY_SESSION
        if who.entity in self.aws or who.entity in self.others:
            return NamedAs.BY_ITSELF
        if "*" in self.aws:
            return NamedAs.EVERYBODY
        return NamedAs.BY_ACCOUNT if accounts else NamedAs.NOT


class Actions:
    """The `Action` or the `NotAction` of a statement; an action is found by its service, however many there are."""

    def __init__(self, patterns: Sequence[str], *, excepted: bool) -> None:
        self._excepted = excepted
        self._wild: list[str] = []
        self._by_service: dict[str, list[str]] = {}
        for pattern in (each.lower() for each in patterns):
            service, _, name = pattern.partition(":")
            known = self._wild if "*" in service or "?" in service else self._by_service.setdefault(service, [])
            known.append(pattern if known is self._wild else name)
        self._known: dict[str, bool] = {}

    def cover(self, action: str) -> bool:
        """Whether they cover an action, `dynamodb:PutItem`."""
        is_covered = self._known.get(action)
        if is_covered is None:
            is_covered = self._known[action] = self._covers(action.lower())
        return is_covered

    def _covers(self, action: str) -> bool:
        service, _, name = action.partition(":")
        matches = any(glob(each).fullmatch(action) for each in self._wild) or any(
            glob(each).fullmatch(name) for each in self._by_service.get(service, ())
        )
        return matches is not self._excepted


class Resources:
    """The `Resource` or the `NotResource` of a statement."""

    def __init__(self, patterns: Sequence[str], *, excepted: bool, variables: bool) -> None:
        self._excepted = excepted
        self._all = "*" in patterns
        self._fixed = [each for each in patterns if not (variables and "${" in each)]
        self._varying = [each for each in patterns if variables and "${" in each]

    def cover(self, resource: str, context: Context) -> bool:
        """Whether they cover a resource; `*` is what an action is about that is about no resource."""
        matches = (
            self._all
            or any(arn_glob(each).fullmatch(resource) for each in self._fixed)
            or any(
                arn_glob(filled).fullmatch(resource)
                for each in self._varying
                if (filled := fill(each, context)) is not None
            )
        )
        return matches is not self._excepted


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, ready to be asked."""

    sid: str
    allows: bool
    actions: Actions
    resources: Resources | None
    principals: Principals | None
    conditions: tuple[Condition | Absent, ...]

    def speaks_of(self, action: str, resource: str, context: Context) -> bool:
        """Whether it is about a request, whoever asks."""
        return (
            self.actions.cover(action)
            and (self.resources is None or self.resources.cover(resource, context))
            and all(each.holds(context) for each in self.conditions)
        )


@dataclass(frozen=True, slots=True)
class PolicyDocument:
    """The statements of one document; `keys` are the condition keys that its answers may depend on."""

    name: str
    statements: tuple[Statement, ...]
    keys: frozenset[str] = field(repr=False)

    def about(self, action: str, resource: str, context: Context) -> Iterator[Statement]:
        """The statements about a request."""
        return (each for each in self.statements if each.speaks_of(action, resource, context))


@functools.lru_cache(maxsize=512)
def read(name: str, text: str) -> PolicyDocument:
    """A policy from its JSON text; an empty text has no statements. Raises MalformedPolicy."""
    try:
        document = json.loads(text or "{}")
    except ValueError as error:
        raise MalformedPolicy(f"expected JSON; {error}") from error
    if not isinstance(document, dict):
        raise MalformedPolicy("expected a JSON object")
    variables = document.get("Version") == "2012-10-17"
    written = document.get("Statement") or []
    listed = [written] if isinstance(written, Mapping) else written
    used = set(re.findall(r"\$\{\s*([^},\s]+)", text)) if variables else set()
    used |= {key for one in listed for pairs in (one.get("Condition") or {}).values() for key in pairs}
    statements = tuple(_statement(one, variables) for one in listed)
    return PolicyDocument(name, statements, frozenset(key.lower() for key in used))


def _statement(written: Mapping[str, Any], variables: bool) -> Statement:
    if unknown := set(written) - _KNOWN:
        raise MalformedPolicy(f"Statement: expected {', '.join(sorted(_KNOWN))}; saw {', '.join(sorted(unknown))}")
    if written.get("Effect") not in ("Allow", "Deny"):
        raise MalformedPolicy(f"Effect: expected Allow or Deny; saw {written.get('Effect')!r}")
    if ("Action" in written) is ("NotAction" in written):
        raise MalformedPolicy("Statement: expected Action or NotAction, and not both")
    resources: Resources | None = None
    for name in ("Resource", "NotResource"):
        if name in written:
            patterns = as_list(written[name])
            resources = Resources(patterns, excepted=name.startswith("Not"), variables=variables)
    return Statement(
        str(written.get("Sid", "")),
        written["Effect"] == "Allow",
        Actions(as_list(written.get("Action", written.get("NotAction"))), excepted="NotAction" in written),
        resources,
        _principals(written),
        conditions(written.get("Condition") or {}, variables=variables),
    )


def _principals(written: Mapping[str, Any]) -> Principals | None:
    for name in ("Principal", "NotPrincipal"):
        if name in written:
            given = written[name]
            by_kind = given if isinstance(given, Mapping) else {"AWS": given}
            others = {each for kind, values in by_kind.items() if kind != "AWS" for each in as_list(values)}
            return Principals(frozenset(as_list(by_kind.get("AWS"))), frozenset(others), name == "NotPrincipal")
    return None
