"""A token is signed by our key, for this API, for twenty minutes; an hour has so many calls."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.exchange import Headers, Request
from drcore.sandbox.vendors.appstoreconnect import access
from tests.sandbox.vendors.appstoreconnect.conftest import V1, Ask, problem, token


def asked(sandbox: InProcess, text: str, scheme: str = "Bearer") -> int:
    return sandbox.request("GET", f"{V1}/apps", headers={"Authorization": f"{scheme} {text}"})[0]


def test_a_good_token_should_hold_for_its_twenty_minutes(empty: InProcess) -> None:
    text = token(empty)
    assert asked(empty, text) == 200
    empty.world.clock.advance(1190)
    assert asked(empty, text) == 200
    empty.world.clock.advance(10)
    assert asked(empty, text) == 401
    assert asked(empty, token(empty), "OAuth") == 401


def test_a_token_that_is_not_ours_should_be_refused(empty: InProcess) -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert asked(empty, token(empty, key=other.decode())) == 401
    assert asked(empty, token(empty, kid="ABCDEFGHIJ")) == 401
    assert asked(empty, token(empty, key="x" * 64, algorithm="HS256")) == 401
    assert asked(empty, jwt.encode({"iss": access.ISSUER}, "", algorithm="none")) == 401
    assert problem(empty.request("GET", f"{V1}/apps")) == (401, "NOT_AUTHORIZED")


@pytest.mark.parametrize(
    ("iss", "aud", "issued", "lasts"),
    [
        (access.ISSUER, access.AUDIENCE, 0, 1201),
        (access.ISSUER, access.AUDIENCE, -600, 1801),
        (access.ISSUER, access.AUDIENCE, 120, 600),
        (access.ISSUER, "appstoreconnect-v2", 0, 600),
        ("somebody", access.AUDIENCE, 0, 600),
    ],
)
def test_claims_that_are_wrong_should_be_refused(empty: InProcess, iss: str, aud: str, issued: int, lasts: int) -> None:
    now = epoch(empty.world.clock.now()) + issued
    assert asked(empty, token(empty, {"iss": iss, "aud": aud, "iat": now, "exp": now + lasts})) == 401
    assert asked(empty, token(empty, {"exp": None})) == 401


def test_an_hour_should_have_so_many_calls(empty: InProcess) -> None:
    keys = empty.world.state(access.AppStoreKeys)
    keys.an_hour = 3
    for left in (2, 1, 0):
        headers = Headers([("Authorization", f"Bearer {token(empty)}")])
        answer = empty.exchange(Request("GET", f"{V1}/apps", headers))
        assert answer.headers["X-Rate-Limit"] == f"user-hour-lim:3;user-hour-rem:{left};"
    refused = empty.request("GET", f"{V1}/apps", headers={"Authorization": f"Bearer {token(empty)}"})
    assert problem(refused) == (429, "RATE_LIMIT_EXCEEDED")
    empty.world.clock.advance(3600)
    assert asked(empty, token(empty)) == 200


def test_a_key_without_a_role_should_be_forbidden(empty: InProcess, ask: Ask) -> None:
    empty.world.state(access.AppStoreKeys).roles.clear()
    assert problem(ask("GET", f"{V1}/apps")) == (403, "FORBIDDEN_ERROR")
