"""The door for tests: the sandbox in this process, without a socket."""

import json as encoding
from collections.abc import Mapping
from typing import Any

import boto3

from drcore.sandbox.core.own_client import ENDPOINT, attach
from drcore.sandbox.core.world import TOKENS_A_SECRET, USERS
from drcore.sandbox.endpoints.application import Application
from drcore.sandbox.protocol.exchange import Dropped, Headers, NoResponse, Request, Response

__all__ = ["ENDPOINT", "InProcess"]


class InProcess:
    """A sandbox of one seed. Opening the next one in the same process empties this one."""

    def __init__(self, seed: int, users: int = USERS, tokens_a_secret: int = TOKENS_A_SECRET) -> None:
        self._application = Application(seed, users, tokens_a_secret)
        self.world = self._application.world

    def attach(self, session: boto3.Session) -> boto3.Session:
        """Let the sandbox answer the clients that `session` makes from now on, whatever their endpoint."""
        attach(session, self._application.answer)
        return session

    def request(
        self, method: str, path: str, json: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Ask one of the paths that are not AWS's; returns status and JSON document.

        Raises ConnectionResetError for a dropped connection and TimeoutError for an answer that never comes.
        """
        body = b"" if json is None else encoding.dumps(json).encode()
        return self.answered(Request(method, path, Headers((headers or {}).items()), body))

    def answered(self, request: Request) -> tuple[int, Any]:
        """The same for a request of any kind."""
        answer = self.exchange(request)
        return answer.status, encoding.loads(answer.body)

    def exchange(self, request: Request) -> Response:
        """The whole answer to a request. Raises as `request` does."""
        what = f"{request.method} {request.target}"
        try:
            return self._application.answer(request)
        except Dropped:
            raise ConnectionResetError(f"{what}: connection closed without an answer") from None
        except NoResponse:
            raise TimeoutError(f"{what}: no answer") from None

    def resolve(self, wire: bytes, asker: str = "127.0.0.1") -> bytes:
        """Ask the name servers: a DNS message for a DNS message. Raises NotDns."""
        return self._application.resolve(wire, asker)
