"""Fixtures of the sandbox's tests."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config

from drcore.sandbox.core import lateness
from drcore.sandbox.core.lateness import Told
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.moto.startup import LOADER
from drcore.sandbox.syncwell.company.names import ADMINISTRATOR_KEY

Client = Callable[..., Any]


@pytest.fixture(autouse=True, scope="module")
def in_time(request: pytest.FixtureRequest) -> Iterator[None]:
    """Here metrics, log lines, listings are told at once; test_lateness.py is about how late they are."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.module.__name__.endswith("test_lateness"):
            at_once = dict.fromkeys((Told.METRIC, Told.LOG_LINE, Told.EXPORT_LISTED), (0.0, 0.0))
            patch.setattr(lateness, "USUAL", lateness.USUAL | at_once)
        yield


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """A sandbox whose account is empty: the layer without SyncWell."""
    monkeypatch.setattr(application, "build_company", lambda world: None)
    return InProcess(7)


@pytest.fixture
def client(empty: InProcess) -> Client:
    """Clients of the empty sandbox."""
    return client_of(empty)


def client_of(sandbox: InProcess, *keys: str) -> Client:
    """`client("lambda", "us-west-2")`: an ordinary boto3 client of that sandbox, without retries.

    `keys` are those that it signs with; left out: those of somebody who may do anything.
    """

    def make(service: str, region: str = "us-east-1") -> Any:
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)
        core.set_credentials(*(keys or (ADMINISTRATOR_KEY, "secret")))
        session: Any = boto3.Session(region_name=region, botocore_session=core)
        sandbox.attach(session)
        once = Config(retries={"total_max_attempts": 1})
        return session.client(service, endpoint_url=ENDPOINT, config=once)

    return make
