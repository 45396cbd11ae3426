"""Fixtures of the tests over all plans."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stage import Stage, staged


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox in this process, nothing broken yet."""
    with staged(tmp_path) as stage:
        yield stage
