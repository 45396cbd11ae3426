"""What the app does by SyncWell's own flags: without a feature in some versions, asking to be updated below one.

Simplified: a phone asks the server of either region, so that a flag counts where both have it.
"""

from __future__ import annotations

from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.state import AppConfig
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.app_stores import PLAY, AppVersion
from drcore.sandbox.syncwell.life.app_flags import ENTITIES, AppFlags


class AppLevers:
    """The two flags, as phones get them now."""

    def __init__(self, world: World) -> None:
        self._world, self._config, self._flags = world, world.state(AppConfig), world.state(AppFlags)

    def least(self, store: str) -> int:
        """The version code below which the app asks to be updated; 0: none."""
        name = "google_play" if store == PLAY else "app_store"
        values = [each.get(name) for each in self._values(names.LEAST_VERSION_FLAG) if each.get("enabled")]
        return min(map(_code, values)) if len(values) == len(self._world.regions) else 0

    def without_feature(self, code: int) -> bool:
        """Whether a version does without the feature that merges."""
        values = self._values(names.APP_FEATURE_FLAG)
        return bool(values) and all(
            each.get("enabled") and _code(each.get("off_from")) <= code <= _code(each.get("off_to")) for each in values
        )

    def _values(self, flag: str) -> list[dict[str, Any]]:
        """The flag's value in each region; none where no flag was ever changed, as in the past that is told again."""
        if not any(self._changed(region) for region in self._world.regions):
            return []
        return [self._flags.of(region, ENTITIES[0]).get(flag, {}) for region in self._world.regions]

    def _changed(self, region: str) -> bool:
        try:
            home = self._config.application(region, names.SWITCH_APPLICATION)
        except AwsError:
            return False  # an account without the company's switches
        return len(self._config.environment(home, names.SWITCH_ENVIRONMENT).deployments) > 1


def _code(version: object) -> int:
    """The version code of a version that a flag names; 0 of one that is none."""
    parts = str(version or "").split(".")
    return AppVersion(str(version)).code if len(parts) == 3 and all(each.isdecimal() for each in parts) else 0
