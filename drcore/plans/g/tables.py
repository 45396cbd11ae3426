"""Which table plan G is about: the corrupted one, the restored one, the one in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drcore.plans.g import titles
from drcore.plans.g.facts import GRun
from drcore.services import appconfig
from drcore.services.appconfig import Profile
from drcore.services.dynamodb.policies import WRITES

# The ids of the statements that this plan adds to the policy of the table.
DENY_SID, KEEP_SID = "DrcoreDenyWrites", "DrcoreKeepAsEvidence"
REPLICATION = "aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"
KEPT_UNTIL = "kept-until"  # the tag of a table that is kept as evidence


def table(run: GRun) -> str:
    """The table that was in use when it was corrupted."""
    return run.facts.table


def restored_table(run: GRun) -> str:
    """The table that is restored into, named by the incident, so that it is found again and never collides."""
    short = run.incident.incident or run.id.removeprefix(f"{run.plan}-{run.mode}-")
    return f"{table(run)}-restored-{short}"


def in_use(run: GRun) -> str:
    """The table that the service uses now: the restored one once the switch was begun, and until it is undone."""
    return restored_table(run) if run.history.intended(titles.SWITCH) else table(run)


def table_arn(run: GRun, region: str, name: str = "") -> str:
    return f"arn:aws:dynamodb:{region}:{run.service.account}:table/{name or table(run)}"


def role_arn(run: GRun, role: str) -> str:
    return f"arn:aws:iam::{run.service.account}:role/{role}"


def recovery_region(run: GRun) -> str:
    """Where it is exported and restored: both go by one order of writes, that of the region the runner stands in.

    A write of another region counts from when it came here. That region's own table need not be asked for anything.
    """
    return run.service.runner_region


def table_configuration(run: GRun, in_region: str) -> Profile:
    """The configuration that names the table. Raises Rejected, Unknown."""
    at = run.facts.configuration
    return appconfig.profile(run.aws, in_region, at.application, at.environment, at.profile)


def consumed_table(run: GRun, in_region: str) -> str:
    """The table that a consumer gets which starts now. Data plane only. Raises Rejected, Unknown."""
    at = run.facts.configuration
    configuration = appconfig.consumed(run.aws, in_region, Profile(at.application, at.environment, at.profile))
    return str(configuration.get(at.key, ""))


def denies(roles: Sequence[str], arn: str) -> Mapping[str, object]:
    """The statement that denies writes to a table, by the ARNs of both."""
    return {
        "Sid": DENY_SID,
        "Effect": "Deny",
        "Principal": {"AWS": list(roles)},
        "Action": list(WRITES),
        "Resource": arn,
    }


def lets_only(roles: Sequence[str], arn: str) -> Mapping[str, object]:
    """The statement that lets only some roles write to a table, and nobody else delete it, by the ARNs."""
    return {
        "Sid": KEEP_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": [*WRITES, "dynamodb:DeleteTable"],
        "Resource": arn,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(roles)}},
    }
