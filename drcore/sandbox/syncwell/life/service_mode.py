"""The mode that the service is in, as its servers enforce it: on each path by which something is written.

A flag of its own in AppConfig says it; each server asks the agent of its region, which polls AppConfig. Paths
are requests to the API, webhooks of partners, messages of the queue, scheduled items, the refresh of OAuth tokens. In
maintenance mode nothing is read either. The canary that each region writes for replication is no data of a user, and
goes on.

A marked user of SyncWell's own tries a write on each path each ten seconds. Its tries touch no user's data.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig import agent, flags
from drcore.sandbox.services.appconfig.state import AppConfig, Environment
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.account import FOUNDED

NORMAL, READ_ONLY, MAINTENANCE = "normal", "read-only", "maintenance"
PATHS = ("request", "webhook", "message", "scheduled", "token-refresh")
_ATTRIBUTES = {
    names.MODE_FLAG: {"level": {"constraints": {"type": "string", "enum": [READ_ONLY, MAINTENANCE], "required": True}}},
    names.EPOCH_FLAG: {"min_issued_at": {"constraints": {"type": "string", "required": True}}},
}
_VALUES = {
    names.MODE_FLAG: {"enabled": False, "level": READ_ONLY},
    names.EPOCH_FLAG: {"enabled": False, "min_issued_at": "2025-03-03T08:00:00.000Z"},
}


@dataclass(slots=True)
class Marked:
    """What became of the marked user's writes on one path: the last try, its status, the last one that was taken."""

    tried: datetime
    status: int
    taken: datetime


def set_up(world: World) -> None:
    """Make the flags: nothing is restricted."""
    for region in world.regions:
        for name, value in _VALUES.items():
            found_flag(world, region, name, _ATTRIBUTES[name], value)


def found_flag(world: World, region: str, name: str, attributes: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Make a flag with a profile and an environment of its own, all of that name."""
    store = world.state(AppConfig)
    with world.clock.at(FOUNDED):
        home = store.application(region, names.CONFIG_APPLICATION)
        strategy = next(each for each in store.strategies[region].values() if each.name == names.CONFIG_STRATEGY)
        place = store.create_environment(region, home, name)
        profile = store.create_profile(region, home, name, flags.KIND)
        flag = {"name": name, "attributes": attributes}
        document = {"version": "1", "flags": {name: flag}, "values": {name: value}}
        store.deploy(place, profile, store.host(profile, json.dumps(document).encode()), strategy)


class ServiceMode:
    """The mode of each region's servers, the tries of the marked user."""

    def __init__(self, world: World) -> None:
        self._world, self._store = world, world.state(AppConfig)
        now = world.clock.now()
        self.marked = {region: {path: Marked(now, 200, now) for path in PATHS} for region in world.regions}
        self.refused = dict.fromkeys(world.regions, 0)
        """Writes of users and partners that did not get in."""

    def flag(self, region: str, name: str) -> Mapping[str, Any]:
        """A flag as the servers of a region have it now."""
        if len(self._place(region, name).deployments) < 2:  # that of the beginning
            return {}
        return agent.flags(self._world, region, names.CONFIG_APPLICATION, name, name).get(name, {})

    def level(self, region: str) -> str:
        """The mode of a region's servers now."""
        flag = self.flag(region, names.MODE_FLAG)
        return str(flag.get("level", MAINTENANCE)) if flag.get("enabled") else NORMAL

    def takes(self, region: str, path: str) -> bool:
        """Whether a write on a path gets in; one that does not is counted."""
        if self.level(region) == NORMAL:
            return True
        self.refused[region] += 1
        return False

    def tick(self, at: datetime) -> None:
        """Let the marked user try to write on each path."""
        for region in self._world.regions:
            taken = self.level(region) == NORMAL
            for marked in self.marked[region].values():
                marked.tried, marked.status = at, 200 if taken else 503
                marked.taken = at if taken else marked.taken

    def _place(self, region: str, name: str) -> Environment:
        home = self._store.application(region, names.CONFIG_APPLICATION)
        return self._store.environment(home, name)


@http_route("GET", "/syncwell/<region>/v1/marked-writes")
def marked_writes(call: HttpCall) -> JsonReply:
    """200 `{"mode", "paths": {path: {"tried_at", "status", "taken_at"}}}`: the marked user's last writes."""
    region, mode = call.region, call.world.state(ServiceMode)
    if region not in call.world.regions:
        return JsonReply(404, {"message": f"region: expected one of {call.world.regions}, saw {region!r}"})
    fields = {
        path: {"tried_at": precise(each.tried), "status": each.status, "taken_at": precise(each.taken)}
        for path, each in mode.marked[region].items()
    }
    return JsonReply(200, {"region": region, "mode": mode.level(region), "paths": fields})


@http_route("PUT", "/syncwell/<region>/v1/users/<user>/settings")
def settings(call: HttpCall) -> JsonReply:
    """202, or 503 with the mode while it refuses writes. Simplified: what is sent is taken and dropped."""
    mode = call.world.state(ServiceMode)
    if not mode.takes(call.region, "request"):
        return JsonReply(503, {"message": "SyncWell takes no changes now", "mode": mode.level(call.region)})
    return JsonReply(202, {"user": call.args["user"]})
