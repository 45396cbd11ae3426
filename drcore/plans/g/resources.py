"""The ARNs of what plan G acts on; for the printed policy.

Ids that AWS gives (of mappings, of scalable targets, of AppConfig's resources) are not among the facts, and neither is
the name of a table that is restored: those are any of their kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from drcore.engine.permissions import Place
from drcore.plans.g.facts import Facts

At: TypeAlias = Place[Facts]
EXPORTED = "drcore/"  # the prefix of what this tool exports
# Of an export, a restore, a new replica. Whether AWS keeps at it when the session has ended is written nowhere.
OUTLASTS_ITS_SESSION = "AWS goes on with it, in the name of whoever has asked for it, for longer than a session lasts"


def table(at: At) -> Iterator[str]:
    """The table in use."""
    return at.everywhere("dynamodb", f"table/{at.facts.table}")


def restored(at: At) -> Iterator[str]:
    """A table that is restored, whatever the incident."""
    return at.everywhere("dynamodb", f"table/{at.facts.table}-restored-*")


def both_tables(at: At) -> Iterator[str]:
    """The table in use with one that is restored."""
    yield from table(at)
    yield from restored(at)


def alarms(at: At) -> Iterator[str]:
    """The alarms of a table that is restored."""
    own = (name.replace(at.facts.table, f"{at.facts.table}-restored-*") for name in at.facts.settings.alarms)
    return at.everywhere("cloudwatch", *(f"alarm:{name}" for name in own))


def exported(at: At) -> Iterator[str]:
    """What is written into the buckets for exports."""
    return at.everywhere_in_buckets(at.facts.exports, f"{EXPORTED}*")


def writers(at: At) -> Iterator[str]:
    """The roles that may write to the table."""
    return (f"arn:aws:iam::{at.service.account}:role/{name}" for name in at.facts.roles.writers)


def replication_role(at: At) -> Iterator[str]:
    """The role that AWS makes for its own replication, where it is not there yet."""
    path = "aws-service-role/replication.dynamodb.amazonaws.com/*"  # the one role there; its name would be long
    yield f"arn:aws:iam::{at.service.account}:role/{path}"


def rules(at: At) -> Iterator[str]:
    """The schedules."""
    return _in_any_region(at, "events", *(f"rule/{name}" for name in at.facts.rules))


def sources(at: At) -> Iterator[str]:
    """The event source mappings."""
    return at.everywhere("lambda", "event-source-mapping:*")


def qualified_functions(at: At) -> Iterator[str]:
    """The aliases with the versions of the functions."""
    return _in_any_region(at, "lambda", *(f"function:{name}:*" for name in at.facts.functions))


def scalable_targets(at: At) -> Iterator[str]:
    """What is scaled."""
    return at.everywhere("application-autoscaling", "scalable-target/*")


def workers(at: At) -> Iterator[str]:
    """The service of the workers."""
    return at.everywhere("ecs", f"service/{at.facts.workers.cluster}/{at.facts.workers.service}")


def tasks(at: At) -> Iterator[str]:
    """The tasks of the cluster."""
    return at.everywhere("ecs", f"task/{at.facts.workers.cluster}/*")


def configuration(at: At) -> Iterator[str]:
    """AppConfig's applications with all that is in them."""
    return at.everywhere("appconfig", "application/*")


def rollout(at: At) -> Iterator[str]:
    """The same, with the strategies of deployments."""
    return at.everywhere("appconfig", "application/*", "deploymentstrategy/*")


def dead_letters(at: At) -> Iterator[str]:
    """The dead-letter queue of the jobs."""
    return _in_any_region(at, "sqs", at.facts.jobs.dead_letters)


def jobs(at: At) -> Iterator[str]:
    """The queue of the jobs."""
    return _in_any_region(at, "sqs", at.facts.jobs.queue)


def _in_any_region(at: At, service: str, *resources: str) -> Iterator[str]:
    """Resources of the service's own names, in whichever region: a managed policy has no room for each by itself."""
    return (f"arn:aws:{service}:*:{at.service.account}:{each}" for each in resources)


def support_key(at: At) -> Iterator[str]:
    """The key of the support desk."""
    return at.secret(at.facts.support.api_key)
