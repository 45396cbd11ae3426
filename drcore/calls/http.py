"""The only way to HTTP that is not AWS: status pages, partners, SyncWell itself.

The same gate, the same notes, and the same two kinds of trouble as for AWS. A vendor that takes only so many requests a
second gets no more from this run: whoever asks it says how far apart they are to be.
"""

from __future__ import annotations

import json as json_module
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from drcore.calls.answer import as_answer
from drcore.calls.gate import Call, CallGate, Plane, as_json
from drcore.calls.proxies import proxy_for
from drcore.clock import Clock, WallClock
from drcore.errors import Busy, Missing, NoAnswer, Rejected

_READS = {"GET", "HEAD"}
_CONNECT, _READ = 2.0, 8.0  # seconds
_FORM = "application/x-www-form-urlencoded"
_BUSY = (420, 429)  # the first is what Statuspage says where others say the second


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived: status, body as text. Seconds are not kept (the clock may not be this machine's).

    The names of `headers` are in small letters.
    """

    status: int
    text: str
    json: Any
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def after(self) -> float:
        """The seconds for which the service is not to be asked again; 0 where it names none, or a time of day."""
        header = self.headers.get("retry-after", "").strip()
        return float(header) if header.isdecimal() else 0


class Http:
    """Requests with short timeouts; a read is tried twice, a write once; redirects are not followed."""

    def __init__(self, calls: CallGate, clock: Clock | None = None) -> None:
        self._calls, self._clock = calls, clock or WallClock()
        self._pools: dict[str | None, urllib3.PoolManager] = {None: urllib3.PoolManager()}
        self._asked: dict[tuple[str, str | None], datetime] = {}  # by host and key: when it was asked last

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
        makes: object = None,
    ) -> Reply:
        """Any answer, whatever its status. Raises Unknown when none came, WriteStopped in a rehearsal.

        `reads` says of a method that writes as a rule (a query by POST) that it changes nothing. The fields of a
        `form` are credentials: they are sent, but not noted. `makes` is noted, but not sent: what a call without a body
        puts into effect.
        """
        return self._send(method, url, json, authorization, form=form, reads=reads, makes=makes)

    def ask(
        self, method: str, url: str, *, json: Any = None, authorization: str | None = None, apart: float = 0
    ) -> Any:
        """The JSON of an answer with status 2xx. Raises Rejected (Busy) for 4xx, Unknown for anything else.

        Asking the answer for a part that it lacks raises Unknown, too.
        `apart`: the seconds that lie at least between two requests of this run to that host with that key.
        """
        reply = self._send(method, url, json, authorization, apart=apart)
        what = f"{method} {url}: status {reply.status}"
        if reply.status in _BUSY:
            raise Busy(what, str(reply.status), reply.after)
        if 400 <= reply.status < 500:
            refusal = Missing if reply.status == 404 else Rejected
            raise refusal(f"{what}: {reply.text[:2000]}", str(reply.status))
        if not 200 <= reply.status < 300 or reply.json is None:
            raise NoAnswer(f"{what}, expected JSON")
        return as_answer(reply.json, what)

    def _keep_apart(self, host: str, key: str | None, seconds: float) -> None:
        last = self._asked.get((host, key))
        left = seconds - (self._clock.now() - last).total_seconds() if last else 0.0
        if 0 < left <= seconds:  # more is a clock that was set back
            self._clock.sleep(left)
        self._asked[host, key] = self._clock.now()

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
        makes: object = None,
        apart: float = 0,
    ) -> Reply:
        write = method not in _READS if reads is None else not reads
        call = Call(
            service="http",
            operation=method,
            region=region,
            write=write,
            plane=Plane.DATA,
            parameters={"url": url}
            | ({"json": json} if json is not None else {})
            | ({"makes": makes} if makes is not None else {}),
            command=_command(method, url, json, (authorization or "").partition(" ")[0]),
        )
        self._calls.admit(call)
        if apart:
            self._keep_apart(urlsplit(url).netloc, authorization, apart)
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
                retries=False if write or not again else _AGAIN,
            )
        except urllib3.exceptions.HTTPError as error:
            self._calls.note(call, type(error).__name__)
            raise NoAnswer(f"{method} {url}: {type(error).__name__}") from error
        self._calls.note(call, "OK" if answer.status < 300 else str(answer.status))
        text = answer.data.decode(errors="replace")
        named = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, text, _json_of(answer), named)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = proxy_for(url)
        if proxy not in self._pools:
            self._pools[proxy] = urllib3.ProxyManager(str(proxy))
        return self._pools[proxy]


# An answer is an answer, whatever it says of when to come back: it is the caller who waits.
_AGAIN = urllib3.Retry(1, redirect=False, status=0, respect_retry_after_header=False)


def _json_of(answer: urllib3.BaseHTTPResponse) -> Any:
    try:
        return json_module.loads(answer.data)  # in any encoding of JSON: AWS's page has UTF-16
    except ValueError:
        return None


def _command(method: str, url: str, json: Any, scheme: str) -> str:
    words = ["curl", "-X", method, url]
    if json is not None:
        words += ["--json", as_json(json)]
    return shlex.join(words) + (f' -H "Authorization: {scheme} $KEY"' if scheme else "")
