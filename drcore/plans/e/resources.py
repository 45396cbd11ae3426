"""The ARNs of what plan E acts on; for the printed policy.

Ids that AppConfig gives are not among the facts: those are any of their kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place
from drcore.plans.e.facts import Facts

At: TypeAlias = Place[Facts]


def security_logs(at: At) -> Iterator[str]:
    """The log group of security."""
    return at.everywhere("logs", f"log-group:{at.facts.security_logs}")


def flags(at: At) -> Iterator[str]:
    """AppConfig's applications with all that is in them."""
    return at.everywhere("appconfig", "application/*")


def rollout(at: At) -> Iterator[str]:
    """The same, with the strategies of deployments."""
    return at.everywhere("appconfig", "application/*", "deploymentstrategy/*")


def revoker(at: At) -> Iterator[str]:
    """The state machine that revokes at the issuers, where the runner stands."""
    region = at.service.runner_region
    yield f"arn:aws:states:{region}:{at.service.account}:stateMachine:{at.facts.revoker}"


def tokens(at: At) -> Iterator[str]:
    """The secrets with users' tokens."""
    return at.everywhere("secretsmanager", f"secret:{at.facts.tokens.prefix}*")
