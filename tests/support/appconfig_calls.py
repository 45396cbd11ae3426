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


APPCONFIG: dict[str, Any] = {
    "appconfig.where": _where,
    "appconfig.application": "syncwell",
    "appconfig.environment": "production",
    "appconfig.profile.name": "backend",
    "appconfig.strategy.name": "all-at-once",
    "appconfig.strategy_id": "AppConfig.AllAtOnce",
    "appconfig.number": 1,
    "appconfig.content": {"DynamoDBTableName": "SyncWellMetadata"},
    "appconfig.after": lambda asking: appconfig.newest(asking.aws, EAST, _where(asking)).number,
    "appconfig.deploy.after": _last_deployment,
    "appconfig.stop_deployment.where": _switches,
    "appconfig.stop_deployment.number": _running_deployment,
}
