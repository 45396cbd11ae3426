"""Route 53: record sets with their changes, as DNS answers them.

Simplified: one public hosted zone; A records; weighted, failover, latency and simple record sets, aliases to load
balancers only, the health of whose targets is not evaluated; no geolocation. A change is in DNS all at once, 30 to 60
seconds after it was accepted, everywhere.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World

Record = dict[str, Any]
"""A ResourceRecordSet of the API."""

Shares = tuple[tuple[Record, float], ...]
"""Records with the share of the answers (0 to 1) that each is."""

_NEAR: Mapping[str, tuple[str, ...]] = {
    "na": ("us-east-1", "us-west-2"),
    "eu": ("us-east-1", "us-west-2"),
    "apac": ("us-west-2", "us-east-1"),
}
"""The regions by latency, seen from each market."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: `draw` (0 to 1) decides between weights, `market` what is near."""

    draw: float
    market: str = "na"


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """One accepted batch; in DNS from `insync` on."""

    id: str
    at: datetime
    insync: datetime
    comment: str
    records: tuple[Record, ...]

    def document(self, now: datetime) -> dict[str, Any]:
        """ChangeInfo of the API."""
        status = "INSYNC" if now >= self.insync else "PENDING"
        shown = {"Id": f"/change/{self.id}", "Status": status, "SubmittedAt": self.at}
        return shown | ({"Comment": self.comment} if self.comment else {})


class Zone:
    """One hosted zone: what its control plane shows, and what its name servers answer."""

    def __init__(self, world: World, zone_id: str, name: str, healthy: Callable[[str, datetime], bool]) -> None:
        self._world, self._healthy = world, healthy
        self.id, self.name = zone_id, name
        self.changes: list[ZoneChange] = []
        self.records: tuple[Record, ...] = ()

    def put(self, records: Iterable[Record]) -> None:
        """Set records that were there before the doors opened."""
        self.records = _ordered((*self.records, *map(normal, records)))
        long_ago = self._world.clock.now() - timedelta(days=300)
        self.changes = [ZoneChange("C0FIRST", long_ago, long_ago, "", self.records)]

    def change(self, changes: Iterable[Mapping[str, Any]], comment: str) -> ZoneChange:
        """Apply a batch, whole or not at all. Raises AwsError (InvalidChangeBatch)."""
        known = {_key(record): record for record in self.records}
        for change in changes:
            action, record = change["Action"], normal(change["ResourceRecordSet"])
            _check(action, record, known)
            if action == "DELETE":
                del known[_key(record)]
            else:
                known[_key(record)] = record
        _check_groups(known.values())
        self.records = _ordered(known.values())
        now, number = self._world.clock.now(), len(self.changes)
        stream = self._world.rng("route53 change", number)
        insync = max(now + timedelta(seconds=stream.uniform(30, 60)), self.changes[-1].insync)
        name = "C0" + hashlib.sha256(self._world.purpose("change", number).encode()).hexdigest()[:18].upper()
        self.changes.append(ZoneChange(name, now, insync, comment, self.records))
        return self.changes[-1]

    def answers(self, name: str, kind: str, at: datetime, market: str = "na") -> Shares:
        """What the name servers say at that moment, each record with its share; empty if there is no such name."""
        served = next(change.records for change in reversed(self.changes) if change.insync <= at)
        group = [r for r in served if r["Name"] == name.lower() and r["Type"] == kind]
        return _policy(group, lambda record: self._fit(record, at), market)

    def answer(self, name: str, kind: str, at: datetime, client: Client) -> Record | None:
        """The one record that this client gets."""
        return chosen(self.answers(name, kind, at, client.market), client.draw)

    def _fit(self, record: Record, at: datetime) -> bool:
        check = record.get("HealthCheckId")
        return check is None or self._healthy(check, at)


def chosen(shares: Shares, draw: float) -> Record | None:
    """The record whose part of the interval from 0 to 1 holds `draw`."""
    upto = 0.0
    for record, share in shares:
        upto += share
        if draw < upto - 1e-12:
            return record
    return shares[-1][0] if shares else None


def normal(record: Mapping[str, Any]) -> Record:
    """A record with its full name in small letters, without what is not set."""
    kept = {key: value for key, value in record.items() if value is not None}
    return kept | {"Name": f"{record['Name'].lower().rstrip('.')}."}


def _policy(group: list[Record], fit: Callable[[Record], bool], market: str) -> Shares:
    """Routing policy with health: where nobody is healthy everybody is taken as healthy."""
    if not group:
        return ()
    first = group[0]
    if "Weight" in first:
        return _weighted(group, fit)
    if "Failover" in first:
        by_role = {record["Failover"]: record for record in group}
        primary, secondary = by_role.get("PRIMARY"), by_role.get("SECONDARY")
        if secondary is not None and (primary is None or (not fit(primary) and fit(secondary))):
            return ((secondary, 1.0),)
        return ((primary, 1.0),) if primary else ()
    if "Region" in first:
        near = _NEAR[market]
        ordered = sorted(group, key=lambda r: near.index(r["Region"]) if r["Region"] in near else len(near))
        return ((next((r for r in ordered if fit(r)), ordered[0]), 1.0),)
    return ((first, 1.0),)


def _weighted(group: list[Record], fit: Callable[[Record], bool]) -> Shares:
    """Records of weight 0 count only when no other is healthy."""
    healthy = [record for record in group if fit(record)] or group
    weighing = [record for record in healthy if record["Weight"] > 0]
    total = sum(record["Weight"] for record in weighing)
    if not weighing:
        return tuple((record, 1 / len(healthy)) for record in healthy)
    return tuple((record, record["Weight"] / total) for record in weighing)


def _key(record: Mapping[str, Any]) -> tuple[str, str, str]:
    return record["Name"], record["Type"], record.get("SetIdentifier", "")


def _ordered(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(sorted(records, key=_key))


def _check(action: str, record: Record, known: Mapping[tuple[str, str, str], Record]) -> None:
    there, named = known.get(_key(record)), f"[{record['Name']} {record['Type']} {record.get('SetIdentifier', '')}]"
    if action == "CREATE" and there is not None:
        raise _invalid(f"Tried to create resource record set {named} but it already exists")
    if action == "DELETE" and there != record:
        why = "was not found" if there is None else "does not match the current values"
        raise _invalid(f"Tried to delete resource record set {named} but it {why}")
    if action == "DELETE":
        return
    if "SetIdentifier" in record and not {"Weight", "Failover", "Region"} & record.keys():
        raise _invalid(f"{named}: SetIdentifier needs one of Weight, Failover, Region")
    if "AliasTarget" in record:
        if "TTL" in record or record.get("ResourceRecords"):
            raise _invalid(f"{named}: an alias has neither TTL nor ResourceRecords")
    elif not record.get("ResourceRecords") or "TTL" not in record:
        raise _invalid(f"{named}: TTL and ResourceRecords are required")
    if not 0 <= int(record.get("Weight", 0)) <= 255:
        raise _invalid(f"{named}: Weight must be from 0 to 255")


def _check_groups(records: Iterable[Record]) -> None:
    """Records of one name are all of one policy, as on Route 53."""
    policies: dict[tuple[str, str], str] = {}
    for record in records:
        policy = next((name for name in ("Weight", "Failover", "Region") if name in record), "simple")
        if policies.setdefault((record["Name"], record["Type"]), policy) != policy:
            raise _invalid(f"[{record['Name']} {record['Type']}]: a group cannot mix routing policies")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidChangeBatch", message, 400)
