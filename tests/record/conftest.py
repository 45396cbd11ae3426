"""A sealed record of a test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sealed_records import write


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    return write(tmp_path / "t-1")
