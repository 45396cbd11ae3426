"""A client of App Store Connect whose store has 4.11 in its phased release since two days, 4.10 before it."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.gate import CallGate, Writes
from drcore.calls.http import Http
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.vendors.appstoreconnect import access
from drcore.sandbox.vendors.appstoreconnect.store import APP, LIVE, AppStore
from drcore.sandbox.vendors.keys import app_store_key
from drcore.services.appstore.client import AppStoreApp, AppStoreConnect
from tests.support.world_clock import WorldClock


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """An account without SyncWell: each test has a store of its own."""
    monkeypatch.setattr(application, "build_company", lambda world: None)
    return InProcess(7)


@pytest.fixture
def notes() -> list[dict[str, Any]]:
    """What the journal would get."""
    return []


@pytest.fixture
def gate(notes: list[dict[str, Any]]) -> CallGate:
    gate = CallGate(lambda event, **fields: notes.append({"event": event} | fields))
    gate.writes = Writes.ALLOWED
    return gate


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
