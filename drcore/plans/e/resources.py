"""The ARNs of what plan E acts on; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place
from drcore.plans.e.facts import Facts

At: TypeAlias = Place[Facts]


def security_logs(at: At) -> Iterator[str]:
    """The log group of security."""
    return at.everywhere("logs", f"log-group:{at.facts.security_logs}")


def revoker(at: At) -> Iterator[str]:
    """The state machine that revokes at the issuers, where the runner stands."""
    region = at.service.runner_region
    yield f"arn:aws:states:{region}:{at.service.account}:stateMachine:{at.facts.revoker}"


def tokens(at: At) -> Iterator[str]:
    """The secrets with users' tokens."""
    return at.everywhere("secretsmanager", f"secret:{at.facts.tokens.prefix}*")


def desk_key(at: At) -> Iterator[str]:
    """The key of the security desk."""
    return at.secret(at.facts.desk.api_key)
