"""The one client of Google Play: tokens, refusals, the pace of its calls.

Use a service account that nobody else uses: Google lets a user have one open edit, so that a look of ours would throw
away the edit in which somebody else is at work.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.calls.http import Http, Reply
from drcore.calls.tokens import signed_token
from drcore.clock import Clock
from drcore.errors import Busy, Rejected, Unknown
from drcore.services.answers import VendorAnswer, document_of, understood
from drcore.services.pace import Pace

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPES = "https://www.googleapis.com/auth/androidpublisher https://www.googleapis.com/auth/playdeveloperreporting"
_HOUR = 3600  # seconds; no assertion may hold for longer
_RENEW = timedelta(minutes=5)  # a token that ends sooner is not used for a further call
_APART = 0.1  # seconds between two calls: the Reporting API takes ten a second
_BUSY = (409, 429)


@dataclass(frozen=True, slots=True)
class PlayApp:
    """Where Google's APIs are, which app, with the key file of which service account (its JSON, as Google gives it).

    `publisher` and `reporting` end with the API's version: https://androidpublisher.googleapis.com/androidpublisher/v3,
    https://playdeveloperreporting.googleapis.com/v1beta1. `tokens` is https://oauth2.googleapis.com/token.
    """

    publisher: str
    reporting: str
    tokens: str
    package: str
    key: str = field(repr=False)


class _KeyFile(VendorAnswer):
    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str


class _Token(VendorAnswer):
    access_token: str
    expires_in: int


class Play:
    """Calls to both of Google Play's APIs for one app, each with a token that holds."""

    def __init__(self, http: Http, clock: Clock, app: PlayApp) -> None:
        self.app, self.clock = app, clock
        self._http, self._pace = http, Pace(clock, _APART)
        self._token, self._until = "", datetime.min.replace(tzinfo=clock.now().tzinfo)

    def publish(
        self, method: str, path: str, *, body: Any = None, reads: bool | None = None, makes: object = None
    ) -> Any:
        """Ask the Publisher API about the app: `path` is what follows its package name. None where the answer is empty.

        `makes` is what a call without a body puts into effect, for the journal.

        Raises Busy for a conflict or a limit (nothing was changed), Rejected, Unknown, WriteStopped in a rehearsal.
        """
        return self._ask(method, f"{self.app.publisher}/applications/{self.app.package}{path}", body, reads, makes)

    def report(self, method: str, path: str, *, body: Any = None) -> Any:
        """Ask the Reporting API about the app; it changes nothing. Raises as `publish`."""
        return self._ask(method, f"{self.app.reporting}/apps/{self.app.package}{path}", body, True)

    def _ask(self, method: str, url: str, body: Any, reads: bool | None, makes: object = None) -> Any:
        token = self._fresh_token()
        self._pace.wait()
        reply = self._http.send(method, url, json=body, authorization=f"Bearer {token}", reads=reads, makes=makes)
        if reply.status == 401:
            self._token = ""  # it was revoked: the next call asks for another
        return _accepted(f"{method} {url}", reply)

    def _fresh_token(self) -> str:
        now = self.clock.now()
        if not self._token or now >= self._until - _RENEW:
            self._pace.wait()
            what = f"POST {self.app.tokens}"
            # It asks for a token, and changes nothing of the app: a look needs one too.
            form = {"grant_type": _GRANT, "assertion": self._assertion(now)}
            reply = self._http.send("POST", self.app.tokens, form=form, reads=True)
            given = understood(_accepted(what, reply), _Token, what, secret=True)
            self._token, self._until = given.access_token, now + timedelta(seconds=given.expires_in)
        return self._token

    def _assertion(self, now: datetime) -> str:
        try:
            document = json.loads(self.app.key)
        except ValueError:
            document = None
        key = understood(document, _KeyFile, "the key file of the service account for Google Play", secret=True)
        claims = {"iss": key.client_email, "aud": key.token_uri, "scope": _SCOPES}
        return signed_token(claims, key.private_key, algorithm="RS256", key_id=key.private_key_id, at=now, lasts=_HOUR)


def _accepted(what: str, reply: Reply) -> Any:
    """The document of an answer that is a yes. Raises Busy, Rejected, Unknown with Google's own words."""
    if 200 <= reply.status < 300:
        return document_of(what, reply)
    error = reply.json.get("error") if isinstance(reply.json, dict) else None
    if isinstance(error, dict):
        code, message = str(error.get("status", reply.status)), str(error.get("message", ""))
    elif isinstance(error, str):  # the token endpoint's form
        code, message = error, str(reply.json.get("error_description", ""))
    else:
        code, message = str(reply.status), ""
    text = f"{what}: status {reply.status}, {code}: {message[:2000]}".rstrip(": ")
    if reply.status in _BUSY:
        raise Busy(text, code)
    if 400 <= reply.status < 500:
        raise Rejected(text, code)
    raise Unknown(text)
