"""AppConfig: a configuration as its consumers get it, its hosted versions, their deployments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drcore.calls.answer import as_answer
from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown


@dataclass(frozen=True, slots=True)
class Profile:
    """A configuration profile in one environment, by names and by the ids behind them."""

    application: str
    environment: str
    profile: str
    application_id: str = field(default="", compare=False)
    environment_id: str = field(default="", compare=False)
    profile_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class HostedVersion:
    """A hosted version: its number, its content. Number 0: there is none."""

    number: int
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlagExperiment:
    """A run of an experiment that holds a flag: users who are treated get its value, whatever is deployed."""

    definition: str
    name: str
    flag: str
    run: int
    percent: float = field(compare=False)


@dataclass(frozen=True, slots=True)
class EnvironmentDeployment:
    """The newest deployment of an environment: DEPLOYING, BAKING, COMPLETE, ROLLING_BACK, ROLLED_BACK or REVERTED.

    Number 0: there has been none.
    """

    number: int = 0
    state: str = ""
    profile: str = ""
    version: str = ""
    percent: float = field(default=0.0, compare=False)
    managed: bool = field(default=False, compare=False)  # by AppConfig itself, for an experiment

    @property
    def gone(self) -> bool:
        """Whether nobody gets its version any more, by what became of it."""
        return self.state in ("ROLLING_BACK", "ROLLED_BACK", "REVERTED")

    @property
    def running(self) -> bool:
        return self.state in ("DEPLOYING", "BAKING", "VALIDATING", "ROLLING_BACK")


@dataclass(frozen=True, slots=True)
class StrategyTimes:
    """The minutes of a deployment strategy: until all have a version, then as long as it is watched (it bakes)."""

    minutes: float
    bake: float


def consumed(aws: Aws, region: str, where: Profile) -> dict[str, Any]:
    """The configuration as a consumer that starts now gets it. Raises Unknown, Rejected."""
    session = aws.call(
        "appconfigdata",
        region,
        "start_configuration_session",
        ApplicationIdentifier=where.application,
        EnvironmentIdentifier=where.environment,
        ConfigurationProfileIdentifier=where.profile,
    )
    token = session["InitialConfigurationToken"]
    answer = aws.call("appconfigdata", region, "get_latest_configuration", ConfigurationToken=token)
    return _parsed(answer["Configuration"].read(), region, where)


def profile(aws: Aws, region: str, application: str, environment: str, name: str) -> Profile:
    """The ids behind the names. Raises Rejected where a name is not there, or is not one thing's only; Unknown."""
    app = _id(aws.pages("appconfig", region, "list_applications", "Items"), application, region)
    of_app = {"ApplicationId": app}
    env = _id(aws.pages("appconfig", region, "list_environments", "Items", **of_app), environment, region)
    one = _id(aws.pages("appconfig", region, "list_configuration_profiles", "Items", **of_app), name, region)
    return Profile(application, environment, name, app, env, one)


def strategy_times(aws: Aws, region: str, name: str) -> StrategyTimes:
    """How fast a strategy gives a version out. Raises Rejected where there is none, or more than one; Unknown."""
    strategies = [
        each for each in aws.pages("appconfig", region, "list_deployment_strategies", "Items") if each["Name"] == name
    ]
    _id(strategies, name, region)
    return StrategyTimes(
        float(strategies[0]["DeploymentDurationInMinutes"]), float(strategies[0]["FinalBakeTimeInMinutes"])
    )


def strategy(aws: Aws, region: str, name: str) -> str:
    """The id of a deployment strategy; the predefined ones (AppConfig.AllAtOnce) are their own."""
    if name.startswith("AppConfig."):
        return name
    return _id(aws.pages("appconfig", region, "list_deployment_strategies", "Items"), name, region)


def newest(aws: Aws, region: str, where: Profile) -> HostedVersion:
    """The hosted version that was made last, deployed or not. Raises Unknown, Rejected.

    The list is read whole, 50 a call: AppConfig promises no order, and has no other way to ask for the newest.
    """
    of = {"ApplicationId": where.application_id, "ConfigurationProfileId": where.profile_id}
    listed = aws.pages("appconfig", region, "list_hosted_configuration_versions", "Items", **of)
    number = max((each["VersionNumber"] for each in listed), default=0)
    return version(aws, region, where, number) if number else HostedVersion(0, {})


def version(aws: Aws, region: str, where: Profile, number: int) -> HostedVersion:
    """One hosted version by its number. Raises Unknown, Rejected."""
    of = {"ApplicationId": where.application_id, "ConfigurationProfileId": where.profile_id}
    answer = aws.call("appconfig", region, "get_hosted_configuration_version", VersionNumber=number, **of)
    return HostedVersion(number, _parsed(answer["Content"].read(), region, where))


def last_deployment(aws: Aws, region: str, where: Profile) -> EnvironmentDeployment:
    """The newest deployment of the environment, of whichever profile: one at a time runs in it."""
    return next(deployments(aws, region, where), EnvironmentDeployment())


def deployments(aws: Aws, region: str, where: Profile) -> Iterator[EnvironmentDeployment]:
    """The deployments of the environment, of whichever profile, by their numbers, the last one first.

    Page after page, as far as they are taken: an environment keeps all that it ever had. Raises Unknown, Rejected.
    """
    of = {"ApplicationId": where.application_id, "EnvironmentId": where.environment_id}
    for deployment in aws.pages("appconfig", region, "list_deployments", "Items", **of):
        yield EnvironmentDeployment(
            deployment["DeploymentNumber"],
            deployment["State"],
            deployment.get("ConfigurationName", ""),
            deployment.get("ConfigurationVersion", ""),
            deployment.get("PercentageComplete", 0.0),
            deployment.get("Type", "USER") != "USER",
        )


