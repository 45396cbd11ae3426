"""AppConfig: hosted configuration, given out by one deployment at a time.

moto has neither environments nor deployments, so it is not asked. Simplified: no extensions, no
validators but that JSON is JSON and that flags are flags.
"""

from collections.abc import Sequence
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.appconfig.monitors import Monitors
from drcore.sandbox.services.appconfig.state import (
    AppConfig,
    ConfigApplication,
    ConfigDeployment,
    ConfigProfile,
    ConfigVersion,
    Environment,
    Strategy,
    refused,
)

MOST_MONITORS = 5


@operation("appconfig", "CreateApplication")
def create_application(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    made = call.world.state(AppConfig).create_application(
        call.region, call.params["Name"], call.params.get("Description") or ""
    )
    return _application(made)


@operation("appconfig", "ListApplications")
def list_applications(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    homes = call.world.state(AppConfig).applications.get(call.region, {})
    return _page(call, [_application(home) for home in homes.values()])


@operation("appconfig", "GetApplication")
def get_application(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return _application(_home(call))


@operation("appconfig", "CreateEnvironment")
def create_environment(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    home = _home(call)
    made = call.world.state(AppConfig).create_environment(call.region, home, call.params["Name"])
    return _watched(call, home, made)


@operation("appconfig", "UpdateEnvironment")
def update_environment(call: AwsCall) -> dict[str, Any]:
    """As the API, of its monitors: those that are given replace all."""
    home = _home(call)
    return _watched(call, home, _place(call, home))


@operation("appconfig", "ListEnvironments")
def list_environments(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    home = _home(call)
    return _page(call, [_environment(call, home, each) for each in home.environments.values()])


@operation("appconfig", "GetEnvironment")
def get_environment(call: AwsCall) -> dict[str, Any]:
    """As the API; State is READY_FOR_DEPLOYMENT again when a deployment has baked."""
    home = _home(call)
    return _environment(call, home, _place(call, home))


@operation("appconfig", "CreateConfigurationProfile")
def create_configuration_profile(call: AwsCall) -> dict[str, Any]:
    """As the API, for hosted configuration only."""
    home, params = _home(call), call.params
    if params.get("LocationUri") != "hosted":
        raise refused("only hosted configuration is emulated")
    kind = params.get("Type") or "AWS.Freeform"
    return _profile(home, call.world.state(AppConfig).create_profile(call.region, home, params["Name"], kind))


@operation("appconfig", "ListConfigurationProfiles")
def list_configuration_profiles(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    home, kind = _home(call), call.params.get("Type")
    return _page(call, [_profile(home, each) for each in home.profiles.values() if kind in (None, each.kind)])


@operation("appconfig", "GetConfigurationProfile")
def get_configuration_profile(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    home = _home(call)
    return _profile(home, _kind(call, home))


@operation("appconfig", "CreateHostedConfigurationVersion")
def create_hosted_configuration_version(call: AwsCall) -> dict[str, Any]:
    """As the API: LatestVersionNumber is compared."""
    home, params = _home(call), call.params
    profile, latest = _kind(call, home), params.get("LatestVersionNumber")
    made = call.world.state(AppConfig).host(
        profile,
        params.get("Content") or b"",
        params["ContentType"],
        latest=None if latest is None else int(latest),
        description=params.get("Description") or "",
        label=params.get("VersionLabel") or "",
    )
    return _version(home, profile, made) | {"Content": made.content}


@operation("appconfig", "GetHostedConfigurationVersion")
def get_hosted_configuration_version(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    home = _home(call)
    profile = _kind(call, home)
    version = profile.version(int(call.params["VersionNumber"]))
    return _version(home, profile, version) | {"Content": version.content}


@operation("appconfig", "ListHostedConfigurationVersions")
def list_hosted_configuration_versions(call: AwsCall) -> dict[str, Any]:
    """As the API, newest first."""
    home = _home(call)
    profile = _kind(call, home)
    return _page(call, [_version(home, profile, each) for each in reversed(profile.versions)])


@operation("appconfig", "CreateDeploymentStrategy")
def create_deployment_strategy(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    params = call.params
    made = call.world.state(AppConfig).create_strategy(
        call.region,
        params["Name"],
        int(params["DeploymentDurationInMinutes"]),
        float(params["GrowthFactor"]),
        params.get("GrowthType") or "LINEAR",
        int(params.get("FinalBakeTimeInMinutes") or 0),
    )
    return _strategy(made)


@operation("appconfig", "ListDeploymentStrategies")
def list_deployment_strategies(call: AwsCall) -> dict[str, Any]:
    """As the API: the predefined ones, then the account's own."""
    return _page(call, [_strategy(each) for each in call.world.state(AppConfig).strategies[call.region].values()])


@operation("appconfig", "GetDeploymentStrategy")
def get_deployment_strategy(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    return _strategy(call.world.state(AppConfig).strategy(call.region, call.params["DeploymentStrategyId"]))


@operation("appconfig", "StartDeployment")
def start_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API: one at a time in an environment; LatestDeploymentNumber is compared."""
    home, params, store = _home(call), call.params, call.world.state(AppConfig)
    profile, place = _kind(call, home), _place(call, home)
    strategy = store.strategy(call.region, params["DeploymentStrategyId"])
    if not str(params["ConfigurationVersion"]).isdecimal():
        raise refused("ConfigurationVersion is not the number of a hosted version")
    version, latest = profile.version(int(params["ConfigurationVersion"])), params.get("LatestDeploymentNumber")
    if latest is not None and int(latest) != len(place.deployments):
        raise AwsError("ConflictException", f"The latest deployment is {len(place.deployments)}, not {latest}", 409)
    begun = store.deploy(place, profile, version, strategy, params.get("Description") or "")
    return _deployment(call, home, place, begun)


@operation("appconfig", "GetDeployment")
def get_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    home = _home(call)
    place = _place(call, home)
    deployment = call.world.state(AppConfig).deployment(place, int(call.params["DeploymentNumber"]))
    return _deployment(call, home, place, deployment)


@operation("appconfig", "ListDeployments")
def list_deployments(call: AwsCall) -> dict[str, Any]:
    """As the API, newest first."""
    place = _place(call, _home(call))
    return _page(call, [_summary(call, each) for each in reversed(place.deployments)])


@operation("appconfig", "StopDeployment")
def stop_deployment(call: AwsCall) -> dict[str, Any]:
    """As the API: readers get what they had before; one that bakes or is complete needs AllowRevert."""
    home = _home(call)
    place = _place(call, home)
    revert = bool(call.params.get("AllowRevert"))
    stopped = call.world.state(AppConfig).stop(place, int(call.params["DeploymentNumber"]), revert=revert)
    return _deployment(call, home, place, stopped)


def _watched(call: AwsCall, home: ConfigApplication, place: Environment) -> dict[str, Any]:
    """The environment, with the monitors of the call."""
    if call.params.get("Monitors") is not None:
        if len(call.params["Monitors"]) > MOST_MONITORS:
            raise refused(f"Monitors: at most {MOST_MONITORS}")
        place.monitors = [dict(each) for each in call.params["Monitors"]]
        call.world.state(Monitors)  # which looks at them from now on
    return _environment(call, home, place)


def _home(call: AwsCall) -> ConfigApplication:
    return call.world.state(AppConfig).application(call.region, call.params["ApplicationId"])


def _place(call: AwsCall, home: ConfigApplication) -> Environment:
    return call.world.state(AppConfig).environment(home, call.params["EnvironmentId"])


def _kind(call: AwsCall, home: ConfigApplication) -> ConfigProfile:
    return call.world.state(AppConfig).profile(home, call.params["ConfigurationProfileId"])


def _page(call: AwsCall, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    size = int(call.params.get("MaxResults") or 50)
    here, token = page(documents, call.params.get("NextToken"), size, "BadRequestException")
    return {"Items": list(here)} | ({"NextToken": token} if token else {})


def _application(home: ConfigApplication) -> dict[str, Any]:
    return {"Id": home.id, "Name": home.name, "Description": home.description}


def _environment(call: AwsCall, home: ConfigApplication, place: Environment) -> dict[str, Any]:
    state = place.state(call.world.clock.now())
    ids = {"ApplicationId": home.id, "Id": place.id, "Name": place.name}
    return ids | {"State": state, "Monitors": list(place.monitors)}


def _profile(home: ConfigApplication, profile: ConfigProfile) -> dict[str, Any]:
    return {
        "ApplicationId": home.id,
        "Id": profile.id,
        "Name": profile.name,
        "LocationUri": "hosted",
        "Type": profile.kind,
    }


def _version(home: ConfigApplication, profile: ConfigProfile, version: ConfigVersion) -> dict[str, Any]:
    return {
        "ApplicationId": home.id,
        "ConfigurationProfileId": profile.id,
        "VersionNumber": version.number,
        "Description": version.description,
        "ContentType": version.content_type,
    } | ({"VersionLabel": version.label} if version.label else {})


def _strategy(strategy: Strategy) -> dict[str, Any]:
    return {"Id": strategy.id, "Name": strategy.name, "ReplicateTo": "NONE"} | _pace(strategy)


def _pace(strategy: Strategy) -> dict[str, Any]:
    return {
        "DeploymentDurationInMinutes": strategy.minutes,
        "GrowthType": strategy.growth_type,
        "GrowthFactor": strategy.growth,
        "FinalBakeTimeInMinutes": strategy.bake,
    }


def _summary(call: AwsCall, deployment: ConfigDeployment) -> dict[str, Any]:
    now = call.world.clock.now()
    over = deployment.complete if deployment.stopped is None else deployment.stopped
    return {
        "DeploymentNumber": deployment.number,
        "ConfigurationProfileId": deployment.profile.id,
        "Type": deployment.kind,
        "ConfigurationName": deployment.profile.name,
        "ConfigurationVersion": str(deployment.version.number),
        "State": deployment.state(now),
        "PercentageComplete": deployment.percentage(now),
        "StartedAt": deployment.started,
        **_pace(deployment.strategy),
        **({"CompletedAt": over} if over <= now else {}),
    }


def _deployment(
    call: AwsCall, home: ConfigApplication, place: Environment, deployment: ConfigDeployment
) -> dict[str, Any]:
    return _summary(call, deployment) | {
        "ApplicationId": home.id,
        "EnvironmentId": place.id,
        "DeploymentStrategyId": deployment.strategy.id,
        "ConfigurationLocationUri": "hosted",
        "Description": deployment.description,
        "EventLog": [
            {"EventType": kind, "OccurredAt": at, "TriggeredBy": who}
            for kind, at, who in _happened(deployment)
            if at <= call.world.clock.now()
        ],
    }


def _happened(deployment: ConfigDeployment) -> list[tuple[str, Any, str]]:
    """What has happened in it or will, newest first."""
    begun = ("DEPLOYMENT_STARTED", deployment.started, "USER")
    if deployment.stopped is not None and not deployment.reverted:
        who = "CLOUDWATCH_ALARM" if deployment.stopped_by else "USER"
        return [("ROLLBACK_STARTED", deployment.stopped, who), begun]
    course = [
        ("DEPLOYMENT_COMPLETED", deployment.complete, "APPCONFIG"),
        ("BAKE_TIME_STARTED", deployment.full, "APPCONFIG"),
        begun,
    ]
    return [("REVERT_COMPLETED", deployment.stopped, "USER"), *course] if deployment.reverted else course
