"""A store with 4.10 replaced, 4.11 live in its phased release since just now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jwt
import pytest

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect import access
from drcore.sandbox.vendors.appstoreconnect.store import APP, LIVE, AppStore, IosVersion
from drcore.sandbox.vendors.keys import app_store_key

V1, V2 = "/appstoreconnect/v1", "/appstoreconnect/v2"
OF_APP = f"{V1}/apps/{APP}"

Ask = Callable[..., tuple[int, Any]]


def token(
    sandbox: InProcess,
    claims: Mapping[str, object] | None = None,
    *,
    key: str = "",
    kid: str = access.KEY_ID,
    algorithm: str = "ES256",
) -> str:
    """A token as our key would make it now, but for some claims."""
    now = epoch(sandbox.world.clock.now())
    usual = {"iss": access.ISSUER, "iat": now, "exp": now + 1200, "aud": access.AUDIENCE}
    sent = {name: value for name, value in (usual | dict(claims or {})).items() if value is not None}
    text: str = jwt.encode(sent, key or app_store_key(), algorithm=algorithm, headers={"kid": kid})
    return text


def body(kind: str, attributes: Mapping[str, object] | None = None, name: str = "", **related: tuple[str, str]) -> Any:
    """A request's document: `body("builds", {...}, app=("apps", "1"))`."""
    relations = {each: {"data": {"type": of, "id": to}} for each, (of, to) in related.items()}
    data = {"type": kind, "attributes": dict(attributes or {}), "relationships": relations}
    return {"data": data | ({"id": name} if name else {})}


@pytest.fixture
def store(empty: InProcess) -> AppStore:
    store = empty.world.state(AppStore)
    for name in ("4.10.0", "4.11.0"):
        build = store.upload(name.replace(".", ""), name)
        store.add_version(name, state=LIVE, build=build.id, phased=True)
    return store


@pytest.fixture
def live(store: AppStore) -> IosVersion:
    found = store.live()
    assert found is not None
    return found


@pytest.fixture
def ask(empty: InProcess, store: AppStore) -> Ask:
    """`ask("GET", "/v1/apps")`: a call with a good token."""

    def call(method: str, path: str, json: object = None) -> tuple[int, Any]:
        bearer = {"Authorization": f"Bearer {token(empty)}"}
        return empty.request(method, path, json, bearer)

    return call


def problem(answer: tuple[int, Any]) -> tuple[int, str]:
    """The status of a refusal with its code."""
    status, document = answer
    return status, document["errors"][0]["code"]
