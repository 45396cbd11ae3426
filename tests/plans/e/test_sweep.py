"""The sweep ends with no old token, each secret written once, whatever comes between: kills, throttling, silence."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.engine import lock
from drcore.engine.loop import run_step
from drcore.errors import BadInput, Refused
from drcore.parameters import Mode
from drcore.plans import e
from drcore.plans.e.sweeping import BATCH, Met, Sweep
from drcore.run.runbook import Runbook
from drcore.sandbox.services.secretsmanager import Secrets
from drcore.sandbox.syncwell.life.tokens import GRANTS
from drcore.services import secretsmanager
from drcore.services.pace import SharedPace
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.manual_clock import ManualClock
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines, staged

PLAN = plans.find("e")
LEAK = Scene(PLAN, "vulnerability-token-leak")
SECRETS, KILLS = (400, 100) if EXHAUSTIVE else (20, 4)
USERS = 200  # have 800 tokens
COPIES = 2  # of secrets, in another account


class Killed(BaseException):
    """The process is gone: nothing of it is carried out any more."""


def until_the_sweep(stage: Stage) -> Runbook:
    run = stage.open(stage.prepare(LEAK, facts=SHORT))
    run.preflight()
    for step in run.plan.steps:
        if step.key == e.SWEEP.key:
            return run
        run.step(step)
    raise AssertionError("there is no sweep")


def written(stage: Stage) -> Counter[tuple[str, str]]:
    """How often each secret of each account was given another version."""
    puts = [each for each in stage.effects if each.call == "secretsmanager:PutSecretValue"]
    return Counter((each.account, json.loads(each.asked)["SecretId"]) for each in puts)


def swept(stage: Stage) -> bool:
    truth = stage.truth()["security"]
    return set(truth["stored"].values()) == {0}


def test_it_goes_on_where_it_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a write or right after it, of which the journal then knows nothing."""
    draw, put = random.Random(7), secretsmanager.put  # noqa: S311
    left = 0

    def dying(*given: str) -> None:
        nonlocal left
        left -= 1
        early = draw.random() < 0.5
        if left == 0 and early:
            raise Killed
        put(*given)  # type: ignore[arg-type]  # as they came
        if left == 0:
            raise Killed

    monkeypatch.setattr(secretsmanager, "put", dying)
    with staged(tmp_path, users=USERS, tokens_a_secret=USERS * GRANTS // SECRETS) as stage:
        run = until_the_sweep(stage)
        for _ in range(KILLS):
            left = draw.randint(1, SECRETS // KILLS)
            with pytest.raises(Killed):
                run.step(run.plan.step(e.SWEEP.key), despite="it was killed")
            run.record.close()
            run = stage.again(run)
            run.preflight()
        left = -1
        run.step(run.plan.step(e.SWEEP.key), despite="it was killed")
        stage.sleep(10)
        assert swept(stage)
        assert set(written(stage).values()) == {1}
        assert len(written(stage)) == SECRETS + COPIES


def test_a_run_after_one_that_died_sweeps_what_that_one_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could take the first one up again, say, as its machine is gone."""
    put = secretsmanager.put
    with staged(tmp_path, users=USERS, tokens_a_secret=USERS * GRANTS // 8) as stage:
        run = until_the_sweep(stage)

        def dying(*given: Any) -> None:
            if len(written(stage)) == 5:
                raise Killed
            put(*given)

        monkeypatch.setattr(secretsmanager, "put", dying)
        with pytest.raises(Killed):
            run.step(run.plan.step(e.SWEEP.key))
        monkeypatch.setattr(secretsmanager, "put", put)
        run_step(run.run, lock.GIVE)  # as whoever takes it from a run that is gone
        run.record.close()
        assert stage.truth()["security"]["exposed"] == [], "it has closed the hole: the desk shows no finding"
        unnamed = stage.open(stage.prepare(PLAN, Mode.REHEARSE, run_id="unnamed"))
        unnamed.preflight()
        told = {line["what"]: line["why"] for line in lines(unnamed, "finding")}
        assert "unless one of an earlier run is named" in told["finding"]
        wrong = stage.open(stage.prepare(PLAN, Mode.REHEARSE, run_id="wrong", incident={"finding": "SW-1999-001"}))
        with pytest.raises(BadInput, match=r"finding: expected one of none.*seen 'SW-1999-001'"):
            wrong.preflight()
        after = stage.open(stage.prepare(PLAN, run_id="after", facts=SHORT, incident={"finding": "SW-2026-014"}))
        assert carry_out(after, until=after.plan.steps[-1] if EXHAUSTIVE else e.COPIES) is None
        assert "is closed, and named" in after.results[e.DETECT.key].targets[0].why
        assert swept(stage) and stage.truth()["security"]["copies"] == 0
        assert (len(written(stage)), set(written(stage).values())) == (8 + COPIES, {1})
        assert {each.outcome for each in after.results[e.COPIES.key].targets} <= {"DONE", "ALREADY"}


def test_a_quota_of_which_others_take_nine_tenths_should_be_shared(tmp_path: Path) -> None:
    """What is asked for is brought near to what is left, and goes on until nothing old is left."""
    count = 400 if EXHAUSTIVE else 50
    with staged(tmp_path, users=USERS, tokens_a_secret=USERS * GRANTS // count) as stage:
        run = until_the_sweep(stage)
        stage.door.world.state(Secrets).taken_by_others = 45
        began = run.run.clock.now()
        run.step(run.plan.step(e.SWEEP.key))
        took = (run.run.clock.now() - began).total_seconds()
        refused = [line for line in lines(run, "call") if line["call"].endswith("PutSecretValue")][count:]
        stage.sleep(10)
        assert swept(stage)
        assert (len(written(stage)), set(written(stage).values())) == (count + COPIES, {1})
        assert took < 3 * count / 5, "five a second are left"
        assert len(refused) < 3 * count, "it does not hammer a service that is busy"


def test_what_is_not_answered_is_written_once_and_a_second_operator_at_once_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is refused for now has the test of a quota that others share."""
    put, refusals = secretsmanager.put, list[str]()
    with staged(tmp_path, users=USERS, tokens_a_secret=USERS * GRANTS // 8) as stage:
        run = until_the_sweep(stage)
        second = stage.open(stage.prepare(plans.find("e"), run_id="second"))

        def put_beside(*given: Any) -> None:
            try:
                put(*given)
            finally:
                if len(written(stage)) >= 4 and not refusals:
                    with pytest.raises(Refused) as raised:
                        second.preflight()
                    refusals.append(str(raised.value))

        monkeypatch.setattr(secretsmanager, "put", put_beside)
        stage.fault("lost-response", service="secretsmanager", operation="PutSecretValue", share=0.5)
        run.step(run.plan.step(e.SWEEP.key))
        stage.sleep(10)
        assert refusals and "held by" in refusals[0] and run.run.id in refusals[0], refusals
        assert swept(stage)
        assert (len(written(stage)), set(written(stage).values())) == (8 + COPIES, {1})


def test_a_pass_holds_no_more_than_the_next_batch() -> None:
    """Of 5,000, some refused for good: what is alive at any time does not hang on how many there are."""
    alive, most, done, manual = set[int](), 0, set[str](), ManualClock()

    class Seen(Met):
        def __init__(self, name: str) -> None:
            super().__init__(name, name not in done)
            alive.add(id(self))

        def __del__(self) -> None:
            alive.discard(id(self))

    def met(has_written: bool) -> Iterator[Seen]:
        return (Seen(f"{number:05d}") for number in range(5000))

    sweep = Sweep[Seen](manual, SharedPace(manual, 50))
    sweep.look(met, lambda each: False)
    while sweep.left.number:
        sweep.write(sweep.batch, lambda each: done.add(each.name))
        most = max(most, len(alive))
        sweep.look(met, lambda each: False)
    assert (len(done), sweep.done, sweep.all.number, sweep.batch) == (5000, 5000, 5000, ())
    assert most <= BATCH + 2
