"""DynamoDB: one region's copy of a table."""

from collections.abc import Callable, ItemsView
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

from moto.dynamodb.models.table import Table

from drcore.sandbox.moto import backends
from drcore.sandbox.services.dynamodb.history import LoggedWrite, TableHistory
from drcore.sandbox.services.dynamodb.items import Attributes, Key, Stamp, Stored, key_of
from drcore.sandbox.services.dynamodb.policy import PolicyInForce, refuses

COUNTED = timedelta(hours=6)
"""How often AWS counts the items of a table, about."""

Written = Callable[["Replica", LoggedWrite, str, float | None], None]
"""Who is told of an actor's write, with its operation and with the seconds to the other replicas."""


@dataclass(slots=True)
class ReplicaSettings:
    """What a table has beside its items; none of it comes along with a restore."""

    recovery_since: datetime | None = None
    """Since when point-in-time recovery is on; None: it is off."""
    recovery_days: int = 35
    ttl: str = ""
    """The attribute with the time to live; empty: it is off."""
    ttl_settled: datetime | None = None
    """When the last change of it has come into force."""
    tags: dict[str, str] = field(default_factory=dict)
    storage: str = "STANDARD"
    """The table's class."""
    strong: bool = False
    """Whether its replicas are strongly consistent; it is not to be changed through the API."""
    kinesis: list[str] = field(default_factory=list)
    """The ARNs of the streams that its changes go to."""
    insights: bool = False
    """Whether Contributor Insights is on."""


@dataclass(slots=True)
class Origin:
    """Where a restored table comes from."""

    source_arn: str
    moment: datetime


def role_arn(account: str, role: str) -> str:
    """The ARN of a role of this account."""
    return f"arn:aws:iam::{account}:role/{role}"


class Replica:
    """One region's copy of a table."""

    def __init__(
        self, account: str, region: str, name: str, schema: tuple[str, ...], created: datetime, written: Written
    ) -> None:
        self.account, self._written = account, written
        self.region, self.name, self.schema, self.created = region, name, schema, created
        self.there = False
        """Whether the table exists."""
        self.history = TableHistory()
        self.settings = ReplicaSettings()
        self.origin: Origin | None = None
        self.busy: tuple[str, datetime] | None = None
        """The status that the table has until a moment, after which it is ACTIVE."""
        self.policies: list[PolicyInForce] = []
        """The resource policies that the table has had, oldest first."""
        self.replicated_at: datetime | None = None
        """When the last replica was made from this one."""
        self.members: set[str] = {region}
        """The regions with a replica of this table; the same set at each of them."""
        self.written: dict[Key, Stored | None] = {}
        """What was last written through the API here: the state of the account; actors' writes are its life."""

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{self.region}:{self.account}:table/{self.name}"

    @property
    def id(self) -> str:
        """The id that AWS gives a table, which a later one of the same name does not have."""
        return str(UUID(bytes=md5(f"{self.arn}:{self.created}".encode(), usedforsecurity=False).digest()))

    def shape(self) -> dict[str, Any]:
        """What a table that is made from this one has of it: keys, indexes, billing and encryption."""
        table = self.table
        index = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")
        return {
            "schema": deepcopy(table.schema),
            "attr": deepcopy(table.attr),
            "billing_mode": table.billing_mode,
            "throughput": {name: table.throughput[name] for name in ("ReadCapacityUnits", "WriteCapacityUnits")},
            "global_indexes": [{n: deepcopy(each.describe()[n]) for n in index} for each in table.global_indexes],
            "indexes": [{n: deepcopy(each.describe()[n]) for n in index[:3]} for each in table.indexes],
            "sse_specification": deepcopy(table.sse_specification),
        }

    @property
    def table(self) -> Table:
        """The table as moto has it, without its items."""
        return backends.dynamodb(self.account, self.region).tables[self.name]

    @property
    def log(self) -> list[LoggedWrite]:
        """Every write since the beginning, oldest first."""
        return self.history.entries

    def status(self, now: datetime) -> str:
        """CREATING, UPDATING or ACTIVE."""
        return self.busy[0] if self.busy and now < self.busy[1] else "ACTIVE"

    def denies(self, principal: str, operation: str, at: datetime) -> bool:
        """Whether the policy in force at a moment denies an operation to a role."""
        in_force = self.policy_at(at)
        return in_force is not None and refuses(in_force.text, principal, f"dynamodb:{operation}", self.arn)

    def policy_at(self, at: datetime) -> PolicyInForce | None:
        """The policy in force for a request of a moment; None before the first."""
        return next((policy for policy in reversed(self.policies) if policy.holds(at)), None)

    def state(self) -> dict[str, Any]:
        """What the table is beside its items, without what time alone changes."""
        return {
            "recovery_since": self.settings.recovery_since,
            "recovery_days": self.settings.recovery_days,
            "ttl": self.settings.ttl,
            "tags": self.settings.tags,
            "storage": self.settings.storage,
            "kinesis": self.settings.kinesis,
            "insights": self.settings.insights,
            "origin": self.origin,
            "members": self.members,
            "policy": self.policies[-1].text if self.policies else "",
        }

    def get(self, key: Key, at: datetime | None = None) -> Stored | None:
        """An item as this copy has it, or had it at a moment; not to be changed."""
        return self.history.now.get(key) if at is None else self.history.image(key, at)

    def items(self) -> ItemsView[Key, Stored]:
        """Keys with items as this copy has them; not to be changed."""
        return self.history.now.items()

    def counted(self, now: datetime) -> int:
        """How many items it had when they were counted last: each six hours. A new table has not been counted yet."""
        first = self.created + COUNTED * (int(md5(self.arn.encode(), usedforsecurity=False).hexdigest(), 16) / 2**128)
        if now < first:
            return 0
        return self.history.count_at(first + (now - first) // COUNTED * COUNTED)

    def at(self, moment: datetime) -> dict[Key, Stored]:
        """The items at a moment: with every write whose time is not after it."""
        return self.history.at(moment)

    def seed(self, item: Attributes, stamp: Stamp) -> None:
        """An item that is here since long ago."""
        self.history.begin(key_of(item, self.schema), item, stamp)

    def write(
        self,
        key: Key,
        item: Attributes | None,
        at: datetime,
        by: str | None = None,
        lag: float | None = None,
        operation: str = "",
    ) -> bool:
        """An actor's write (None deletes) at a moment that is now or past, as role `by`.

        Returns False where the table is not there or its policy denies it. `lag`: seconds to the other replicas.
        """
        operation = operation or ("DeleteItem" if item is None else "PutItem")
        if not self.there or self.status(at) in ("CREATING", "DELETING"):
            return False
        if by is not None and self.denies(role_arn(self.account, by), operation, at):
            return False
        entry = self.history.record(at, key, item, (at, self.region), by)
        assert entry is not None  # only a replicated write can lose
        self._written(self, entry, operation, lag)
        return True
