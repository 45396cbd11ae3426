"""Fixtures of the tests of clients of vendors: an account without SyncWell, a gate whose notes can be read."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.gate import CallGate, Writes
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import InProcess


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """An account without SyncWell: each test has a store of its own."""
    monkeypatch.setattr(application, "build_company", lambda world: None)
    return InProcess(7)


@pytest.fixture
def notes() -> list[dict[str, Any]]:
    """What the journal would get."""
    return []


@pytest.fixture
def gate(notes: list[dict[str, Any]]) -> CallGate:
    """A gate that lets writes through, and notes all calls."""
    gate = CallGate(lambda event, **fields: notes.append({"event": event} | fields))
    gate.writes = Writes.ALLOWED
    return gate
