"""The service accounts that may call Google Play, with the tokens that they were given.

Checked for real: the assertion's signature (RS256), its audience, its hour, its scopes. Simplified: one key for each
account, which cannot be rotated; a token is not revoked before its hour is over.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.core.world import World
from drcore.sandbox.vendors.googleplay.answers import SERVICE
from drcore.sandbox.vendors.keys import play_key

TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address: the audience, wherever it is posted to
PUBLISHER = "https://www.googleapis.com/auth/androidpublisher"
REPORTING = "https://www.googleapis.com/auth/playdeveloperreporting"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST, SKEW = timedelta(hours=1), timedelta(minutes=5)
EMAIL = "drcore-recovery@syncwell-mobile.iam.gserviceaccount.com"
KEY_ID = "5d1f0b9a2c7e4f6381a0b2c4d6e8f00112233445"


@dataclass(frozen=True, slots=True)
class PlayToken:
    """An access token: whose, for what, until when."""

    email: str
    scopes: frozenset[str]
    expires: datetime


class PlayAccounts:
    """Who may come in: `granted` are known to the developer account, `readers` of them may only look."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.granted = {EMAIL}
        self.readers: set[str] = set()
        self._tokens: dict[str, PlayToken] = {}

    def issue(self, email: str, scopes: frozenset[str]) -> tuple[str, int]:
        """A new token with the seconds for which it holds."""
        number = self._world.count(SERVICE, "token", "")
        token = f"ya29.c.{self._world.rng('play token', number).getrandbits(512):0128x}"
        self._tokens[token] = PlayToken(email, scopes, self._world.clock.now() + LONGEST)
        return token, int(LONGEST.total_seconds()) - 1

    def caller(self, call: HttpCall, scope: str) -> str:
        """The e-mail address of who calls. Raises AwsError 401 or 403."""
        scheme, _, text = call.headers.get("Authorization", "").partition(" ")
        token = self._tokens.get(text.strip())
        if scheme != "Bearer" or token is None or token.expires <= self._world.clock.now():
            expected = "Expected OAuth 2 access token, login cookie or other valid authentication credential."
            raise AwsError("UNAUTHENTICATED", f"Request had invalid authentication credentials. {expected}", 401)
        if scope not in token.scopes:
            raise AwsError("PERMISSION_DENIED", "Request had insufficient authentication scopes.", 403)
        looks_only = token.email in self.readers and not call.reads
        if token.email not in self.granted or looks_only:
            raise AwsError("PERMISSION_DENIED", "The caller does not have permission", 403)
        return token.email


def service_account() -> str:
    """The key file of the account, as Google hands it out: JSON with the private key in PEM."""
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "syncwell-mobile",
            "private_key_id": KEY_ID,
            "private_key": play_key(),
            "client_email": EMAIL,
            "client_id": "104857600000000000001",
            "token_uri": TOKEN_URI,
        }
    )


@http_route("POST", f"/{SERVICE}/token")
def give_token(call: HttpCall) -> JsonReply:
    """An access token for a signed assertion (RFC 7523); 400 `invalid_grant` with the reason for any other."""
    form = {name: values[0] for name, values in parse_qs(call.body.decode(errors="replace")).items()}
    if form.get("grant_type") != GRANT:
        return _refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
    claims = _verified(form.get("assertion", ""))
    problem = "Invalid JWT Signature." if claims is None else _problem(claims, call.world.clock.now())
    if claims is None or problem:
        return _refused("invalid_grant", problem)
    scopes = frozenset(str(claims.get("scope", "")).split())
    if not scopes or scopes - {PUBLISHER, REPORTING}:
        return _refused("invalid_scope", f"{claims.get('scope')} is not a valid audience string.")
    token, seconds = call.world.state(PlayAccounts).issue(str(claims["iss"]), scopes)
    return JsonReply(200, {"access_token": token, "expires_in": seconds, "token_type": "Bearer"})


def _verified(assertion: str) -> dict[str, Any] | None:
    """The claims of an assertion that this account's key has signed."""
    import jwt

    try:
        if jwt.get_unverified_header(assertion).get("kid", KEY_ID) != KEY_ID:
            return None
        # The times are looked at below, by the world's clock.
        options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        claims: dict[str, Any] = jwt.decode(assertion, _public_key(), algorithms=["RS256"], options=options)
    except jwt.PyJWTError:
        return None
    return claims


@functools.cache
def _public_key() -> Any:
    from cryptography.hazmat.primitives import serialization

    key: Any = serialization.load_pem_private_key(play_key().encode(), None, unsafe_skip_rsa_key_validation=True)
    return key.public_key()


def _problem(claims: dict[str, Any], now: datetime) -> str:
    """What is wrong with claims that are signed; empty: nothing."""
    times = (claims.get("iat"), claims.get("exp"))
    if claims.get("iss") != EMAIL:
        return "Invalid grant: account not found"
    if claims.get("aud") != TOKEN_URI:
        return "Invalid JWT: Failed audience check."
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in times):
        return "Invalid JWT: iat and exp are required."
    issued, expires = (int(each) for each in times if each is not None)
    short = expires - issued <= LONGEST.total_seconds()
    in_time = issued <= epoch(now + SKEW) and expires > epoch(now)
    if not (short and in_time):
        return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
    return ""


def _refused(error: str, description: str) -> JsonReply:
    return JsonReply(400, {"error": error, "error_description": description})
