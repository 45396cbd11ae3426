"""App recovery of Google Play: the only lever on those who have a bad version already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from drcore.errors import Unknown
from drcore.services.answers import VendorAnswer, understood
from drcore.services.play.client import Play

_STATUS = "RECOVERY_STATUS_"


@dataclass(frozen=True, slots=True)
class RecoveryAction:
    """An action: DRAFT, GENERATION_IN_PROGRESS, GENERATION_FAILED, ACTIVE, CANCELED; the devices of one version.

    An empty id: there is none. `regions` is empty where all users are meant.
    """

    id: str = ""
    status: str = ""
    devices: int = field(default=0, metadata={"label": "devices meant"})
    recovered: int = field(default=0, metadata={"label": "devices recovered"})
    regions: tuple[str, ...] = ()


class _RecoveryBundle(VendorAnswer):
    version_code: str
    total_device_count: str = "0"
    recovered_device_count: str = "0"


class _RecoveryData(VendorAnswer):
    remote_app_update_data_per_bundle: tuple[_RecoveryBundle, ...] = ()


class _RecoveryRegions(VendorAnswer):
    region_code: tuple[str, ...] = ()


class _RecoveryTargeting(VendorAnswer):
    regions: _RecoveryRegions = _RecoveryRegions()


class _Action(VendorAnswer):
    app_recovery_id: str
    status: str
    remote_in_app_update_data: _RecoveryData = _RecoveryData()
    targeting: _RecoveryTargeting = _RecoveryTargeting()


class _Actions(VendorAnswer):
    recovery_actions: tuple[_Action, ...] = ()


def recovery_actions(play: Play, code: int) -> tuple[RecoveryAction, ...]:
    """The actions that mean a version, with the counts of its devices. Raises Unknown, Rejected."""
    answer = play.publish("GET", f"/appRecoveries?versionCode={code}")
    document = understood(answer, _Actions, f"the recovery actions for {code} in Google Play")
    return tuple(_action(each, code) for each in document.recovery_actions)


def create_recovery(play: Play, code: int, regions: Sequence[str] = ()) -> str:
    """A draft that forces an update on those who have a version, everywhere or in some regions; returns its id.

    There is no idempotency key: look for an action that means the version first. Nobody is reached before it is
    deployed. Raises Unknown, Rejected.
    """
    where: dict[str, Any] = {"regions": {"regionCode": list(regions)}} if regions else _ALL
    targeting = {"versionList": {"versionCodes": [str(code)]}} | where
    asked = {"remoteInAppUpdate": {"isRemoteInAppUpdateRequested": True}, "targeting": targeting}
    answer = play.publish("POST", "/appRecoveries", body=asked)
    return understood(answer, _Action, "a new recovery action in Google Play").app_recovery_id


def deploy_recovery(play: Play, action: str) -> None:
    """Let a draft reach devices. Raises Busy where somebody else changes it, Rejected where it is no draft, Unknown."""
    play.publish("POST", f"/appRecoveries/{action}:deploy", body={})


def cancel_recovery(play: Play, action: str) -> None:
    """End an action for good; who was recovered stays so. Raises as `deploy_recovery`."""
    play.publish("POST", f"/appRecoveries/{action}:cancel", body={})


_ALL = {"allUsers": {"isAllUsersRequested": True}}


def _action(action: _Action, code: int) -> RecoveryAction:
    mine = [
        each
        for each in action.remote_in_app_update_data.remote_app_update_data_per_bundle
        if each.version_code == str(code)
    ]
    devices, recovered = (
        sum(_number(text, action.app_recovery_id) for text in texts)
        for texts in ([each.total_device_count for each in mine], [each.recovered_device_count for each in mine])
    )
    status, regions = action.status.removeprefix(_STATUS), action.targeting.regions.region_code
    return RecoveryAction(action.app_recovery_id, status, devices, recovered, regions)


def _number(text: str, action: str) -> int:
    if not text.isdecimal():
        raise Unknown(f"the recovery action {action}: expected a count of devices, seen {text!r}")
    return int(text)
