"""Route 53: record sets, health checks with their checkers, what DNS would answer.

All of it is asked of a control plane in us-east-1. DNS answers and health checking go on without it (aws-facts A.6).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.calls.aws import Aws
from drcore.calls.gate import HOME_OF_GLOBAL as HOME


@dataclass(frozen=True, slots=True)
class RecordSet:
    """One record set of a group; the value of an alias is its target, whose TTL counts.

    `whole` is all of it as JSON: a change must repeat it, or lose what it leaves out.
    """

    id: str
    weight: int
    ttl: int | None
    values: tuple[str, ...]
    health_check: str
    whole: str = field(repr=False)

    def weighing(self, weight: int) -> RecordSet:
        """The same record with another weight."""
        return _record(json.loads(self.whole) | {"Weight": weight})


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a health check is set. `version` guards a change. Disabled means always healthy, inverted the opposite.

    With an `address` that is what is asked, and `host` only sent along; without one `host` is looked up each time.
    """

    id: str
    address: str
    host: str
    path: str
    interval: int
    threshold: int
    disabled: bool
    inverted: bool
    version: int = field(compare=False)


@dataclass(frozen=True, slots=True)
class Checkers:
    """How many checkers there are, and how many of them see the endpoint down."""

    total: int
    down: int

    @property
    def down_percent(self) -> float | None:
        return round(100 * self.down / self.total, 1) if self.total else None


def records(aws: Aws, zone: str, name: str, type_: str = "A") -> tuple[RecordSet, ...]:
    """All record sets of one name, in the order of their ids. Raises Rejected, Unknown."""
    listed = aws.pages("route53", HOME, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone)
    mine = [_record(each) for each in listed if (each["Name"], each["Type"]) == (name, type_)]
    return tuple(sorted(mine, key=lambda record: record.id))


def answer(aws: Aws, zone: str, name: str, type_: str = "A") -> tuple[str, ...]:
    """What Route 53 says that it would answer. Raises Rejected, Unknown."""
    tested = aws.call("route53", HOME, "test_dns_answer", HostedZoneId=zone, RecordName=name, RecordType=type_)
    return tuple(sorted(tested["RecordData"]))


def health_check(aws: Aws, id_: str) -> HealthCheck:
    """One health check. Raises Rejected, Unknown."""
    description = aws.call("route53", HOME, "get_health_check", HealthCheckId=id_)["HealthCheck"]
    config: Mapping[str, Any] = description["HealthCheckConfig"]
    return HealthCheck(
        id_,
        config.get("IPAddress", ""),
        config.get("FullyQualifiedDomainName", ""),
        config.get("ResourcePath", ""),
        config.get("RequestInterval", 30),
        config.get("FailureThreshold", 3),
        config.get("Disabled", False),
        config.get("Inverted", False),
        description["HealthCheckVersion"],
    )


def checkers(aws: Aws, id_: str) -> Checkers:
    """What each checker saw last; AWS means it as an aid, not to be asked all day. Raises Rejected, Unknown."""
    observations = aws.call("route53", HOME, "get_health_check_status", HealthCheckId=id_)["HealthCheckObservations"]
    down = [each for each in observations if not each["StatusReport"]["Status"].startswith("Success")]
    return Checkers(len(observations), len(down))


def is_everywhere(aws: Aws, change: str) -> bool:
    """Whether a change has reached all of Route 53's servers (INSYNC). Raises Rejected, Unknown."""
    return bool(aws.call("route53", HOME, "get_change", Id=change)["ChangeInfo"]["Status"] == "INSYNC")


def upsert(aws: Aws, zone: str, record: RecordSet, comment: str) -> str:
    """Write one record set whole. Returns the id of the change; sent twice it does no harm."""
    change = {"Action": "UPSERT", "ResourceRecordSet": json.loads(record.whole)}
    made = aws.call(
        "route53",
        HOME,
        "change_resource_record_sets",
        HostedZoneId=zone,
        ChangeBatch={"Comment": comment[:256], "Changes": [change]},
    )
    return str(made["ChangeInfo"]["Id"])


def set_health_check(aws: Aws, now: HealthCheck, *, disabled: bool, inverted: bool) -> None:
    """Set the two switches of a health check, unless somebody else has changed it since `now` was read.

    Disabled with inverted means unhealthy, whatever the endpoint does.
    """
    aws.call(
        "route53",
        HOME,
        "update_health_check",
        HealthCheckId=now.id,
        HealthCheckVersion=now.version,
        Disabled=disabled,
        Inverted=inverted,
    )


def _values(whole: Mapping[str, Any]) -> tuple[str, ...]:
    if "AliasTarget" in whole:
        return (f"alias of {whole['AliasTarget']['DNSName']}",)
    return tuple(sorted(each["Value"] for each in whole.get("ResourceRecords", ())))


def _record(whole: Mapping[str, Any]) -> RecordSet:
    return RecordSet(
        whole.get("SetIdentifier", ""),
        whole.get("Weight", 0),
        whole.get("TTL"),
        _values(whole),
        whole.get("HealthCheckId", ""),
        json.dumps(whole, sort_keys=True),
    )
