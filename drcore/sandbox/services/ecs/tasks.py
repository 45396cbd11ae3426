"""ECS's task definitions with the tasks that run them; what a task is at a moment is a function of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

STARTING = (18.0, 32.0)
"""Seconds from the order until a task runs."""
STOPPING = (30.0, 40.0)
"""Seconds from the order until a task is stopped: it gets SIGTERM, works off what it has, and is killed."""
SHOWN = timedelta(hours=1)
"""So long a stopped task can still be described."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One revision of a task definition; `document` is what was registered."""

    family: str
    revision: int
    document: Mapping[str, Any]
    registered_at: datetime

    @property
    def name(self) -> str:
        """`syncwell-worker:7`."""
        return f"{self.family}:{self.revision}"

    @property
    def environment(self) -> dict[str, str]:
        """What its containers see, the first one's values last."""
        containers = self.document.get("containerDefinitions") or ()
        return {
            str(each["name"]): str(each.get("value") or "")
            for container in reversed(containers)
            for each in container.get("environment") or ()
        }

    @property
    def role(self) -> str:
        """The name of the role that its tasks work as; empty without one."""
        return str(self.document.get("taskRoleArn") or "").rpartition("/")[2]


@dataclass(slots=True)
class EcsTask:
    """One task. It runs from `started_at`; once it was told to stop at `stopping_since`, until `stopped_at`."""

    id: str
    cluster: str
    service: str | None
    deployment: str
    definition: Definition
    created_at: datetime
    started_at: datetime
    started_by: str = ""
    group: str = ""
    stopping_since: datetime | None = None
    stopped_at: datetime | None = None
    reason: str = ""
    code: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def release(self) -> str:
        """What its environment says it is."""
        return self.definition.environment.get("RELEASE", "")

    @property
    def role(self) -> str:
        """The name of the role that it works as."""
        return self.definition.role

    def wanted(self) -> bool:
        """Whether nobody has told it to stop."""
        return self.stopping_since is None

    def works(self, at: datetime) -> bool:
        """Whether its process is alive: after SIGTERM it still is."""
        return self.started_at <= at and not self.over(at) and (self.wanted() or self.started_at < self._told())

    def over(self, at: datetime) -> bool:
        """Whether it is STOPPED."""
        return self.stopped_at is not None and self.stopped_at <= at

    def healthy(self, at: datetime) -> bool:
        """Whether it runs, with nobody having told it to stop."""
        return self.wanted() and self.started_at <= at

    def status(self, at: datetime) -> str:
        """Its lastStatus."""
        if self.over(at):
            return "STOPPED"
        if not self.wanted():
            return "STOPPING" if at < self._told() + timedelta(seconds=28) else "DEPROVISIONING"
        if at >= self.started_at:
            return "RUNNING"
        return "PROVISIONING" if at < self.created_at + timedelta(seconds=8) else "PENDING"

    def _told(self) -> datetime:
        assert self.stopping_since is not None
        return self.stopping_since
