"""Nobody comes in without a signature that is right."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay import accounts
from drcore.sandbox.vendors.googleplay.store import PlayStore
from tests.sandbox.vendors.googleplay.conftest import APP, assertion, token


def test_a_signed_assertion_should_give_a_token_for_an_hour(empty: InProcess, store: PlayStore) -> None:
    status, given = token(empty, assertion(empty))
    assert (status, given["token_type"], given["expires_in"]) == (200, "Bearer", 3599)
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert empty.request("POST", f"{APP}/edits", headers=bearer)[0] == 200
    empty.world.clock.advance(3600)
    status, answer = empty.request("POST", f"{APP}/edits", headers=bearer)
    assert (status, answer["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_a_key_that_is_not_the_accounts_should_be_refused(empty: InProcess) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert token(empty, assertion(empty, key=other.decode())) == (
        400,
        {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
    )
    unsigned = jwt.encode({"iss": accounts.EMAIL, "aud": accounts.TOKEN_URI}, "", algorithm="none")
    assert token(empty, unsigned)[1]["error_description"] == "Invalid JWT Signature."


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "http://127.0.0.1/googleplay/token"}, "Invalid JWT: Failed audience check."),
        ({"iss": "somebody@example.iam.gserviceaccount.com"}, "Invalid grant: account not found"),
        ({"iat": None}, "Invalid JWT: iat and exp are required."),
        ({"scope": "https://www.googleapis.com/auth/cloud-platform"}, " is not a valid audience string."),
    ],
)
def test_claims_that_are_wrong_should_be_refused(empty: InProcess, claims: dict[str, object], reason: str) -> None:
    status, answer = token(empty, assertion(empty, claims))
    assert (status, answer["error_description"].endswith(reason)) == (400, True), answer


@pytest.mark.parametrize(("issued", "lasts"), [(0, 3601), (-4000, 3600), (900, 3600)])
def test_times_that_are_wrong_should_be_refused(empty: InProcess, issued: int, lasts: int) -> None:
    now = epoch(empty.world.clock.now())
    status, answer = token(empty, assertion(empty, {"iat": now + issued, "exp": now + issued + lasts}))
    assert (status, answer["error"]) == (400, "invalid_grant")
    assert "60 minutes" in answer["error_description"]


def test_a_scope_should_open_its_own_door_only(empty: InProcess, store: PlayStore) -> None:
    given = token(empty, assertion(empty, {"scope": accounts.REPORTING}))[1]["access_token"]
    bearer = {"Authorization": f"Bearer {given}"}
    assert (
        empty.request("GET", "/googleplay/v1beta1/apps/com.syncwell.app/crashRateMetricSet", headers=bearer)[0] == 200
    )
    status, answer = empty.request("POST", f"{APP}/edits", headers=bearer)
    assert (status, answer["error"]["status"]) == (403, "PERMISSION_DENIED")


def test_an_account_should_do_what_the_console_grants_it(empty: InProcess, store: PlayStore) -> None:
    given = token(empty, assertion(empty))[1]["access_token"]
    bearer = {"Authorization": f"Bearer {given}"}
    empty.world.state(accounts.PlayAccounts).readers.add(accounts.EMAIL)
    assert empty.request("POST", f"{APP}/edits", headers=bearer)[0] == 403
    assert empty.request("GET", f"{APP}/tracks/production/releases", headers=bearer)[0] == 200


def test_another_grant_should_be_refused(empty: InProcess) -> None:
    assert token(empty, assertion(empty), "password")[1]["error"] == "unsupported_grant_type"
