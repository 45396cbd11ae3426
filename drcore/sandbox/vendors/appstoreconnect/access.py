"""Who may call App Store Connect, how often.

Checked for real: the token's signature (ES256), its key, its audience, its twenty minutes. Simplified: one key, with
every role; calls are counted over the hour that has just gone by.
"""

from __future__ import annotations

import functools
from collections import deque
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsError, HttpCall
from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.vendors.keys import app_store_key

SERVICE = "appstoreconnect"
ISSUER = "69a6de7f-5ad2-47e3-e053-5b8c7c11a4d1"
KEY_ID = "2X9R4HXF34"
AUDIENCE = "appstoreconnect-v1"
LONGEST = timedelta(minutes=20)
AN_HOUR = 3600
"""Calls."""


class AppStoreKeys:
    """The key, the calls of the last hour. `roles` is emptied where the key may do nothing any more."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: deque[datetime] = deque()
        self.roles = {"ADMIN"}
        self.an_hour = AN_HOUR

    def check(self, call: HttpCall) -> None:
        """Let a call in, or raise AwsError 401, 403, 429."""
        scheme, _, token = call.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not _holds(token.strip(), self._world.clock.now()):
            raise AwsError(
                "NOT_AUTHORIZED",
                "Provide a properly configured and signed bearer token, and make sure that it has not expired.",
                401,
            )
        if not self.roles:
            raise AwsError("FORBIDDEN_ERROR", "The API key in use does not allow this request", 403)
        if self.left() <= 0:
            raise AwsError(
                "RATE_LIMIT_EXCEEDED",
                "We've received too many requests for this API. Please wait and try again or slow down your request "
                "rate.",
                429,
            )
        self._calls.append(self._world.clock.now())

    def left(self) -> int:
        """How many calls of this hour are left."""
        since = self._world.clock.now() - timedelta(hours=1)
        while self._calls and self._calls[0] <= since:
            self._calls.popleft()
        return self.an_hour - len(self._calls)

    def limits(self) -> dict[str, str]:
        """The header of each answer."""
        return {"X-Rate-Limit": f"user-hour-lim:{self.an_hour};user-hour-rem:{max(0, self.left())};"}


def _holds(token: str, now: datetime) -> bool:
    import jwt

    try:
        header = jwt.get_unverified_header(token)
        # The times are looked at by the world's clock.
        options: Any = {"verify_exp": False, "verify_iat": False}
        claims: dict[str, Any] = jwt.decode(
            token, _public_key(), algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options=options
        )
    except jwt.PyJWTError:
        return False
    expires, issued = claims.get("exp"), claims.get("iat", epoch(now))
    if header.get("kid") != KEY_ID or not isinstance(expires, int) or not isinstance(issued, int):
        return False
    longest = LONGEST.total_seconds()
    return (
        epoch(now) < expires <= epoch(now) + longest + 1 and expires - issued <= longest and issued <= epoch(now) + 60
    )


@functools.cache
def _public_key() -> Any:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(app_store_key().encode(), None).public_key()
