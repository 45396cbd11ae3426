"""HTTP and DNS that end in the sandbox of this process: no socket."""

from __future__ import annotations

import io
from typing import Any

import dns.message
import pytest
import urllib3
from urllib3.connection import HTTPConnection

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.exchange import Headers, Request


class InProcessConnection(HTTPConnection):
    """A connection that ends in the sandbox of this process."""

    door: InProcess

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        if not hasattr(self, "door"):  # kept in a pool of urllib3 since a stage that is closed
            super().request(method, url, body, headers, **options)
            return
        self._asked = (method, url, body, headers)

    def getresponse(self) -> Any:
        if not hasattr(self, "door"):
            return super().getresponse()
        method, url, body, headers = self._asked
        raw = body.encode() if isinstance(body, str) else body or b""
        answer = self.door.exchange(Request(method, url, Headers(dict(headers or {}).items()), raw))
        content = io.BytesIO(answer.body)
        return urllib3.HTTPResponse(content, dict(answer.headers), answer.status, preload_content=False)

    def close(self) -> None:
        """There is nothing to close."""


def end_in(door: InProcess, patch: pytest.MonkeyPatch) -> None:
    """Have HTTP and DNS to any address end in a sandbox, until the patch is undone."""
    patch.setattr(InProcessConnection, "door", door, raising=False)  # not a new class: urllib3 keeps them in a pool
    patch.setattr("urllib3.connectionpool.HTTPConnectionPool.ConnectionCls", InProcessConnection)
    patch.setattr("dns.query.udp", lambda query, *_, **__: dns.message.from_wire(door.resolve(query.to_wire())))
