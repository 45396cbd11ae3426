"""Fixtures of the tests of plan G's readings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drcore.parameters import Mode
from drcore.plans.g.facts import GRun
from tests.support.data_corruption import PLAN
from tests.support.stage import staged


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GRun]:
    """A run that has done nothing yet, with the facts of the sandbox."""
    with staged(tmp_path_factory.mktemp("begun")) as stage:
        yield stage.open(stage.prepare(PLAN, Mode.REHEARSE)).run
