"""A client of App Store Connect whose store has 4.11 in its phased release since two days, 4.10 before it."""

from __future__ import annotations

import pytest

from drcore.calls.http import Http
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.vendors.appstoreconnect import access
from drcore.sandbox.vendors.appstoreconnect.store import APP, LIVE, AppStore
from drcore.sandbox.vendors.keys import app_store_key
from drcore.services.appstore.client import AppStoreApp, AppStoreConnect
from tests.support.vendor_worlds import gate, notes, world
from tests.support.world_clock import WorldClock

__all__ = ["gate", "notes", "world"]


@pytest.fixture
def store(world: InProcess) -> AppStore:
    store = world.world.state(AppStore)
    for name in ("4.10.0", "4.11.0"):
        build = store.upload(name.replace(".", ""), name)
        store.add_version(name, state=LIVE, build=build.id, phased=True)
    world.world.clock.advance(2 * 86_400)
    return store


@pytest.fixture
def apple(http: Http, world: InProcess, store: AppStore) -> AppStoreConnect:
    app = AppStoreApp(f"{ENDPOINT}/appstoreconnect", APP, access.ISSUER, access.KEY_ID, app_store_key())
    return AppStoreConnect(http, WorldClock(world), app)
