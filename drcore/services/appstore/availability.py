"""Where an app may be downloaded from the App Store. It is the app's, whatever its version."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.services.answers import VendorAnswer, understood
from drcore.services.appstore.client import AppStoreConnect, ResourceId, ResourcePage, resource

_KIND = "territoryAvailabilities"


@dataclass(frozen=True, slots=True)
class Territory:
    """A territory, whether the app is available there, and what the store says of it, which follows a while later."""

    id: str
    code: str
    available: bool
    content: tuple[str, ...] = ()


class _TerritoryLink(VendorAnswer):
    data: ResourceId


class _TerritoryRelations(VendorAnswer):
    territory: _TerritoryLink


class _TerritorySaid(VendorAnswer):
    available: bool
    content_statuses: tuple[str, ...] = ()


class _Territory(VendorAnswer):
    id: str
    attributes: _TerritorySaid
    relationships: _TerritoryRelations


class _Territories(ResourcePage):
    data: tuple[_Territory, ...]


class _AvailabilityAnswer(VendorAnswer):
    data: ResourceId


def territories(store: AppStoreConnect) -> tuple[Territory, ...]:
    """Each territory with its availability, by its code: the list that an undo goes by. Raises Unknown, Rejected."""
    document = store.read(f"/v1/apps/{store.app.app}/appAvailabilityV2")
    availability = understood(document, _AvailabilityAnswer, "the availability of the app").data.id
    path, what = f"/v2/appAvailabilities/{availability}/{_KIND}", "the territories of the app"
    rows = [
        Territory(row.id, row.relationships.territory.data.id, attributes.available, attributes.content_statuses)
        for page in store.pages(path, _Territories, what, include="territory")
        for row in page.data
        for attributes in (row.attributes,)
    ]
    return tuple(sorted(rows, key=lambda territory: territory.code))


def turn_territory(store: AppStoreConnect, territory: str, *, available: bool) -> None:
    """Take the app off the store in a territory, or put it back: all of its versions. Raises Rejected, Unknown."""
    asked = resource(_KIND, territory, attributes={"available": available})
    store.write("PATCH", f"/v1/{_KIND}/{territory}", asked)
