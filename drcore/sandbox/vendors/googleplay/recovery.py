"""App recovery of Google Play: an update that is forced upon those who have a bad version.

Simplified: an action is about versions, regions, SDK levels by name, not by device; the devices are counted by version
only. A second change within two seconds meets the first one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.vendors.googleplay.answers import conflict, invalid, not_found, precondition
from drcore.sandbox.vendors.googleplay.edits import APP, publisher
from drcore.sandbox.vendors.googleplay.store import PlayStore

GENERATION = timedelta(minutes=3)
BUSY = timedelta(seconds=2)
_ACTIONS = f"{APP}/appRecoveries"
_ACTION = f"{_ACTIONS}/<action>"
DRAFT, ACTIVE, CANCELED = "DRAFT", "ACTIVE", "CANCELED"
IN_PROGRESS, FAILED = "GENERATION_IN_PROGRESS", "GENERATION_FAILED"


@dataclass(slots=True)
class PlayRecovery:
    """One recovery action."""

    id: str
    targeting: dict[str, Any]
    created: datetime
    updated: datetime
    fails: bool
    deployed: datetime | None = None
    cancelled: datetime | None = None
    recovered: dict[int, int] = field(default_factory=dict)  # devices, by the version that they had

    def status(self, now: datetime) -> str:
        """Where it stands, without Google's prefix."""
        if self.cancelled is not None:
            return CANCELED
        if now < self.created + GENERATION:
            return IN_PROGRESS
        if self.fails:
            return FAILED
        return ACTIVE if self.deployed is not None else DRAFT

    def means(self, code: int) -> bool:
        """Whether devices with that version are meant."""
        listed = self.targeting.get("versionList", {}).get("versionCodes", [])
        span = self.targeting.get("versionRange")
        if not listed and not span:
            return True
        return str(code) in listed or bool(
            span and int(span["versionCodeStart"]) <= code <= int(span["versionCodeEnd"])
        )


