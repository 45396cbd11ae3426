"""The lock belongs to a process of a run: a copy of a record is no right to go on, and who lost it acts no more."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drcore.engine import lock, loop
from drcore.engine.consent import Consent
from drcore.engine.outcome import Target, no
from drcore.errors import Refused
from drcore.parameters import Mode
from drcore.record.events import read_events
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support import lock_holders
from tests.support.engine_world import EAST, Things, mend, open_run

Opened = Callable[..., Runbook]


def opened_again(run: Runbook, folder: Path, door: InProcess, typed: str | None = None) -> Runbook:
    return open_run(folder, run.plan, mode=Mode.DRILL, door=door, keyboard=lambda prompt: typed)


def copied(run: Runbook, tmp_path: Path) -> Path:
    """A copy of a run's record: the folder of another machine."""
    elsewhere = tmp_path / "another-machine" / run.run.id
    shutil.copytree(run.run.folder, elsewhere)
    return elsewhere


def held(run: Runbook, door: InProcess) -> Any:
    """The lock, of which each bucket has the same."""
    told = lock_holders.held(partial(door.world.client, "s3"), run.run.service, run.plan.id)
    assert len(told) == 3 and len(set(map(json.dumps, told.values()))) == 1, told
    return told["us-west-2"]


def lost(run: Runbook, door: InProcess) -> None:
    """Somebody else takes the lock of a run."""
    lock_holders.put(partial(door.world.client, "s3"), run.run.service, run.plan.id, "t-9", "bob")


def test_the_same_record_should_take_it_over_from_the_process_before(opened: Opened, door: InProcess) -> None:
    step = mend(things := Things())
    first = opened(step)
    before = held(first, door)
    first.record._file.close()  # as a killed process does
    second = opened_again(first, first.run.folder, door)
    second.preflight()
    assert held(second, door)["process"] != before["process"]
    assert second.run.fencing_token != first.run.fencing_token, "the one before is refused at its next act"
    second.step(step)
    assert len(things.acts) == 2
    second.close()


@pytest.mark.parametrize("typed", [None, "yes", "TAKE OVER t-1"])
def test_a_copied_record_should_not_take_it(opened: Opened, door: InProcess, tmp_path: Path, typed: str | None) -> None:
    first = opened(mend(Things()), drill_policy=None)
    before = held(first, door)
    copy = opened_again(first, copied(first, tmp_path), door, typed)
    with pytest.raises(Refused):
        copy.preflight()
    assert held(first, door) == before
    assert copy.run.fencing_token == ""
    copy.record._file.close()
    lock.fence(first.run, first.plan.steps[0])
    first.close()


def test_a_resume_elsewhere_should_take_it_over_by_a_typed_phrase_and_say_so(
    opened: Opened, door: InProcess, tmp_path: Path
) -> None:
    first = opened(step := mend(things := Things()), drill_policy=None)
    phrase = f"TAKE OVER {first.run.id} FROM {held(first, door)['who']}"
    copy = opened_again(first, copied(first, tmp_path), door, phrase)
    copy.preflight()
    told = [line for line in read_events(copy.run.folder) if line.get("key") == "take-over-the-lock"]
    assert {"consent", "intent", "result"} <= {line["event"] for line in told}
    with pytest.raises(Refused, match="somebody else has taken over"):
        first.step(step)
    assert things.acts == []
    first.close()
    assert held(copy, door)["run_id"] == copy.run.id, "who lost it does not give it back for the other one"
    copy.close()


def test_two_who_take_it_over_at_once_should_not_both_have_it(
    opened: Opened, door: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(mend(Things()), drill_policy=None)
    first.record._file.close()
    second = opened_again(first, first.run.folder, door)
    really = lock.look
    looked: list[lock.Holders] = []

    def late(run: Any, target: Target) -> lock.Holders:
        seen = really(run, target)
        if not looked:  # between this look and the act that follows from it somebody else takes it
            looked.append(seen)
            lost(first, door)
        return seen

    monkeypatch.setattr(lock, "TAKE", replace(lock.TAKE, look=late))
    with pytest.raises(Refused, match="held by bob for run t-9"):
        second.preflight()
    second.record._file.close()
    assert held(first, door)["who"] == "bob"


def test_who_lost_it_should_not_be_asked_for_a_consent(opened: Opened, door: InProcess) -> None:
    asked: list[str] = []
    step = mend(things := Things(), consent=Consent.GO)
    run = opened(step, drill_policy=None, keyboard=asked.append)
    lost(run, door)
    with pytest.raises(Refused, match="somebody else has taken over"):
        run.step(step)
    assert (asked, things.acts) == ([], [])


def test_who_lost_it_after_an_act_should_not_back_out_of_it(opened: Opened, door: InProcess) -> None:
    """Whoever has taken over sees to it: this one's back-out might undo what they have done."""
    things = Things(before_act=lambda _: lost(run, door))
    step = mend(
        things,
        targets=lambda _: [EAST],
        expect=lambda run, target, seen: no("not good enough"),
        back_out=lambda run, target, seen: things.write(run, target, "bad"),
    )
    run = opened(step)
    with pytest.raises(Refused, match="somebody else has taken over"):
        loop.run_step(run.run, step)
    assert things.acts == [("us-east-1", "good")]
