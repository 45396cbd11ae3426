"""A store with SyncWell's app in it: 410 for everybody, 411 for a tenth, and a caller who may do everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.exchange import Headers, Request
from drcore.sandbox.vendors.googleplay import accounts
from drcore.sandbox.vendors.googleplay.store import PlayStore
from drcore.sandbox.vendors.keys import play_key

APP = "/googleplay/androidpublisher/v3/applications/com.syncwell.app"
COMPLETED = {"name": "4.10.0", "versionCodes": ["410"], "status": "completed"}
STAGED = {"name": "4.11.0", "versionCodes": ["411"], "status": "inProgress", "userFraction": 0.1}

Ask = Callable[..., tuple[int, Any]]


def assertion(sandbox: InProcess, claims: Mapping[str, object] | None = None, key: str = "") -> str:
    """A signed assertion, as the service account would make it now, but for some claims."""
    now = epoch(sandbox.world.clock.now())
    usual = {"iss": accounts.EMAIL, "aud": accounts.TOKEN_URI, "iat": now, "exp": now + 3600}
    scope = f"{accounts.PUBLISHER} {accounts.REPORTING}"
    sent = usual | {"scope": scope} | dict(claims or {})
    text: str = jwt.encode(sent, key or play_key(), algorithm="RS256", headers={"kid": accounts.KEY_ID})
    return text


def token(sandbox: InProcess, text: str, grant: str = accounts.GRANT) -> tuple[int, Any]:
    """What the token endpoint answers to an assertion."""
    body = urlencode({"grant_type": grant, "assertion": text}).encode()
    headers = Headers([("Content-Type", "application/x-www-form-urlencoded")])
    return sandbox.answered(Request("POST", "/googleplay/token", headers, body))


@pytest.fixture
def store(empty: InProcess) -> PlayStore:
    store = empty.world.state(PlayStore)
    for code in (409, 410, 411, 412):
        store.upload(code, f"4.{code - 400}.0")
    store.publish(COMPLETED)
    store.publish(STAGED)
    return store


@pytest.fixture
def ask(empty: InProcess, store: PlayStore) -> Ask:
    """`ask("GET", "/edits/…")`: a call of the app's API with a good token."""
    accounts_of = empty.world.state(accounts.PlayAccounts)

    def call(method: str, path: str, json: object = None, *, at: str = APP) -> tuple[int, Any]:
        # As the token endpoint gives it; to ask for one takes as long as a hundred calls.
        access, _ = accounts_of.issue(accounts.EMAIL, frozenset({accounts.PUBLISHER, accounts.REPORTING}))
        return empty.request(method, at + path, json, {"Authorization": f"Bearer {access}"})

    return call


@pytest.fixture
def edit(ask: Ask) -> str:
    """The path of an edit that was opened just now."""
    return f"/edits/{ask('POST', '/edits')[1]['id']}"
