"""Arguments for the functions of drcore/services/appconfig.py."""

from __future__ import annotations

from typing import Any

from drcore.services import appconfig

EAST = "us-east-1"


def _where(asking: Any) -> appconfig.Profile:
    return appconfig.profile(asking.aws, EAST, "syncwell", "production", "backend")


def _switches(asking: Any) -> appconfig.Profile:
    return appconfig.profile(asking.aws, EAST, "syncwell-switches", "production", "flags")


def _last_deployment(asking: Any) -> int:
    return appconfig.last_deployment(asking.aws, EAST, _where(asking)).number


def _running_deployment(asking: Any) -> int:
    """The number of a deployment that is given out slowly, where nothing else is deployed."""
    where = _switches(asking)
    last = appconfig.last_deployment(asking.aws, EAST, where)
    if not last.running:
        slow = "AppConfig.Linear20PercentEvery6Minutes"
        appconfig.deploy(asking.aws, EAST, where, slow, 1, "asked", last.number)
    return appconfig.last_deployment(asking.aws, EAST, where).number


def _experiment(asking: Any) -> appconfig.FlagExperiment:
    """One that runs on a flag, in the region that nothing else of these is deployed in."""
    where = _switches(asking)
    running = appconfig.experiments(asking.aws, EAST, where)
    if not running:
        last = appconfig.last_deployment(asking.aws, EAST, where)
        if last.running:
            appconfig.stop_deployment(asking.aws, EAST, where, last.number, revert=True)
            asking.world.request("POST", "/_sandbox/clock", {"sleep": 10})
        of = {"ApplicationIdentifier": where.application_id}
        made = asking.aws.call(
            "appconfig",
            EAST,
            "create_experiment_definition",
            Name="asked",
            EnvironmentIdentifier=where.environment_id,
            ConfigurationProfileIdentifier=where.profile_id,
            FlagKey="integration_strideon_enabled",
            AudienceRule="true",
            Control={"Weight": 0.0, "FlagValue": {"Enabled": False}},
            Treatments=[{"Weight": 100.0, "FlagValue": {"Enabled": True}}],
            **of,
        )
        asking.aws.call("appconfig", EAST, "start_experiment_run", ExperimentDefinitionIdentifier=made["Id"], **of)
        asking.world.request("POST", "/_sandbox/clock", {"sleep": 10})
        running = appconfig.experiments(asking.aws, EAST, where)
    return running[0]


APPCONFIG: dict[str, Any] = {
    "appconfig.where": _where,
    "appconfig.application": "syncwell",
    "appconfig.environment": "production",
    "appconfig.profile.name": "backend",
    "appconfig.strategy.name": "all-at-once",
    "appconfig.strategy_times.name": "all-at-once",
    "appconfig.strategy_id": "AppConfig.AllAtOnce",
    "appconfig.number": 1,
    "appconfig.content": {"DynamoDBTableName": "SyncWellMetadata"},
    "appconfig.after": lambda asking: appconfig.newest(asking.aws, EAST, _where(asking)).number,
    "appconfig.deploy.after": _last_deployment,
    "appconfig.stop_deployment.where": _switches,
    "appconfig.stop_deployment.number": _running_deployment,
    "appconfig.stop_deployment.revert": True,
    "appconfig.experiments.where": _switches,
    "appconfig.stop_experiment.where": _switches,
    "appconfig.stop_experiment.experiment": _experiment,
}
