"""A gate that notes its calls, and doors through it to an account that is empty."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess


@pytest.fixture
def notes() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def calls(notes: list[dict[str, Any]]) -> CallGate:
    return CallGate(lambda event, **fields: notes.append({"event": event} | fields))


@pytest.fixture(scope="module")
def sandbox() -> InProcess:
    """An empty account: what a test needs, it makes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "build_company", lambda world: None)
        return InProcess(7)


@pytest.fixture
def aws(calls: CallGate, sandbox: InProcess) -> Aws:
    aws = Aws(calls, endpoint=ENDPOINT, run_id="t-1")
    sandbox.attach(aws.session)
    return aws
