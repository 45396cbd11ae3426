"""The only way to HTTP that is not AWS: status pages, partners, SyncWell itself.

The same gate, the same notes, and the same two kinds of trouble as for AWS.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import urllib3

from drcore.calls.answer import as_answer
from drcore.calls.gate import Call, CallGate, Plane, as_json
from drcore.calls.proxies import proxy_for
from drcore.errors import Busy, Rejected, Unknown

_READS = {"GET", "HEAD"}
_CONNECT, _READ = 2.0, 8.0  # seconds
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived: status, body as text, seconds are not kept (the clock may not be this machine's).

    The names of `headers` are in small letters.
    """

    status: int
    text: str
    json: Any
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Http:
    """Requests with short timeouts; a read is tried twice, a write once; redirects are not followed."""

    def __init__(self, calls: CallGate) -> None:
        self._calls = calls
        self._pools: dict[str | None, urllib3.PoolManager] = {None: urllib3.PoolManager()}

    def get(
        self, url: str, *, authorization: str | None = None, region: str = "", within: float = _READ, again: bool = True
    ) -> Reply:
        """Any answer, whatever its status; `region` is where the host stands. Raises Unknown when none came.

        None has come after so many seconds, where it is not asked for once more (`again`).
        """
        return self._send("GET", url, None, authorization, region, within=within, again=again)

    def send(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        authorization: str | None = None,
        reads: bool | None = None,
    ) -> Reply:
        """Any answer, whatever its status. Raises Unknown when none came, WriteStopped in a rehearsal.

        `reads` says of a method that writes as a rule (a query by POST) that it changes nothing. The fields of a
        `form` are credentials: they are sent, but not noted.
        """
        return self._send(method, url, json, authorization, form=form, reads=reads)

    def ask(self, method: str, url: str, *, json: Any = None, authorization: str | None = None) -> Any:
        """The JSON of an answer with status 2xx. Raises Rejected (Busy) for 4xx, Unknown for anything else.

        Asking the answer for a part that it lacks raises Unknown, too.
        """
        reply = self._send(method, url, json, authorization)
        what = f"{method} {url}: status {reply.status}"
        if reply.status in (420, 429):
            raise Busy(what, str(reply.status))
        if 400 <= reply.status < 500:
            raise Rejected(f"{what}: {reply.text[:2000]}", str(reply.status))
        if not 200 <= reply.status < 300 or reply.json is None:
            raise Unknown(f"{what}, expected JSON")
        return as_answer(reply.json, what)

    def _send(
        self,
        method: str,
        url: str,
        json: Any,
        authorization: str | None,
        region: str = "",
        *,
        within: float = _READ,
        again: bool = True,
        form: Mapping[str, str] | None = None,
        reads: bool | None = None,
    ) -> Reply:
        write = method not in _READS if reads is None else not reads
        call = Call(
            service="http",
            operation=method,
            region=region,
            write=write,
            plane=Plane.DATA,
            parameters={"url": url} | ({"json": json} if json is not None else {}),
            command=_command(method, url, json, (authorization or "").partition(" ")[0]),
        )
        self._calls.admit(call)
        headers: Mapping[str, str] = {"Authorization": authorization} if authorization else {}
        try:
            answer = self._pool(url).request(
                method,
                url,
                json=json,
                body=urlencode(form) if form is not None else None,
                headers=headers if form is None else {**headers, "Content-Type": _FORM},
                redirect=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT, within), read=within),
                retries=False if write or not again else urllib3.Retry(1, redirect=False, status=0),
            )
        except urllib3.exceptions.HTTPError as error:
            self._calls.note(call, type(error).__name__)
            raise Unknown(f"{method} {url}: {type(error).__name__}") from error
        self._calls.note(call, "OK" if answer.status < 300 else str(answer.status))
        text = answer.data.decode(errors="replace")
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, text, _json_of(answer), named)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = proxy_for(url)
        if proxy not in self._pools:
            self._pools[proxy] = urllib3.ProxyManager(str(proxy))
        return self._pools[proxy]


def _json_of(answer: urllib3.BaseHTTPResponse) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _command(method: str, url: str, json: Any, scheme: str) -> str:
    words = ["curl", "-X", method, url]
    if json is not None:
        words += ["--json", as_json(json)]
    return shlex.join(words) + (f' -H "Authorization: {scheme} $KEY"' if scheme else "")
