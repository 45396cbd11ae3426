"""Who somebody is, by what AWS says of the keys that they sign with.

A person is named by the session name that IAM Identity Center or a trust policy gives, or by an IAM user's name. The
login of the machine says nothing of who sits there: it is kept as a note.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with keys for AWS: `name` is compared, `role` the name of the role in which they call; empty: none."""

    name: str
    arn: str
    role: str = ""


def person_of(arn: str) -> Person:
    """Whom an ARN of GetCallerIdentity names. One of another kind is a name of its own, which is nobody else's."""
    kind, *rest = arn.rpartition(":")[2].split("/")
    if kind == "assumed-role" and len(rest) == 2:
        return Person(rest[1], arn, rest[0])
    if kind in ("user", "federated-user") and rest:
        return Person(rest[-1], arn)
    return Person(arn, arn)


def same(one: str, other: str) -> bool:
    """Whether two names are one person's: `Alice@laptop` is alice."""
    first, second = (name.partition("@")[0].strip().casefold() for name in (one, other))
    return first == second
