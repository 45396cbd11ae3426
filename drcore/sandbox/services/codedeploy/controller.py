"""CodeDeploy's controller for Lambda: shifts alias weights, watches its alarms, rolls back.

One deployment covers all functions of its region. Simplified: canary and all-at-once configurations only; no
hooks; a rollback shifts everything at once and does not watch alarms; what happens, happens at the next
ten-second tick.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.behaviours import Behaviours
from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.services import sns
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.codedeploy.state import (
    ALL_AT_ONCE,
    CANARY,
    AliasMove,
    DeploymentGroup,
    LambdaDeployment,
    Status,
)
from drcore.sandbox.services.lambda_.state import Lambda, Weights


@dataclass(slots=True)
class _Region:
    groups: dict[tuple[str, str], DeploymentGroup] = field(default_factory=dict)
    deployments: dict[str, LambdaDeployment] = field(default_factory=dict)
    applications: set[str] = field(default_factory=set)


_STOPPED_AT_ONCE = 0.5
"""The share of the deployments that StopDeployment finds ready to be stopped (it answers Succeeded)."""


class CodeDeployController:
    """The deployments of both regions."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._functions = world.state(Lambda)
        self._watch = world.state(CloudWatch)
        self._regions = {region: _Region() for region in world.regions}
        world.add_to_dump("codedeploy", self._state)

    def add_group(self, region: str, group: DeploymentGroup) -> None:
        """A new deployment group, with its application."""
        self._regions[region].applications.add(group.application)
        self._regions[region].groups[group.application, group.name] = group

    def applications(self, region: str) -> list[str]:
        """The applications of one region, by name."""
        return sorted(self._regions[region].applications)

    def add_application(self, region: str, name: str) -> None:
        """A new application. Raises AwsError where there is one."""
        if name in self._regions[region].applications:
            raise AwsError("ApplicationAlreadyExistsException", f"An application named {name} exists")
        self._regions[region].applications.add(name)

    def delete_application(self, region: str, name: str) -> None:
        """An application is gone, with its groups."""
        self._regions[region].applications.discard(name)
        groups = self._regions[region].groups
        for known in [each for each in groups if each[0] == name]:
            del groups[known]

    def add_to_application(self, region: str, group: DeploymentGroup) -> None:
        """A new group of an application that is there. Raises AwsError."""
        if group.application not in self._regions[region].applications:
            raise AwsError("ApplicationDoesNotExistException", f"Applications not found for {group.application}")
        self.add_group(region, group)

    def groups(self, region: str) -> list[DeploymentGroup]:
        """The deployment groups of one region."""
        return list(self._regions[region].groups.values())

    def group(self, region: str, application: str, name: str) -> DeploymentGroup:
        """A group. Raises AwsError for an unknown application or group."""
        groups = self._regions[region].groups
        if application not in self._regions[region].applications:
            raise AwsError("ApplicationDoesNotExistException", f"Applications not found for {application}")
        if (application, name) not in groups:
            raise AwsError("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {name}")
        return groups[application, name]

    def deployments(self, region: str) -> Iterator[LambdaDeployment]:
        """Newest first."""
        return reversed(self._regions[region].deployments.values())

    def deployment(self, region: str, deployment_id: str) -> LambdaDeployment:
        """A deployment by its id. Raises AwsError (DeploymentDoesNotExistException)."""
        known = self._regions[region].deployments.get(deployment_id)
        if known is None:
            raise AwsError("DeploymentDoesNotExistException", f"The deployment {deployment_id} could not be found")
        return known

    def create(
        self,
        region: str,
        group: DeploymentGroup,
        targets: Sequence[AliasMove],
        *,
        config: str = "",
        description: str = "",
        watched: tuple[str, ...] | None = None,
    ) -> LambdaDeployment:
        """Start a deployment. Raises AwsError: DeploymentLimitExceededException while one runs."""
        running = [d for d in self.deployments(region) if d.group is group and not d.status.over]
        if running:
            raise AwsError(
                "DeploymentLimitExceededException",
                f"The Deployment Group '{group.name}' already has an active Deployment '{running[0].id}'",
            )
        wanted = config or group.config
        if wanted != ALL_AT_ONCE and not CANARY.fullmatch(wanted):
            raise AwsError("DeploymentConfigDoesNotExistException", f"No deployment configuration found: {wanted}")
        for target in targets:
            self._functions.alias(region, target.function, target.alias)
            self._functions.function(region, target.function, target.target)
        if watched is None:
            watched = group.alarms if group.alarms_enabled else ()
        return self._add(region, group, tuple(targets), config=wanted, description=description, watched=watched)

    def stop(self, deployment: LambdaDeployment, roll_back: bool | None) -> bool:
        """Ask for a stop; `roll_back` None means: as the group says. Some are stopped at once, others at the next tick.

        Returns whether it was at once. Raises AwsError (DeploymentAlreadyCompletedException) if the deployment is over.
        """
        if deployment.status.over:
            raise AwsError(
                "DeploymentAlreadyCompletedException",
                f"The deployment {deployment.id} is already completed: {deployment.status}",
            )
        configured = "DEPLOYMENT_STOP_ON_REQUEST" in deployment.events
        deployment.stop = configured if roll_back is None else roll_back
        behaviour = self._world.state(Behaviours).word("stop-deployment")
        chance = self._world.rng("codedeploy stop", deployment.id).random()
        at_once = chance < _STOPPED_AT_ONCE if behaviour == "either" else behaviour == "Succeeded"
        if at_once:
            self._move(deployment, self._world.clock.now())
        return at_once

    def tick(self, at: datetime) -> None:
        """Move every running deployment on."""
        for region in self._regions.values():
            for deployment in [d for d in region.deployments.values() if not d.status.over]:
                self._move(deployment, at)

    def finish_at_once(self, deployment: LambdaDeployment) -> None:
        """Mark a deployment as long done, for the history before the doors opened."""
        deployment.started = deployment.completed = deployment.created
        deployment.status = Status.SUCCEEDED

    def _add(
        self, region: str, group: DeploymentGroup, targets: tuple[AliasMove, ...], **more: Any
    ) -> LambdaDeployment:
        deployments = self._regions[region].deployments
        stream = self._world.rng("codedeploy id", region, len(deployments))
        name = "d-" + "".join(stream.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=9))
        more.setdefault("events", group.rollback_events)
        created = self._world.clock.now()
        deployments[name] = LambdaDeployment(
            id=name, region=region, group=group, targets=targets, created=created, **more
        )
        return deployments[name]

    def _move(self, deployment: LambdaDeployment, at: datetime) -> None:
        if deployment.stop is not None:
            error = ("MANUAL_STOP", "The deployment was stopped by a user.")
            self._end(deployment, Status.STOPPED, at, error, deployment.stop)
            return
        if deployment.started is None:
            deployment.started, deployment.status = at, Status.IN_PROGRESS
        ringing = self._ringing(deployment)
        if ringing:
            error = ("ALARM_ACTIVE", f"One or more alarms have been activated: {', '.join(ringing)}")
            back = "DEPLOYMENT_STOP_ON_ALARM" in deployment.events
            self._end(deployment, Status.STOPPED, at, error, back)
            return
        share = deployment.share(at)
        try:
            for target in deployment.targets:
                self._hold(deployment, target, share)
        except AwsError as error:  # a function or an alias was deleted meanwhile
            self._end(deployment, Status.FAILED, at, ("INVALID_LAMBDA_FUNCTION", error.message), False)
            return
        if share == 1.0:
            self._end(deployment, Status.SUCCEEDED, at, None, False)

    def _hold(self, deployment: LambdaDeployment, target: AliasMove, share: float) -> None:
        """Set the alias as the deployment wants it, also if somebody else has just set it otherwise."""
        version = target.target if share == 1.0 else target.current
        weights: Weights = {}
        if share < 1.0 and target.target != target.current:
            weights = {target.target: share}
        alias = self._functions.alias(deployment.region, target.function, target.alias)
        if (alias.function_version, self._functions.weights(alias)) != (version, weights):
            self._functions.shift_alias(
                deployment.region, target.function, target.alias, version=version, weights=weights
            )
            deployment.shifted += 1

    def _ringing(self, deployment: LambdaDeployment) -> list[str]:
        if deployment.hung:
            return []
        alarms = self._watch.alarms[deployment.region]
        watched = [alarms.get(name) for name in deployment.watched]
        return [alarm.name for alarm in watched if alarm is not None and alarm.state == "ALARM"]

    def _end(
        self,
        deployment: LambdaDeployment,
        status: Status,
        at: datetime,
        error: tuple[str, str] | None,
        roll_back: bool,
    ) -> None:
        deployment.status, deployment.completed, deployment.error = status, at, error
        if error is not None:
            self._notify(deployment, "DeploymentStop")
        if deployment.rolls_back and status is Status.SUCCEEDED:
            self._notify(deployment, "DeploymentRollback")
        if roll_back:
            self._roll_back(deployment)

    def _roll_back(self, deployment: LambdaDeployment) -> None:
        """A new deployment that gives the aliases back to the versions before."""
        back = self._add(
            deployment.region,
            deployment.group,
            tuple(AliasMove(t.function, t.alias, t.target, t.current) for t in deployment.targets),
            config=ALL_AT_ONCE,
            creator="codeDeployRollback",
            events=(),
            rolls_back=deployment.id,
            message=f"Deployment {deployment.id} is rolled back.",
        )
        deployment.rolled_back_by, deployment.message = back.id, f"Rolled back by deployment {back.id}."

    def _notify(self, deployment: LambdaDeployment, event: str) -> None:
        group = deployment.group
        if event not in group.topic_events:
            return
        message = {
            "region": deployment.region,
            "accountId": self._world.account,
            "eventTriggerName": event,
            "applicationName": group.application,
            "deploymentGroupName": group.name,
            "deploymentId": deployment.id,
            "status": deployment.status.upper(),
            "createTime": iso(deployment.created),
            "completeTime": iso(deployment.completed or deployment.created),
            "errorInformation": deployment.error[1] if deployment.error else "",
            "rollbackInformation": deployment.message,
        }
        subject = f"{event}: {deployment.id} in {deployment.region}"
        sns.publish(self._world, deployment.region, group.topic, subject, json.dumps(message))

    def _state(self) -> dict[str, Any]:
        return {
            name: {
                "groups": {g.name: [g.config, g.alarms_enabled, *g.alarms] for g in region.groups.values()},
                "deployments": {d.id: d.status.value for d in region.deployments.values()},
            }
            for name, region in self._regions.items()
        }
