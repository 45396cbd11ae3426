"""A flag with an environment and a profile of its name, in which a test deploys a value as a person would."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.support.syncwell_world import SyncWellWorld


def deploy_flag(world: SyncWellWorld, region: str, flag: str, value: Mapping[str, object]) -> None:
    """Deploy the flag with a value, at once to all."""
    config = world.client("appconfig", region)
    app = next(each["Id"] for each in config.list_applications()["Items"] if each["Name"] == "syncwell")
    place = next(e["Id"] for e in config.list_environments(ApplicationId=app)["Items"] if e["Name"] == flag)
    profile = next(e["Id"] for e in config.list_configuration_profiles(ApplicationId=app)["Items"] if e["Name"] == flag)
    of = {"ApplicationId": app, "ConfigurationProfileId": profile}
    was = json.loads(config.get_hosted_configuration_version(VersionNumber=1, **of)["Content"].read())
    flags = {"flags": was["flags"], "values": {flag: value}, "version": "1"}
    made = config.create_hosted_configuration_version(
        Content=json.dumps(flags).encode(), ContentType="application/json", **of
    )
    config.start_deployment(
        EnvironmentId=place,
        DeploymentStrategyId="AppConfig.AllAtOnce",
        ConfigurationVersion=str(made["VersionNumber"]),
        **of,
    )
