"""AppConfig's agent beside the consumers of a region: what it got by its last poll, by entity, over HTTP.

`GET /appconfig-agent/REGION/applications/A/environments/E/configurations/P?flag=F` with the header `Entity-Id`, as the
agent of that region would answer on port 2772. An entity keeps its place in line while a version is given out. What the
agent answers is what it got by its last poll. Simplified: one agent a region; it never loses its cache.
"""

from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.experiments import Experiments, drawn
from drcore.sandbox.services.appconfig.state import AppConfig

POLLS = 45
"""Seconds between two polls."""


def polled(world: World, region: str) -> datetime:
    """When the agent of a region has last looked."""
    phase = world.rng("appconfig agent", region).randrange(POLLS)
    now = world.clock.now()
    return now - timedelta(seconds=(now.timestamp() - phase) % POLLS)


def flags(
    world: World, region: str, application: str, environment: str, profile: str, entity: str = ""
) -> dict[str, dict[str, Any]]:
    """The flags of an entity, by the agent of a region; empty if nothing was deployed by then. Raises AwsError."""
    store, at = world.state(AppConfig), polled(world, region)
    home = store.application(region, application)
    place, kind = store.environment(home, environment), store.profile(home, profile)
    draw = drawn(f"{application}/{environment}/{profile}", entity) if entity else 100.0
    values = store.consumed_flags(place, kind, at, draw)
    if entity:
        values |= dict(world.state(Experiments).treated(region, place, kind, entity, at))
    return values


@http_route(
    "GET",
    "/appconfig-agent/<region>/applications/<application>/environments/<environment>/configurations/<profile>",
)
def read_flags(call: HttpCall) -> JsonReply:
    """The flags of the entity that the header names; with `flag`, one of them."""
    names = {name: call.args[name] for name in ("application", "environment", "profile")}
    try:
        values = flags(call.world, call.region, **names, entity=call.headers.get("Entity-Id", ""))
    except AwsError as error:
        raise AwsError(error.code, error.message, 404 if error.status == 404 else 400) from None
    wanted = call.query.get("flag")
    if wanted is None:
        return JsonReply(200, values)
    if wanted not in values:
        raise AwsError("NotFound", f"flag: expected one of {', '.join(values)}; saw {wanted}", 404)
    return JsonReply(200, values[wanted])
