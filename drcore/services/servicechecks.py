"""SyncWell's own checks, region by region: writes of its marked user, old tokens of planted users, a finding's hole.

Each is asked for by reference: no token is sent, none comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from drcore.calls.http import Http
from drcore.errors import Unknown


@dataclass(frozen=True, slots=True, order=True)
class MarkedWrite:
    """The marked user's last try to write on a path: its HTTP status, when it was; when one was taken last."""

    path: str
    status: int
    tried: datetime = field(compare=False)
    taken: datetime = field(compare=False)


@dataclass(frozen=True, slots=True, order=True)
class OldToken:
    """Whether the old token of an issuer's planted user is still accepted: by SyncWell's workers, at the issuer.

    `because` says in words what the workers go by: the epoch, their cache with the store.
    """

    issuer: str
    by_syncwell: bool
    at_issuer: bool
    because: str = field(compare=False)


class _Marked(BaseModel):
    status: int
    tried_at: AwareDatetime
    taken_at: AwareDatetime


class _Probe(BaseModel):
    issuer: str
    epoch: str
    cache_or_store: str
    at_issuer: str
    syncwell: str


_PATHS, _ANSWERS = TypeAdapter(dict[str, _Marked]), ("accepted", "refused")


def marked_writes(http: Http, url: str) -> tuple[MarkedWrite, ...]:
    """The last write of the marked user on each path, by path. Raises Unknown where there is none; Rejected."""
    answer: Any = http.ask("GET", url)
    try:
        by_path = _PATHS.validate_python(answer["paths"])
    except ValidationError as error:
        raise Unknown(f"GET {url}: expected the writes of each path, seen {str(answer)[:200]}: {error}") from error
    if not by_path:
        raise Unknown(f"GET {url}: the marked user writes on no path, which proves nothing")
    return tuple(sorted(MarkedWrite(path, each.status, each.tried_at, each.taken_at) for path, each in by_path.items()))


def old_token(http: Http, url: str) -> OldToken:
    """Whether a planted user's old token is accepted. Raises Rejected, Unknown, also for any answer but yes or no."""
    answer: Any = http.ask("GET", url)
    try:
        probed = _Probe.model_validate(answer)
    except ValidationError as error:
        raise Unknown(f"GET {url}: expected a probe of a token, seen {str(answer)[:200]}: {error}") from error
    if not {probed.syncwell, probed.at_issuer} <= set(_ANSWERS):
        raise Unknown(f"GET {url}: expected {' or '.join(_ANSWERS)}, seen {probed.syncwell!r}, {probed.at_issuer!r}")
    why = f"{probed.epoch} for the epoch, {probed.cache_or_store} in cache or store"
    return OldToken(probed.issuer, probed.syncwell == "accepted", probed.at_issuer == "accepted", why)


def is_exposed(http: Http, url: str) -> bool:
    """Whether a region still has the hole of a finding. Raises Rejected, Unknown."""
    answer: Any = http.ask("GET", url)
    exposed = answer["exposed"]
    if not isinstance(exposed, bool):
        raise Unknown(f"GET {url}: exposed: expected true or false, seen {exposed!r}")
    return exposed
