"""What asks the sandbox as a run does, without a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.calls.http import Http
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.moto.startup import LOADER

Edit = Callable[[str, Callable[[dict[str, Any]], object]], None]


@pytest.fixture(scope="module")
def world() -> InProcess:
    """SyncWell's account, with few users; the tests of a module share it."""
    return InProcess(7, users=20)


@pytest.fixture
def gate() -> CallGate:
    gate = CallGate(lambda *_, **__: None)
    gate.writes = Writes.ALLOWED
    return gate


@pytest.fixture
def aws(world: InProcess, gate: CallGate) -> Aws:
    aws = Aws(gate, endpoint=ENDPOINT)
    session: Any = aws.session
    session._session.register_component("data_loader", LOADER)
    world.attach(aws.session)
    return aws


@pytest.fixture
def edit(aws: Aws) -> Edit:
    """Change what an operation has answered before anybody reads it: what AWS may say and the sandbox never does."""

    def register(operation: str, change: Callable[[dict[str, Any]], object]) -> None:
        def changed(parsed: dict[str, Any], **_: Any) -> None:
            change(parsed)

        aws.session.events.register(f"after-call.{operation}", changed)
        aws._clients.clear()  # a client takes over what is registered when it is made

    return register


class InProcessHttp(Http):
    """HTTP that ends in the sandbox of this process."""

    def __init__(self, calls: CallGate, world: InProcess) -> None:
        super().__init__(calls)
        self._world = world

    def ask(self, method: str, url: str, *, json: Any = None, authorization: str | None = None) -> Any:
        status, document = self._world.request(
            method, url.removeprefix(ENDPOINT), json, {"Authorization": authorization or ""}
        )
        assert status < 300, document
        return document


@pytest.fixture
def http(world: InProcess, gate: CallGate) -> Http:
    return InProcessHttp(gate, world)
