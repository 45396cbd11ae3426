"""One real drill by the command line, for all that only look at how it ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import SEED, Said, drcore


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="session")
def drilled(records: Path) -> Said:
    """One real drill, for all that only look at how it ended."""
    return drcore("drill", "f", "--seed", str(SEED), "--json", "--records", records, "-p", "run_id=f-cli-drill")


@pytest.fixture
def record(drilled: Said) -> Path:
    return Path(drilled.json["record"])