def stop_deployment(aws: Aws, region: str, where: Profile, number: int, *, revert: bool) -> None:
    """Stop a deployment: consumers get what they had before it.

    Without `revert` only one that is DEPLOYING; with it one that is BAKING, too, and one that is COMPLETE for 72 hours.
    """
    of: dict[str, Any] = {"ApplicationId": where.application_id, "EnvironmentId": where.environment_id}
    of |= {"AllowRevert": True} if revert else {}
    aws.call("appconfig", region, "stop_deployment", DeploymentNumber=number, **of)


def why_deployed(aws: Aws, region: str, where: Profile, number: int) -> str:
    """What was given as the reason of a deployment; empty where nothing was. Raises Unknown, Rejected."""
    of = {"ApplicationId": where.application_id, "EnvironmentId": where.environment_id}
    return str(aws.call("appconfig", region, "get_deployment", DeploymentNumber=number, **of).get("Description") or "")


def rolled_back_by(aws: Aws, region: str, where: Profile, number: int) -> str:
    """Who rolled a deployment back (CLOUDWATCH_ALARM: a monitor); empty where nobody did. Raises Unknown, Rejected."""
    of = {"ApplicationId": where.application_id, "EnvironmentId": where.environment_id}
    events = aws.call("appconfig", region, "get_deployment", DeploymentNumber=number, **of).get("EventLog", ())
    return next((str(each.get("TriggeredBy", "")) for each in events if "ROLLBACK" in each["EventType"]), "")


def monitors(aws: Aws, region: str, where: Profile) -> tuple[str, ...]:
    """The alarms (ARNs) that roll a deployment of the environment back. Raises Unknown, Rejected."""
    of = {"ApplicationId": where.application_id, "EnvironmentId": where.environment_id}
    watched = aws.call("appconfig", region, "get_environment", **of).get("Monitors", ())
    return tuple(each["AlarmArn"] for each in watched)


def experiments(aws: Aws, region: str, where: Profile) -> tuple[FlagExperiment, ...]:
    """The experiments that run on flags of the profile in its environment. Raises Unknown, Rejected."""
    of = {"ApplicationIdentifier": where.application_id, "EnvironmentIdentifier": where.environment_id}
    definitions = aws.pages(
        "appconfig",
        region,
        "list_experiment_definitions",
        "Items",
        ConfigurationProfileIdentifier=where.profile_id,
        Status="ACTIVE",
        **of,
    )
    return tuple(
        FlagExperiment(each["Id"], each["Name"], each["FlagKey"], run["Run"], run.get("ExposurePercentage", 0.0))
        for each in definitions
        for run in aws.pages(
            "appconfig",
            region,
            "list_experiment_runs",
            "Items",
            ApplicationIdentifier=where.application_id,
            ExperimentDefinitionIdentifier=each["Id"],
            Status="RUNNING",
        )
    )


def stop_experiment(aws: Aws, region: str, where: Profile, experiment: FlagExperiment) -> None:
    """End a run of an experiment: its users get what is deployed. It cannot be continued."""
    aws.call(
        "appconfig",
        region,
        "stop_experiment_run",
        ApplicationIdentifier=where.application_id,
        ExperimentDefinitionIdentifier=experiment.definition,
        Run=experiment.run,
    )


def add_version(aws: Aws, region: str, where: Profile, content: dict[str, Any], after: int, why: str) -> None:
    """Add a hosted version, unless somebody else has added one after number `after`. Nothing is deployed by it."""
    guard = {"LatestVersionNumber": after} if after else {}
    aws.call(
        "appconfig",
        region,
        "create_hosted_configuration_version",
        ApplicationId=where.application_id,
        ConfigurationProfileId=where.profile_id,
        Description=why[:1024],
        Content=json.dumps(content, sort_keys=True).encode(),
        ContentType="application/json",
        **guard,
    )


def deploy(aws: Aws, region: str, where: Profile, strategy_id: str, number: int, why: str, after: int) -> None:
    """Start to deploy a version, unless another deployment of the environment came after number `after`.

    AppConfig refuses while one runs, too. Number 0 is that of an environment in which nothing was ever deployed.
    """
    guard = {"LatestDeploymentNumber": after} if after else {}
    aws.call(
        "appconfig",
        region,
        "start_deployment",
        ApplicationId=where.application_id,
        EnvironmentId=where.environment_id,
        DeploymentStrategyId=strategy_id,
        ConfigurationProfileId=where.profile_id,
        ConfigurationVersion=str(number),
        Description=why[:1024],
        **guard,
    )


def _id(listed: Any, name: str, region: str) -> str:
    ids = [each["Id"] for each in listed if each["Name"] == name]
    if len(ids) != 1:
        raise Rejected(f"appconfig in {region}: expected one {name}, seen {len(ids)}", "ResourceNotFoundException")
    return str(ids[0])


def _parsed(content: bytes, region: str, where: Profile) -> dict[str, Any]:
    try:
        values = as_answer(json.loads(content), f"appconfig in {region}: {where.profile}")
    except ValueError as error:
        raise Unknown(f"appconfig in {region}: {where.profile} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise Unknown(f"appconfig in {region}: {where.profile} is not a JSON object")
    return values
