"""Where the app may be downloaded: of the app, by territory, a while after it was asked for."""

from __future__ import annotations

from typing import Any

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.store import APP, TERRITORIES, AppStore
from tests.sandbox.vendors.appstoreconnect.conftest import OF_APP, V1, V2, Ask, body, problem


def rows(ask: Ask) -> dict[str, Any]:
    """Of all pages, by territory."""
    found = dict[str, Any]()
    path = f"{V2}/appAvailabilities/{APP}/territoryAvailabilities?limit=10"
    while path:
        document = ask("GET", path)[1]
        found |= {row["relationships"]["territory"]["data"]["id"]: row for row in document["data"]}
        path = document["links"].get("next", "")
    return found


def turn(ask: Ask, row: dict[str, Any], available: object) -> tuple[int, Any]:
    sent = body("territoryAvailabilities", {"available": available}, row["id"])
    return ask("PATCH", f"{V1}/territoryAvailabilities/{row['id']}", sent)


def test_each_territory_should_be_listed_under_the_app(ask: Ask) -> None:
    availability = ask("GET", f"{OF_APP}/appAvailabilityV2")[1]["data"]
    assert availability["id"] == ask("GET", f"{V2}/appAvailabilities/{APP}")[1]["data"]["id"]
    assert set(rows(ask)) == set(TERRITORIES)


def test_the_store_should_follow_a_while_later(ask: Ask, store: AppStore, empty: InProcess) -> None:
    assert turn(ask, rows(ask)["DEU"], False)[0] == 200
    assert rows(ask)["DEU"]["attributes"]["contentStatuses"] == ["PROCESSING_TO_NOT_AVAILABLE"]
    assert store.on_sale() == 1
    empty.world.clock.advance(15 * 60)
    assert rows(ask)["DEU"]["attributes"] == {
        "available": False,
        "preOrderEnabled": False,
        "contentStatuses": ["CANNOT_SELL"],
    }
    assert store.on_sale() == (len(TERRITORIES) - 1) / len(TERRITORIES)
    turn(ask, rows(ask)["DEU"], True)
    assert rows(ask)["DEU"]["attributes"]["contentStatuses"] == ["PROCESSING_TO_AVAILABLE"]
    empty.world.clock.advance(15 * 60)
    assert store.on_sale() == 1


def test_what_is_no_answer_should_be_refused(ask: Ask) -> None:
    row = rows(ask)["DEU"]
    assert problem(turn(ask, row, "no")) == (409, "ENTITY_ERROR.ATTRIBUTE.INVALID")
    assert problem(turn(ask, row | {"id": "unknown"}, False)) == (404, "NOT_FOUND")
