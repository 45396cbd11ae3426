"""What asks the sandbox as a run does, without a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.calls.http import Http
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.moto.startup import LOADER
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY
from tests.support.in_process_transport import end_in
from tests.support.world_clock import WorldClock

Edit = Callable[[str, Callable[[dict[str, Any]], object]], None]


@pytest.fixture(scope="module")
def world() -> InProcess:
    """SyncWell's account, with few users; the tests of a module share it."""
    return InProcess(7, users=20)


@pytest.fixture(autouse=True)
def _unpausing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause before botocore's next try."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))


@pytest.fixture
def gate() -> CallGate:
    return open_gate()


def open_gate() -> CallGate:
    """A gate that lets writes through."""
    gate = CallGate(lambda *_, **__: None)
    gate.writes = Writes.ALLOWED
    return gate


@pytest.fixture
def aws(world: InProcess, gate: CallGate) -> Aws:
    return aws_of(world, gate)


def aws_of(world: InProcess, gate: CallGate) -> Aws:
    """Clients whose calls end in a world."""
    aws = Aws(gate, endpoint=ENDPOINT)
    session: Any = aws.session
    session._session.register_component("data_loader", LOADER)
    session._session.set_credentials(ADMINISTRATOR_KEY, "-")
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


@pytest.fixture
def http(world: InProcess, gate: CallGate, monkeypatch: pytest.MonkeyPatch) -> Http:
    end_in(world, monkeypatch)
    clock = WorldClock(world)
    clock.sleep(1)  # since another test has asked the status page
    return Http(gate, clock)


@pytest.fixture
def faulty(world: InProcess) -> Iterator[Callable[..., None]]:
    """Put one of the sandbox's faults on; all are taken away with the test."""

    def put_on(name: str, **options: object) -> None:
        status, told = world.request("POST", "/_sandbox/faults", {"name": name, "options": options})
        assert status == 200, told

    yield put_on
    world.request("DELETE", "/_sandbox/faults")


def passing(world: InProcess, seen: Callable[[], bool]) -> None:
    """Let time pass by the minute until something is seen, two hours at most."""
    for _ in range(120):
        if seen():
            return
        world.request("POST", "/_sandbox/clock", {"sleep": 60})
    raise AssertionError("not seen in two hours")
