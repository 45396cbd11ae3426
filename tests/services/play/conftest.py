"""A client of Google Play whose store has 410 for everybody, 411 for a tenth of the users, 412 in the library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from drcore.calls.http import Http
from drcore.sandbox.core.faults import Faults
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.vendors.googleplay import accounts
from drcore.sandbox.vendors.googleplay.accounts import service_account
from drcore.sandbox.vendors.googleplay.store import PACKAGE, PlayStore
from drcore.services.play.client import Play, PlayApp
from tests.support.vendor_worlds import gate, notes, world
from tests.support.world_clock import WorldClock

__all__ = ["gate", "notes", "world"]

URL = f"{ENDPOINT}/googleplay"
NOTES = [{"language": "en-US", "text": "Faster sync"}]
COMPLETED = {"name": "4.10.0", "versionCodes": ["410"], "status": "completed", "releaseNotes": NOTES}
STAGED = {"name": "4.11.0", "versionCodes": ["411"], "status": "inProgress", "userFraction": 0.1}


@pytest.fixture
def store(world: InProcess) -> PlayStore:
    store = world.world.state(PlayStore)
    for code in (410, 411, 412):
        store.upload(code, f"4.{code - 400}.0")
    store.publish(COMPLETED)
    store.publish(STAGED)
    return store


@pytest.fixture
def signing(http: Http, world: InProcess, store: PlayStore) -> Play:
    """A client that has no token yet."""
    app = PlayApp(f"{URL}/androidpublisher/v3", f"{URL}/v1beta1", f"{URL}/token", PACKAGE, service_account())
    return Play(http, WorldClock(world), app)


@pytest.fixture
def play(signing: Play, world: InProcess) -> Play:
    """A client that has one: to sign takes longer than all else that a test does."""
    scopes = frozenset({accounts.PUBLISHER, accounts.REPORTING})
    signing._token, _ = world.world.state(accounts.PlayAccounts).issue(accounts.EMAIL, scopes)
    signing._until = world.world.clock.now() + timedelta(hours=1)
    return signing


@pytest.fixture
def fault(world: InProcess) -> Callable[..., object]:
    """`fault("lost-response", operation="commit_edit")`: for one call."""

    def inject(name: str, **options: object) -> object:
        return world.world.state(Faults).inject(name, {"service": "googleplay", "count": 1} | options)

    return inject
