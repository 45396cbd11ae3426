"""Plan G's own tests have a world of full size, as their numbers are those of its users."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drcore.sandbox.core.world import USERS
from tests.support.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox in this process, nothing broken yet."""
    with staged(tmp_path, users=USERS) as stage:
        yield stage
