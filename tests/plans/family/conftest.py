"""Drills, each carried out once for all tests of a process that only look at it."""

from __future__ import annotations

import pytest

from tests.support.drills import Drilled, Drills, drill
from tests.support.stage import Scene
from tests.support.troubled import Troubled


@pytest.fixture(scope="session")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Drills:
    known: dict[str, Drilled] = {}

    def of(scene: Scene) -> Drilled:
        if scene.name not in known:
            known[scene.name] = drill(scene, tmp_path_factory.mktemp("records"))
        return known[scene.name]

    return of


@pytest.fixture(scope="session")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    return Troubled(tmp_path_factory.mktemp("records"))
