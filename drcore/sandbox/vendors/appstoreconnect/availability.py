"""Where the app may be downloaded (App Store Connect): of the app, whatever its version."""

from __future__ import annotations

import base64
import json

from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.vendors.appstoreconnect.access import SERVICE
from drcore.sandbox.vendors.appstoreconnect.answers import (
    Row,
    attribute_error,
    attributes,
    listed,
    not_there,
    one,
    parameter_error,
    to,
)
from drcore.sandbox.vendors.appstoreconnect.store import APP, AppStore, IosTerritory
from drcore.sandbox.vendors.appstoreconnect.versions import V1, app_store, of_the_app

_V2 = f"/{SERVICE}/v2"
_KIND = "territoryAvailabilities"


@http_route("GET", f"{V1}/apps/<app>/appAvailabilityV2")
def get_app_availability(call: HttpCall) -> JsonReply:
    """The availability of the app; its territories are listed apart."""
    of_the_app(call)
    return one(call, _availability())


@http_route("GET", f"{_V2}/appAvailabilities/<availability>")
def read_app_availability(call: HttpCall) -> JsonReply:
    """The same by its own id."""
    app_store(call)
    _of_the_app(call)
    return one(call, _availability())


@http_route("GET", f"{_V2}/appAvailabilities/<availability>/territoryAvailabilities")
def list_territory_availabilities(call: HttpCall) -> JsonReply:
    """Each territory, whether the app is available there, and whether the store follows yet."""
    store = app_store(call)
    _of_the_app(call)
    if call.query.get("include", "territory") != "territory":
        raise parameter_error("Only the territory can be included here")
    rows = [_territory(store, each) for each in store.territories.values()]
    return listed(call, rows, ["include"])


@http_route("PATCH", f"{V1}/territoryAvailabilities/<territory>")
def update_territory_availability(call: HttpCall) -> JsonReply:
    """Take the app off the store in a territory, or put it back there."""
    store = app_store(call)
    territory = _found(store, call.args["territory"])
    wanted = attributes(call, _KIND, ("available",), name=call.args["territory"]).get("available")
    if not isinstance(wanted, bool):
        raise attribute_error(f"'available' must be true or false; it is {wanted!r}")
    if wanted is not territory.available:
        territory.available, territory.changed = wanted, store.world.clock.now()
    return one(call, _territory(store, territory))


def _of_the_app(call: HttpCall) -> None:
    if call.args["availability"] != APP:
        raise not_there("appAvailabilities", call.args["availability"])


def _found(store: AppStore, name: str) -> IosTerritory:
    for territory in store.territories.values():
        if _id(territory) == name:
            return territory
    raise not_there(_KIND, name)


def _id(territory: IosTerritory) -> str:
    document = json.dumps({"s": APP, "t": territory.code}, separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def _availability() -> Row:
    links = {"related": f"{_V2}/appAvailabilities/{APP}/{_KIND}"}
    return {
        "type": "appAvailabilities",
        "id": APP,
        "attributes": {"availableInNewTerritories": True},
        "relationships": {_KIND: {"links": links}},
        "links": {"self": f"{_V2}/appAvailabilities/{APP}"},
    }


def _territory(store: AppStore, territory: IosTerritory) -> Row:
    settled = store.sold(territory, store.world.clock.now()) is territory.available
    words = {
        (True, True): "AVAILABLE",
        (True, False): "PROCESSING_TO_AVAILABLE",
        (False, False): "PROCESSING_TO_NOT_AVAILABLE",
        (False, True): "CANNOT_SELL",
    }
    name = _id(territory)
    return {
        "type": _KIND,
        "id": name,
        "attributes": {
            "available": territory.available,
            "preOrderEnabled": False,
            "contentStatuses": [words[territory.available, settled]],
        },
        "relationships": {"territory": to("territories", territory.code)},
        "links": {"self": f"{V1}/{_KIND}/{name}"},
    }
