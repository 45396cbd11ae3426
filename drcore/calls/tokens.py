"""Tokens that a vendor's API takes instead of a key: signed here, with a private key that is held by reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from drcore.errors import Unknown


def signed_token(
    claims: Mapping[str, str | int],
    key: str,
    *,
    algorithm: Literal["ES256", "RS256"],
    key_id: str,
    at: datetime,
    lasts: int,
) -> str:
    """A JSON web token that holds from `at` on for so many seconds. Raises Unknown where `key` (PEM) is no such key.

    The message does not show the key: it may be half of one.
    """
    import jwt  # a command that needs no store starts without it

    issued = int(at.timestamp())
    times = {"iat": issued, "exp": issued + lasts}
    try:
        text: str = jwt.encode({**claims, **times}, key, algorithm=algorithm, headers={"kid": key_id})
    except (jwt.PyJWTError, ValueError, TypeError):
        expected = "an RSA key" if algorithm == "RS256" else "a P-256 key"
        raise Unknown(f"the private key {key_id}: expected {expected} in PEM, seen something else") from None
    return text
