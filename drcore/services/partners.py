"""A partner as it answers: its API to a probe of ours, its status page as Atlassian hosts them."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from drcore.calls.http import Http
from drcore.errors import Busy, Missing, NoAnswer, Rejected, Unknown

_PATIENCE = 5.0  # seconds until a probe, or a page, is given up
_BUSY, _NOT_THERE = 429, 404


@dataclass(frozen=True, slots=True)
class PageWord:
    """What a partner's status page says: of each component its status, by its id; the page's indicator."""

    indicator: str
    components: dict[str, str]


class _Status(BaseModel):
    indicator: str


class _Component(BaseModel):
    id: str
    status: str


class _PageSummary(BaseModel):
    """What is read of a page; the rest may be as it likes."""

    status: _Status
    components: list[_Component]


def ask(http: Http, url: str, key: str) -> None:
    """Ask a partner's API once, as our workers do. Returns where it was answered well.

    Raises Rejected for 4xx with the status as its code (401, 403: who asks is refused), Busy for 429, Unknown for
    anything else.
    """
    reply, what = http.get(url, authorization=f"Bearer {key}", within=_PATIENCE, again=False), f"GET {url}: status"
    if reply.status == _BUSY:
        raise Busy(f"{what} {reply.status}", str(reply.status), reply.after)
    if 400 <= reply.status < 500:
        raise Rejected(f"{what} {reply.status}: {reply.text[:200]}", str(reply.status))
    if not 200 <= reply.status < 300:
        raise NoAnswer(f"{what} {reply.status}")


def page(http: Http, url: str) -> PageWord:
    """What the page at this address says. Raises Missing where there is no such page.

    Raises Unknown for anything else than the documented JSON: a redirect, a page of a proxy, a refusal.

    Components are matched by their ids: the page's indicator is about all that the partner has.
    """
    reply = http.get(f"{url}/api/v2/summary.json", within=_PATIENCE, again=False)
    if reply.status == _NOT_THERE:
        raise Missing(f"GET {url}/api/v2/summary.json: there is no such page", str(reply.status))
    if reply.status != 200 or reply.json is None:
        raise NoAnswer(
            f"GET {url}/api/v2/summary.json: expected 200 with JSON, seen {reply.status}, {reply.text[:60]!r}"
        )
    try:
        read = _PageSummary.model_validate(reply.json)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "the answer"
        raise Unknown(f"GET {url}/api/v2/summary.json: {where}: {error.errors()[0]['msg']}") from error
    return PageWord(read.status.indicator, {each.id: each.status for each in read.components})
