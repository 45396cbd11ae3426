"""A whole drill of a scene and what comes right after it, carried out once for all tests that only look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drcore.errors import DrcoreError
from drcore.record.events import Event, read_events
from drcore.run.runbook import Runbook
from drcore.sandbox.identity.guard import Guard
from drcore.sandbox.syncwell.company.names import RECOVERY_ROLE
from tests.support.effects import Effect
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import (
    SAMPLED,
    SHORT,
    Scene,
    Stage,
    carry_out,
    ended,
    incidents,
    locks,
    pages_of,
    proven,
    staged,
    transitions,
)

# What comes after a drill is the engine's: after the ways that no fault leads to it is looked at in the proof alone.
FOLLOWED = tuple(scene for scene in SAMPLED if EXHAUSTIVE or not scene.way)
each_followed_scene = pytest.mark.parametrize("scene", FOLLOWED, ids=[scene.name for scene in FOLLOWED])


@dataclass(frozen=True)
class Drilled:
    """What was there to be seen after a drill; and after what came then, of a scene that is followed."""

    run: Runbook
    exit: int
    truth: Any
    effects: list[Effect]
    pages: int
    incidents: list[dict[str, Any]]
    transitions: dict[str, bool]
    locks: list[str]
    events: list[Event]
    asked: frozenset[tuple[str, str]]
    after: After | None


@dataclass(frozen=True)
class After:
    """What came right after a drill: a second run of the plan, then the first one resumed."""

    second: Runbook
    second_trouble: DrcoreError | None
    second_exit: int
    second_effects: list[Effect]
    resumed: Runbook
    resumed_effects: list[Effect]


Drills = Callable[[Scene], Drilled]


def asked_by_the_runner(stage: Stage) -> frozenset[tuple[str, str]]:
    """The actions that the runner's role was allowed until now, each with its resource."""
    used = stage.door.world.state(Guard).used
    role = f"role/{RECOVERY_ROLE}"
    return frozenset(
        (action, resource) for (who, action, resource), ruled in used.items() if who.endswith(role) and ruled.allowed
    )


def drill(scene: Scene, folder: Path) -> Drilled:
    """A drill; of a scene that is followed a second run of the plan right after it too, and the first one resumed."""
    with staged(folder) as stage:
        run = stage.drill(scene)
        seen = {
            "run": run,
            "exit": ended(run).exit,
            "truth": stage.truth(),
            "effects": list(stage.effects),
            "pages": pages_of(run),
            "incidents": incidents(stage),
            "transitions": transitions(run),
            "locks": locks(run),
            "events": read_events(run.folder),
            "asked": asked_by_the_runner(stage),
        }
        proven(run)
        return Drilled(**seen, after=_after(stage, scene, run) if scene in FOLLOWED else None)


def _after(stage: Stage, scene: Scene, run: Runbook) -> After:
    first = len(stage.effects)
    second = stage.open(stage.prepare(replace(scene, fault=""), facts=SHORT))
    stopped = carry_out(second)
    proven(second)
    then = len(stage.effects)
    resumed = stage.again(run)
    assert carry_out(resumed) is None
    proven(resumed)
    return After(second, stopped, ended(second).exit, stage.effects[first:then], resumed, stage.effects[then:])
