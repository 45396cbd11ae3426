"""The health endpoint of a region, which Route 53's checkers probe.

It is about what a region needs itself (its own writes, its own queue), goes back to 200 only when all of that has
held for a minute, and answers 503 on purpose when the lever or the routing control says so. The lever of a region lies
in the other one and is read each ten seconds. Asked with the name of another region, an endpoint knows nothing of that
region's health: only what the lever says.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.outages import ISOLATING, Regions
from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.services.arc import RoutingControls
from drcore.sandbox.syncwell.company import names

STEADY = timedelta(minutes=1)
"""How long everything must hold until the endpoint answers 200 again."""


class HealthEndpoints:
    """The endpoints of both regions, with the levers as they were last read."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._regions = world.state(Regions)
        self._controls = world.state(RoutingControls)
        self.levers = dict.fromkeys(world.regions, "in")
        self._etags: dict[str, str] = {}

    def tick(self, at: datetime) -> None:
        """Read the levers; one that cannot be read, or understood, stays as it was."""
        for region in self._world.regions:
            holder = self._other(region)
            if not self._regions.out(holder, at, ISOLATING):
                self._read(region, holder)

    def answer(self, region: str, asked_after: str, at: datetime) -> int | None:
        """The status that `region`'s endpoint answers about a region; None: there is no answer."""
        if self._regions.out(region, at, ISOLATING):
            return None
        if self.levers.get(asked_after) == "out" or not self._controls.on(asked_after):
            return 503
        if asked_after != region:
            return 200
        last = self._regions.last_out(region, at)
        return 200 if last is None or at - last >= STEADY else 503

    def probe(self, config: Mapping[str, Any], at: datetime) -> int | None:
        """What a health check with that HealthCheckConfig meets."""
        host, address = str(config.get("FullyQualifiedDomainName") or ""), config.get("IPAddress")
        region = next((r for r, nodes in names.NODES.items() if address in nodes), None)
        named = next((r for r in self._world.regions if host == names.health_host(r)), region)
        region = region or named
        if region is None or named is None:
            return None
        if config.get("ResourcePath", "/") != names.HEALTH_PATH:
            return None if self._regions.out(region, at, ISOLATING) else 404
        return self.answer(region, named, at)

    def _read(self, region: str, holder: str) -> None:
        key = backends.s3(self._world.account).buckets[names.levers_bucket(holder)].keys.get(names.LEVER_KEY)
        if key is None or key.etag == self._etags.get(region):
            return
        self._etags[region] = key.etag
        try:
            wanted = json.loads(key.value).get(region)
        except (ValueError, AttributeError):
            return
        if wanted in ("in", "out"):
            self.levers[region] = wanted

    def _other(self, region: str) -> str:
        return next(other for other in self._world.regions if other != region)


@http_route("GET", "/syncwell/<region>/health/region")
def health(call: HttpCall) -> JsonReply:
    """200 or 503 as a checker gets it, with the reason: `{"region", "status", "lever", "routing_control"}`."""
    region, endpoints = call.args["region"], call.world.state(HealthEndpoints)
    if region not in call.world.regions:
        return JsonReply(404, {"message": f"region: expected one of {call.world.regions}, saw {region!r}"})
    status = endpoints.answer(region, region, call.world.clock.now()) or 503
    control = "On" if call.world.state(RoutingControls).on(region) else "Off"
    body = {"region": region, "status": "in service" if status == 200 else "out of service"}
    return JsonReply(status, body | {"lever": endpoints.levers[region], "routing_control": control})
