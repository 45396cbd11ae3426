"""A token is signed with the key that is given; a key that is none is never shown."""

from __future__ import annotations

from datetime import UTC, datetime

import jwt
import pytest

from drcore.calls.tokens import signed_token
from drcore.errors import Unknown
from drcore.sandbox.vendors.keys import app_store_key, play_key

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_token_should_say_from_when_until_when_by_which_key() -> None:
    text = signed_token({"iss": "us"}, app_store_key(), algorithm="ES256", key_id="K1", at=AT, lasts=600)
    assert jwt.get_unverified_header(text) == {"alg": "ES256", "kid": "K1", "typ": "JWT"}
    claims = jwt.decode(text, options={"verify_signature": False})
    assert claims == {"iss": "us", "iat": AT.timestamp(), "exp": AT.timestamp() + 600}


@pytest.mark.parametrize(
    ("key", "algorithm", "expected"),
    [
        ("", "ES256", "P-256"),
        ("no key", "RS256", "RSA"),
        (app_store_key(), "RS256", "RSA"),
        (play_key(), "ES256", "P-256"),
        (play_key()[:400], "RS256", "RSA"),
        (play_key().replace("A", "B", 3), "RS256", "RSA"),
    ],
)
def test_a_key_that_is_none_should_be_said_but_not_shown(key: str, algorithm: str, expected: str) -> None:
    kind = "RS256" if algorithm == "RS256" else "ES256"
    with pytest.raises(Unknown, match=f"the private key K1: expected an? {expected} key") as unknown:
        signed_token({}, key, algorithm="RS256" if kind == "RS256" else "ES256", key_id="K1", at=AT, lasts=600)
    assert unknown.value.__suppress_context__
    assert [line for line in key.splitlines() if len(line) > 20 and line in str(unknown.value)] == []
