"""What the sandbox answers itself, instead of the emulator."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import emulator
from drcore.sandbox.protocol.messages import AwsError, Message, Ready


class AwsCall:
    """One AWS call by botocore's names: service `lambda`, operation `UpdateAlias`, params by shape names."""

    def __init__(self, world: World, message: Message) -> None:
        self.world = world
        self.message = message
        self.service = message.service
        self.operation = message.operation
        self.region = message.region
        self.account = world.account

    @cached_property
    def params(self) -> Mapping[str, Any]:
        """The input; times are aware, blobs are bytes, members that were not sent are absent."""
        return self.message.params()

    @property
    def access_key(self) -> str:
        """The access key that the call is signed with."""
        return self.message.request.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]

    @property
    def reads(self) -> bool:
        """Whether the call only looks."""
        return self.operation.startswith(("Get", "Describe", "List", "Head", "BatchGet", "Lookup", "Filter"))

    @property
    def identity(self) -> str:
        """What the call asks, so that two equal questions are known as such."""
        return json.dumps(self.params, sort_keys=True, default=str)

    def forward(self, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Let moto answer, with other `params` if given; returns the output as boto3 would, without metadata.

        Raises AwsError if moto refuses.
        """
        request = self.message.request if params is None else self.message.rewrite(params)
        return self.message.read(emulator.answer(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One call of an HTTP interface that is not AWS's.

    `service` is the first part of its path (`statuspage`), `operation` the name of the function that answers,
    `region` the `<region>` of the path or empty, `args` the varying parts of the path.
    """

    world: World
    service: str
    operation: str
    region: str
    method: str
    path: str
    args: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    reads: bool
    """Whether the call only looks."""

    @property
    def identity(self) -> str:
        """What the call asks, so that two equal questions are known as such."""
        return f"{self.path}?{sorted(self.query.items())}{self.body!r}"

    @property
    def bearer(self) -> str:
        """The key of `Authorization: Bearer KEY`; empty without one."""
        scheme, _, key = self.headers.get("Authorization", "").partition(" ")
        return key.strip() if scheme == "Bearer" else ""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises AwsError (status 400) if it is not one."""
        try:
            document = json.loads(self.body or b"{}")
        except ValueError as error:
            raise AwsError("BadRequest", f"body: expected JSON, {error}") from error
        if not isinstance(document, dict):
            raise AwsError("BadRequest", f"body: expected a JSON object, saw {type(document).__name__}")
        return document


@dataclass(frozen=True, slots=True)
class JsonReply:
    """What an HTTP route answers: a status and a JSON document, with the headers that a vendor adds."""

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PageReply:
    """What an HTTP route answers that gives a page where JSON was asked for."""

    status: int
    text: str


Operation = Callable[[AwsCall], dict[str, Any] | Ready]
Route = Callable[[HttpCall], JsonReply | PageReply]
Refusal = Callable[[HttpCall, AwsError], JsonReply]


__all__ = ["AwsCall", "AwsError", "HttpCall", "JsonReply", "PageReply", "Ready", "http_route", "operation", "refusal"]


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One registered route; `pattern` has `<name>` for each part that varies."""

    method: str
    pattern: re.Pattern[str]
    answer: Route
    reads: bool


OPERATIONS: dict[tuple[str, str], Operation] = {}
ROUTES: list[HttpRoute] = []
REFUSALS: dict[str, Refusal] = {}
"""How a vendor writes that it refuses, by the first part of its path; the others write `{"error": "..."}`."""


def operation(service: str, name: str) -> Callable[[Operation], Operation]:
    """Answer the AWS operation `name` of the botocore service `service` with the decorated function.

    The function gets the AwsCall, returns the output by its botocore shape names, or Ready, and raises AwsError to
    refuse.
    """

    def register(fn: Operation) -> Operation:
        known = OPERATIONS.setdefault((service, name), fn)
        if known is not fn:
            raise ValueError(f"{service}:{name} is answered twice, by {known.__module__} and {fn.__module__}")
        return fn

    return register


def http_route(method: str, path: str, *, reads: bool = False) -> Callable[[Route], Route]:
    """Answer `method path` (with `<name>` for each part that varies) with the decorated function.

    A GET only looks; of another method `reads` says so.
    """
    pattern = re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path))

    def register(fn: Route) -> Route:
        ROUTES.append(HttpRoute(method, pattern, fn, reads or method == "GET"))
        return fn

    return register


def refusal(service: str) -> Callable[[Refusal], Refusal]:
    """Let the decorated function write the refusals of the vendor whose paths begin with `/service/`."""

    def register(fn: Refusal) -> Refusal:
        REFUSALS[service] = fn
        return fn

    return register
