"""The one client of App Store Connect: tokens, refusals, the calls that are left in this hour."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from drcore.calls.http import Http, Reply
from drcore.calls.tokens import signed_token
from drcore.clock import Clock
from drcore.errors import Busy, Rejected, Unknown
from drcore.services.answers import VendorAnswer, document_of, understood

_AUDIENCE = "appstoreconnect-v1"
_LASTS = 600  # seconds; Apple takes no token of more than 1,200
_LIMIT = 200  # rows a page: the most that Apple gives
_MOST_PAGES = 50
_RESERVE = 20  # calls that are left to the acts of a recovery when looks have used up the others
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AppStoreApp:
    """Where Apple's API is (https://api.appstoreconnect.apple.com), which app, with which key of which team.

    `key` is the content of the .p8 file. It wants the role App Manager.
    """

    url: str
    app: str
    issuer: str
    key_id: str
    key: str = field(repr=False)


class Links(VendorAnswer):
    """Where the next page is."""

    next: str = ""


class ResourceId(VendorAnswer):
    """Which resource."""

    id: str


class Relationship(VendorAnswer):
    """The resource that another one relates to; None where there is none."""

    data: ResourceId | None = None


class ResourcePage(VendorAnswer):
    """One page of resources: each shape says what its rows are, by `data`."""

    links: Links = Links()


P = TypeVar("P", bound=ResourcePage)


class AppStoreConnect:
    """Calls to App Store Connect for one app, each with a token of its own."""

    def __init__(self, http: Http, clock: Clock, app: AppStoreApp) -> None:
        self.app, self.clock = app, clock
        self._http = http
        self._left: int | None = None
        self._told = clock.now()

    @property
    def left(self) -> int | None:
        """How many calls of this hour are left, by Apple's last answer; None: nothing was asked within the hour."""
        return self._left if self.clock.now() < self._told + _HOUR else None

    def read(self, path: str, query: Mapping[str, str] | None = None, *, of_an_act: bool = False) -> Any:
        """One document. Raises Busy when few calls are left (but for a read that an act makes), Rejected, Unknown."""
        left = self.left
        if left is not None and left <= _RESERVE and not of_an_act:
            raise Busy(f"App Store Connect: {left} calls of this hour are left, and are kept for acts", "RateLimit")
        return self._ask("GET", self._url(path) + (f"?{urlencode(query)}" if query else ""))

    def pages(self, path: str, shape: type[P], what: str, **query: str) -> Iterator[P]:
        """All pages of a list. Raises as `read`."""
        document = self.read(path, {"limit": str(_LIMIT), **query})
        for _ in range(_MOST_PAGES):
            page = understood(document, shape, what)
            yield page
            if not page.links.next:
                return
            document = self.read(page.links.next)
        raise Unknown(f"{what}: expected at most {_MOST_PAGES} pages, seen more")

    def write(self, method: str, path: str, document: object) -> Any:
        """One change. Raises Rejected (Busy: come back later), Unknown, WriteStopped in a rehearsal."""
        return self._ask(method, self._url(path), document)

    def _url(self, path: str) -> str:
        """The address of a path; a next page, whose address is whole, is asked where we know Apple to be too."""
        rest = re.sub(r"^https?://[^/]+", "", path)
        return self.app.url.rstrip("/") + rest.removeprefix(urlsplit(self.app.url).path.rstrip("/"))

    def _ask(self, method: str, url: str, body: object = None) -> Any:
        authorization = f"Bearer {self._token()}"
        reply = self._http.send(method, url, json=body, authorization=authorization)
        limits = re.search(r"user-hour-rem:(\d+)", reply.headers.get("x-rate-limit", ""))
        if limits:
            self._left, self._told = int(limits[1]), self.clock.now()
        return _accepted(f"{method} {url}", reply)

    def _token(self) -> str:
        claims = {"iss": self.app.issuer, "aud": _AUDIENCE}
        now: datetime = self.clock.now()
        return signed_token(claims, self.app.key, algorithm="ES256", key_id=self.app.key_id, at=now, lasts=_LASTS)


def resource(kind: str, name: str = "", *, attributes: object = None, **related: tuple[str, str]) -> dict[str, Any]:
    """A document that asks for a change: `resource("apps", "1", attributes={...}, app=("apps", "1"))`."""
    data: dict[str, Any] = {"type": kind} | ({"id": name} if name else {})
    data |= {"attributes": attributes} if attributes is not None else {}
    relations = {each: {"data": {"type": of, "id": to}} for each, (of, to) in related.items()}
    return {"data": data | ({"relationships": relations} if relations else {})}


def _accepted(what: str, reply: Reply) -> Any:
    """The document of an answer that is a yes. Raises Busy, Rejected, Unknown with Apple's own words."""
    if 200 <= reply.status < 300:
        return document_of(what, reply)
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code, detail = str(first.get("code", reply.status)), str(first.get("detail", ""))
    text = f"{what}: status {reply.status}, {code}: {detail[:2000]}".rstrip(": ")
    if reply.status == 429:
        raise Busy(text, code)
    if 400 <= reply.status < 500:
        raise Rejected(text, code)
    raise Unknown(text)
