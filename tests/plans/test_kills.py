"""A run that is killed goes on where it was, does nothing twice, and comes to the same end as one that was not."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from drcore import lock
from drcore.setting import HOME
from drcore.steps import Plan
from tests.plans.killed_runs import AFTER_STEP, KINDS
from tests.plans.stage import each_plan

each_kind = pytest.mark.parametrize("kind", KINDS)
PATIENCE = 300  # seconds until the children are given up; nothing waits for it to pass
Pairs = list[dict[str, Any]]


@pytest.fixture(scope="module")
def pairs() -> Callable[[Plan, str], Pairs]:
    """For each fault a drill that was left alone and one that was killed at all moments of a kind."""
    known: dict[tuple[str, str], Pairs] = {}

    def of(plan: Plan, kind: str) -> Pairs:
        if (plan.id, kind) not in known:
            done = subprocess.run(
                [sys.executable, "-m", "tests.plans.killed_runs", plan.id, kind],
                cwd=HOME,
                env=os.environ | {"PYTHONHASHSEED": "0"},
                stdout=subprocess.PIPE,
                check=True,
                timeout=PATIENCE,
            )
            known[plan.id, kind] = json.loads(done.stdout)
        return known[plan.id, kind]

    return of


Killed = Callable[[Plan, str], Pairs]


@each_kind
@each_plan
def test_it_was_killed_at_every_moment(pairs: Killed, plan: Plan, kind: str) -> None:
    kills = [kill for pair in pairs(plan, kind) for kill in pair["killed"]["kills"]]
    assert [kill["moment"] for kill in kills if not kill["killed"]] == []
    steps = {kill["moment"]["step"] for kill in kills}
    if kind == AFTER_STEP:
        assert steps == {step.title for step in plan.steps}
    else:
        assert steps == {step.title for step in (lock.TAKE, *plan.steps, lock.GIVE) if step.act}


@each_kind
@each_plan
def test_its_record_holds_after_each_kill_and_at_the_end(pairs: Killed, plan: Plan, kind: str) -> None:
    for pair in pairs(plan, kind):
        assert [kill for kill in pair["killed"]["kills"] if kill["problems"]] == []
        assert pair["killed"]["problems"] == []


@each_kind
@each_plan
def test_it_comes_to_the_end_of_a_run_that_was_left_alone(pairs: Killed, plan: Plan, kind: str) -> None:
    for pair in pairs(plan, kind):
        assert (pair["alone"]["trouble"], pair["killed"]["trouble"]) == ("", "")
        assert lasting(pair["killed"]["state"]) == lasting(pair["alone"]["state"])
        assert standing(pair["killed"]["truth"]) == standing(pair["alone"]["truth"])
        assert pair["killed"]["truth"]["healthy_since"]


@each_kind
@each_plan
def test_no_act_is_done_twice(pairs: Killed, plan: Plan, kind: str) -> None:
    for pair in pairs(plan, kind):
        assert done(pair["killed"]["effects"]) == done(pair["alone"]["effects"])


def standing(truth: dict[str, object]) -> dict[str, object]:
    """The truth without what hangs on the moment: since when all is well, which writes are on their way."""
    return {name: value for name, value in truth.items() if name not in ("healthy_since", "replication")}


def done(effects: list[dict[str, str]]) -> Counter[str]:
    """How often each call was handled. The lock's do not count: after a kill at its return it is taken once more."""
    return Counter(
        json.dumps(lasting(each), sort_keys=True) for each in effects if '"Key": "locks/' not in each["asked"]
    )


def lasting(state: Any) -> Any:
    """A state without what may differ between two runs to the same end.

    These are times, as a run that is killed ends later; the words that tell the rates of the time when on-call was
    paged; the object that was the lock, of which a versioned bucket keeps what it held.
    """
    if isinstance(state, dict):
        return {
            name: lasting(value)
            for name, value in state.items()
            if name not in ("sent_timestamp", "text") and "locks/" not in name
        }
    if isinstance(state, list):
        return [lasting(each) for each in state]
    if isinstance(state, str):
        if state.startswith("{"):
            with contextlib.suppress(ValueError):
                return lasting(json.loads(state))
        with contextlib.suppress(ValueError):
            datetime.fromisoformat(state)
            return "a time"
    return state
