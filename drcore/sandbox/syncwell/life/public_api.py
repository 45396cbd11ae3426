"""SyncWell's own public API: answers as the version that serves this request would.

Simplified: three routes, no authentication; a request meets a version, a handled or an unhandled error by
chance that hangs on the request, the moment and the seed.
"""

import hashlib
from random import Random
from typing import Any

from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.life.app_flags import AppFlags
from drcore.sandbox.syncwell.life.complaints import SufferingUsers
from drcore.sandbox.syncwell.life.configurations import key, problem
from drcore.sandbox.syncwell.life.intended_data import BadWrite
from drcore.sandbox.syncwell.life.service_mode import MAINTENANCE, ServiceMode
from drcore.sandbox.syncwell.life.serving import ServedVersion, definitions, newer, served

ROUTE = "/syncwell/<region>/v1"


@http_route("GET", ROUTE + "/health")
def health(call: HttpCall) -> JsonReply:
    """200 `{"status": "ok", "region", "release", "version"}`, or the error of the version that answers."""
    return _answer(call, "health", lambda row: {"status": "ok"})


@http_route("GET", ROUTE + "/sync/preview")
def preview(call: HttpCall) -> JsonReply:
    """200 with what a sync would do for `?user=`: adds, updates, deletes; 400 without a user.

    Code that is older than the API's definition answers 500, as any does for a user whose configuration is corrupted.
    """
    if call.world.state(ServiceMode).level(call.region) == MAINTENANCE:
        return JsonReply(503, {"message": "SyncWell is under maintenance"})
    user = call.query.get("user")
    if not user:
        return JsonReply(400, {"message": "Missing required request parameters: [user]"})
    bad_write = _bad_write(call, user)
    if bad_write is not None:
        refused = {"message": "ConfigInvalid", "user": user, "reason": problem(bad_write.after, bad_write.kind)}
        return _answer(call, "preview", lambda row: refused, status=500)
    return _answer(call, "preview", lambda row: previewed(user, right=row.code.preview_right))


@http_route("GET", ROUTE + "/flags")
def flags(call: HttpCall) -> JsonReply:
    """200 with the switches as the app of `?user=` gets them: `{"flags": {FLAG: {"enabled", …}}}`; 400 without one."""
    user, region = call.query.get("user"), call.args["region"]
    if not user:
        return JsonReply(400, {"message": "Missing required request parameters: [user]"})
    had = call.world.state(AppFlags).of(region, user) if region in call.world.regions else {}
    return _answer(call, "flags", lambda row: {"user": user, "flags": had})


def previewed(user: str, *, right: bool = True) -> dict[str, Any]:
    """The preview of a user; a wrong one would delete everything that it should add or update."""
    digest = hashlib.sha256(user.encode()).digest()
    adds, updates = digest[0] % 5 + 1, digest[1] % 4
    if not right:
        return {"user": user, "adds": 0, "updates": 0, "deletes": adds + updates}
    return {"user": user, "adds": adds, "updates": updates, "deletes": 0}


def _bad_write(call: HttpCall, user: str) -> BadWrite | None:
    """What was done to the configuration of a user, `00042` or `USER#00042`, of which he suffers now."""
    region = call.args["region"]
    if region not in call.world.regions or not user.removeprefix("USER#").isdigit():
        return None
    return call.world.state(SufferingUsers).suffers(region, key(int(user.removeprefix("USER#"))))


def _answer(call: HttpCall, route: str, body: Any, status: int = 200) -> JsonReply:
    region = call.args["region"]
    if region not in call.world.regions:
        return JsonReply(404, {"message": f"region: expected one of {call.world.regions}, saw {region!r}"})
    stream = call.world.rng("request", region, route, sorted(call.query.items()), call.world.clock.now())
    row = _chosen(call.world, region, stream)
    if row.throttled:
        return JsonReply(429, {"message": "Too Many Requests"})
    if stream.random() < row.code.errors:
        return JsonReply(502, {"message": "Internal server error"})
    if stream.random() < row.code.refused or (route == "preview" and _too_new(call.world, region, row, stream)):
        return JsonReply(500, {"message": "The sync engine refused the request", "release": row.code.release})
    served_by = {"region": region, "release": row.code.release, "version": row.version}
    return JsonReply(status, body(row) | served_by)


def _chosen(world: World, region: str, stream: Random) -> ServedVersion:
    rows = [row for row in served(world, region) if row.function == "syncwell-api"]
    return stream.choices(rows, [row.share for row in rows])[0]


def _too_new(world: World, region: str, row: ServedVersion, stream: Random) -> bool:
    shares = definitions(world, region)
    definition = stream.choices(list(shares), list(shares.values()))[0]
    return newer(definition, row.code.release)
