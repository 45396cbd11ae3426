"""The ARNs of what plan E acts on; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place, RoleElsewhere
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


def tokens_elsewhere(at: At) -> Iterator[str]:
    """The roles under which copies in other accounts are made worthless."""
    return (each.role for each in at.facts.tokens.other_accounts)


def roles_elsewhere(at: At) -> Iterator[RoleElsewhere]:
    """Those roles, with what each is needed for. Nothing reads the value of a token."""
    prefix, runner = at.facts.tokens.prefix, at.service.role or f"arn:aws:iam::{at.service.account}:root"
    for each in at.facts.tokens.other_accounts:
        secrets = (f"arn:aws:secretsmanager:{region}:{each.account}:secret:{prefix}*" for region in each.regions)
        actions = (
            f"secretsmanager:{name}" for name in ("DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage")
        )
        needs = ((("secretsmanager:ListSecrets",), ("*",)), (tuple(actions), tuple(secrets)))
        yield RoleElsewhere(each.role, each.external_id, runner, needs)


def desk_key(at: At) -> Iterator[str]:
    """The key of the security desk."""
    return at.secret(at.facts.desk.api_key)
