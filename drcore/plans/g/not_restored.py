"""What the table in use has that this plan does not bring back on a restored one: named before anything is done.

Each is found by asking the table in use. What a restore drops and the plan sets again is in `table_settings`.
"""

from __future__ import annotations

from collections.abc import Iterator

from drcore.engine.outcome import Check, no, yes
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import table
from drcore.services import autoscaling, cloudwatch, lambda_
from drcore.services.dynamodb import modes, settings

_STORAGE = "STANDARD"


def by_hand(run: GRun, region: str) -> Iterator[str]:
    """What a person has to set on the restored table in a region, in words. Raises Unknown, Rejected."""
    name = table(run)
    kept = modes.modes(run.aws, region, name)
    if kept.storage != _STORAGE:
        yield f"its class is {kept.storage}"
    if kept.provisioned:
        yield "its capacity is provisioned (the restored table is on demand)"
    scaled = autoscaling.scaled_dimensions(run.aws, region, name)
    if scaled:
        yield f"auto scaling of {', '.join(scaled)}"
    streams = modes.kinesis(run.aws, region, name)
    if streams:
        yield f"its changes go to {', '.join(each.rpartition(':')[2] for each in streams)}"
    if modes.insights(run.aws, region, name):
        yield "Contributor Insights is on"
    readers = [each.function for each in lambda_.readers(run.aws, region, kept.stream)] if kept.stream else []
    if readers:
        yield f"its stream feeds {', '.join(readers)}, who would go on reading the old one"
    yield from _alarms(run, region)
    if kept.indexes:
        yield f"warm throughput of {', '.join(kept.indexes)}, which may be above that of a new index"
    ttl = settings.ttl(run.aws, region, name)
    if ttl != run.facts.settings.ttl:
        yield f"items expire by {ttl or 'nothing'}, and settings.ttl is {run.facts.settings.ttl}"


def _alarms(run: GRun, region: str) -> Iterator[str]:
    """Where the alarms that watch the table are not those that the plan makes anew for a restored one."""
    watching, named = cloudwatch.watching(run.aws, region, "TableName", table(run)), set(run.facts.settings.alarms)
    if others := [each for each in watching.names if each not in named]:
        yield f"alarms that settings.alarms does not name: {', '.join(others)}"
    if watching.whole and (lacking := sorted(named.difference(watching.names))):
        yield f"settings.alarms names {', '.join(lacking)}, and no such alarm watches it"
    if not watching.whole:
        yield f"others of more than {cloudwatch.MOST_READ:,} alarms, which were not looked through to the end"


def strongly_consistent(run: GRun) -> list[str]:
    """The regions in which the table is strongly consistent over regions. Raises Unknown, Rejected."""
    return [each for each in run.service.regions if modes.modes(run.aws, each, table(run)).strong]


def why_neither(run: GRun) -> str:
    """Why neither remedy can be carried out by this plan; empty where both can."""
    regions = strongly_consistent(run)
    if not regions:
        return ""
    return (
        f"{table(run)} is strongly consistent over regions (MRSC) in {', '.join(regions)}: it takes no transaction, "
        "and a table with items gets no such replica. Mend it by hand, with `drcore diff` and single writes"
    )


def switch_by_hand(run: GRun, region: str) -> Check:
    """Preflight: what a switch would lose but for a person."""
    settings_lost = [*by_hand(run, region)]
    if settings_lost:
        return no(f"after a switch a person sets on the restored table: {'; '.join(settings_lost)}")
    return yes(f"a restored {table(run)} gets back all that it has")


def can_be_remedied(run: GRun) -> Check:
    """Preflight: whether the table is of a kind that this plan can mend."""
    why = why_neither(run)
    return no(why) if why else yes(f"{table(run)} takes transactions, and replicas")


def keys_can_be_used(run: GRun) -> Check:
    """Preflight: whose key encrypts the table in each region; a replica is made with the one that is there."""
    keys = {each: modes.modes(run.aws, each, table(run)).key for each in run.service.regions}
    named = {each: key for each, key in keys.items() if key}
    if not named:
        return yes("no customer's key: nothing to be asked for")
    if len(named) < len(keys):
        lacking = ", ".join(each for each in keys if each not in named)
        return no(f"a customer's key in {', '.join(named)} and none in {lacking}: a new replica needs one in each")
    unnamed = [key for key in named.values() if key not in run.service.encryption_keys]
    if not unnamed:
        return yes(f"customer's keys, which the policy has: {', '.join(named.values())}")
    return no(
        f"customer's keys: {', '.join(unnamed)}. Name them in service.yaml, encryption_keys: then the policy has "
        "what Restore and Replicas need of each"
    )
