"""Where the app may be downloaded: turned by territory, and back by the list that was seen."""

from __future__ import annotations

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.services.appstore.availability import territories, turn_territory
from drcore.services.appstore.client import AppStoreConnect


def test_a_territory_should_be_taken_off_and_put_back(
    apple: AppStoreConnect, world: InProcess, store: AppStore
) -> None:
    before = territories(apple)
    germany = next(each for each in before if each.code == "DEU")
    turn_territory(apple, germany.id, available=False)
    assert [each.code for each in territories(apple) if not each.available] == ["DEU"]
    world.world.clock.advance(900)
    assert store.on_sale() < 1
    turn_territory(apple, germany.id, available=True)
    world.world.clock.advance(900)
    assert territories(apple) == before
