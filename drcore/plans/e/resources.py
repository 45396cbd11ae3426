"""The ARNs of what plan E acts on; for the printed policy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TypeAlias

from drcore.engine.permissions import Place, RoleElsewhere, iam_actions, policy
from drcore.plans.e.facts import Facts, OtherAccount

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
    runner = at.service.role or f"arn:aws:iam::{at.service.account}:root"
    on_each = ("DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage")
    for account in at.facts.tokens.other_accounts:
        needs = (
            *iam_actions("secretsmanager:ListSecrets"),
            *iam_actions(*(f"secretsmanager:{name}" for name in on_each), on=partial(_copies, account=account)),
        )
        yield RoleElsewhere(account.role, account.external_id, runner, policy(needs, at))


def _copies(at: At, account: OtherAccount) -> Iterator[str]:
    names = f"secret:{at.facts.tokens.prefix}*"
    return (f"arn:aws:secretsmanager:{region}:{account.account}:{names}" for region in account.regions)


def desk_key(at: At) -> Iterator[str]:
    """The key of the security desk."""
    return at.secret(at.facts.desk.api_key)
