"""CodeDeploy's deployments as data, with the groups that they belong to."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ALL_AT_ONCE = "CodeDeployDefault.LambdaAllAtOnce"
CANARY = re.compile(r"CodeDeployDefault\.LambdaCanary(\d+)Percent(\d+)Minutes")


class Status(StrEnum):
    """Of a deployment, as the API names it."""

    CREATED = "Created"
    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Status.SUCCEEDED, Status.FAILED, Status.STOPPED)


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One alias to be moved from version `current` to version `target`."""

    function: str
    alias: str
    current: str
    target: str


@dataclass(slots=True, kw_only=True)
class DeploymentGroup:
    """A deployment group; `alarms`, `events` and `trigger` as in the API."""

    application: str
    name: str
    id: str
    config: str
    alarms: tuple[str, ...] = ()
    alarms_enabled: bool = True
    rollback_events: tuple[str, ...] = ()
    topic: str = ""
    topic_events: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class LambdaDeployment:
    """One deployment. `hung` is the fault of a controller that no longer looks at alarms nor at the clock."""

    id: str
    region: str
    group: DeploymentGroup
    config: str
    targets: tuple[AliasMove, ...]
    created: datetime
    description: str = ""
    creator: str = "user"
    events: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    status: Status = Status.CREATED
    started: datetime | None = None
    completed: datetime | None = None
    error: tuple[str, str] | None = None
    stop: bool | None = None
    hung: bool = False
    rolls_back: str = ""
    rolled_back_by: str = ""
    message: str = ""
    shifted: int = 0

    def share(self, at: datetime) -> float:
        """The share of the new version that the configuration asks for now, 0 to 1."""
        canary = CANARY.fullmatch(self.config)
        if canary is None:
            return 1.0
        bake = timedelta(minutes=int(canary[2]))
        begun = self.started or at
        return 1.0 if at >= begun + bake and not self.hung else int(canary[1]) / 100
