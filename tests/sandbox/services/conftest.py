"""A service's answers do not hang on how many users SyncWell has: of these tests each world has few."""

from collections.abc import Iterator

import pytest

from drcore.sandbox.core.world import USERS
from tests.support.syncwell_world import SyncWellWorld

FEW = 200  # with all of them a world takes half as long again to be made


@pytest.fixture(autouse=True, scope="module")
def few_users() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SyncWellWorld, "users", FEW)
        yield


@pytest.fixture
def all_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is of so many writes that only some of it happens."""
    monkeypatch.setattr(SyncWellWorld, "users", USERS)