class PlayRecoveries:
    """The recovery actions of the app, oldest first. `fails` is whether the generation of the next one fails."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.actions: list[PlayRecovery] = []
        self.fails = False
        self.devices: Callable[[int], int] = lambda code: 0
        world.add_to_dump("googleplay recoveries", lambda: [self.shown(each) for each in self.actions])

    def active(self) -> list[PlayRecovery]:
        """Those that reach devices now."""
        now = self._world.clock.now()
        return [each for each in self.actions if each.status(now) == ACTIVE]

    def add(self, targeting: dict[str, Any]) -> PlayRecovery:
        """A new draft, whose module is being generated."""
        now = self._world.clock.now()
        number = self._world.count("googleplay", "recovery", "")
        name = str(self._world.rng("recovery", number).getrandbits(50) + 1)
        self.actions.append(PlayRecovery(name, targeting, now, now, self.fails))
        return self.actions[-1]

    def change(self, name: str) -> PlayRecovery:
        """An action that is to be changed now. Raises AwsError 404, or 409 where it is being changed already."""
        now = self._world.clock.now()
        for action in self.actions:
            if action.id == name:
                if action.updated != action.created and now < action.updated + BUSY:
                    raise conflict(f"The app recovery action {name} is being changed by another request.")
                return action
        raise not_found(f"App recovery action not found: {name}.")

    def shown(self, action: PlayRecovery) -> dict[str, Any]:
        """AppRecoveryAction. A recovered device counts for the version that it had."""
        codes = [code for code in self._world.state(PlayStore).bundles if action.means(code)]
        data = [
            {
                "versionCode": str(code),
                "totalDeviceCount": str(self.devices(code) + action.recovered.get(code, 0)),
                "recoveredDeviceCount": str(action.recovered.get(code, 0)),
            }
            for code in sorted(codes)
        ]
        times = {"createTime": action.created, "deployTime": action.deployed, "cancelTime": action.cancelled}
        return {
            "appRecoveryId": action.id,
            "status": f"RECOVERY_STATUS_{action.status(self._world.clock.now())}",
            "targeting": action.targeting,
            "remoteInAppUpdateData": {"remoteAppUpdateDataPerBundle": data},
            "lastUpdateTime": precise(action.updated),
        } | {name: precise(at) for name, at in times.items() if at is not None}


@http_route("POST", _ACTIONS)
def create_recovery(call: HttpCall) -> JsonReply:
    """A draft of a recovery action; its module is generated first, which may fail."""
    store, _ = publisher(call)
    asked = call.json()
    wanted = asked.get("remoteInAppUpdate", {})
    if not isinstance(wanted, dict) or wanted.get("isRemoteInAppUpdateRequested") is not True:
        raise invalid("remoteInAppUpdate.isRemoteInAppUpdateRequested must be true.")
    recoveries = call.world.state(PlayRecoveries)
    return JsonReply(200, recoveries.shown(recoveries.add(_targeting(asked.get("targeting"), store))))


@http_route("GET", _ACTIONS)
def list_recoveries(call: HttpCall) -> JsonReply:
    """The actions that mean a version, with the devices that they have recovered."""
    publisher(call)
    code = call.query.get("versionCode", "")
    if not code.isdigit():
        raise invalid("versionCode is required.")
    recoveries = call.world.state(PlayRecoveries)
    meant = [recoveries.shown(action) for action in recoveries.actions if action.means(int(code))]
    return JsonReply(200, {"recoveryActions": meant} if meant else {})


@http_route("POST", f"{_ACTION}:deploy")
def deploy_recovery(call: HttpCall) -> JsonReply:
    """Let the action reach devices. A draft only; one that is being generated, or whose generation failed, is none."""
    action, now = _changed(call)
    if action.status(now) != DRAFT:
        raise precondition(f"App recovery action is not in draft state: RECOVERY_STATUS_{action.status(now)}.")
    action.deployed = action.updated = now
    return JsonReply(200, {})


@http_route("POST", f"{_ACTION}:addTargeting")
def add_recovery_targeting(call: HttpCall) -> JsonReply:
    """Mean more devices: all users, further regions, further SDK levels. Nothing is ever taken away again."""
    action, now = _changed(call)
    if action.status(now) not in (DRAFT, ACTIVE):
        raise precondition(f"Targeting cannot be changed: RECOVERY_STATUS_{action.status(now)}.")
    update = call.json().get("targetingUpdate")
    if not isinstance(update, dict) or not update:
        raise invalid("targetingUpdate is required.")
    unknown = set(update) - {"allUsers", "regions", "androidSdks"}
    if unknown:
        raise invalid(f"Invalid JSON payload received. Unknown name \"{min(unknown)}\" at 'targeting_update'.")
    if update.get("allUsers", {}).get("isAllUsersRequested"):
        action.targeting["allUsers"] = {"isAllUsersRequested": True}
        action.targeting.pop("regions", None)
        action.targeting.pop("androidSdks", None)
    for kind, inner in (("regions", "regionCode"), ("androidSdks", "sdkLevels")):
        more = [str(each) for each in update.get(kind, {}).get(inner, [])]
        if more:
            known = action.targeting.get(kind, {}).get(inner, [])
            action.targeting[kind] = {inner: [*known, *(each for each in more if each not in known)]}
    action.updated = now
    return JsonReply(200, {})


@http_route("POST", f"{_ACTION}:cancel")
def cancel_recovery(call: HttpCall) -> JsonReply:
    """End an action for good. Devices that were recovered stay so."""
    action, now = _changed(call)
    if action.status(now) == CANCELED:
        raise precondition("The recovery action has been canceled. The action cannot be resumed.")
    action.cancelled = action.updated = now
    return JsonReply(200, {})


def _changed(call: HttpCall) -> tuple[PlayRecovery, datetime]:
    publisher(call)
    call.json()
    return call.world.state(PlayRecoveries).change(call.args["action"]), call.world.clock.now()


def _targeting(asked: object, store: PlayStore) -> dict[str, Any]:
    if not isinstance(asked, dict):
        raise invalid("targeting is required.")
    by_version = [kind for kind in ("versionList", "versionRange") if kind in asked]
    if len(by_version) != 1:
        raise invalid("Exactly one of targeting.versionList and targeting.versionRange is required.")
    named = [str(code) for code in asked.get("versionList", {}).get("versionCodes", [])]
    for code in named:
        if not code.isdigit() or int(code) not in store.bundles:
            raise AwsError("INVALID_ARGUMENT", f"Version code {code} was not found among the app's bundles.", 400)
    kinds = [kind for kind in ("allUsers", "regions", "androidSdks") if kind in asked]
    if not kinds:
        raise invalid("One of targeting.allUsers, targeting.regions and targeting.androidSdks is required.")
    targeting = dict(asked)
    if by_version == ["versionList"]:
        targeting["versionList"] = {"versionCodes": named}
    return targeting
