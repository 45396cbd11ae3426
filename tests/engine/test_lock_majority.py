"""The lock is held by a majority of three buckets: the loss of one region neither blocks a plan nor splits its lock."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest

from drcore.engine import votes
from drcore.errors import DrcoreError, Refused, Rejected
from drcore.parameters import Mode
from drcore.run.runbook import Runbook
from drcore.sandbox.core.outages import Outage, OutageKind, Regions
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import s3
from tests.support import lock_holders
from tests.support.engine_world import Things, mend, open_run

Opened = Callable[..., Runbook]
EACH = ("us-east-1", "us-west-2", "us-east-2")


@contextmanager
def away(door: InProcess, region: str) -> Iterator[None]:
    """A region gives no answer, to nobody."""
    if not region:
        yield
        return
    end = door.world.state(Regions).begin(Outage(region, OutageKind.ERROR, door.world.clock.now()))
    try:
        yield
    finally:
        end()


def held(run: Runbook, door: InProcess) -> dict[str, str]:
    """By region the run that each bucket names."""
    told = lock_holders.held(partial(door.world.client, "s3"), run.run.service, run.plan.id)
    return {region: vote["run_id"] for region, vote in told.items()}


def another(run: Runbook, door: InProcess, tmp_path: Path, name: str, runner: str) -> Runbook:
    return open_run(tmp_path / name, run.plan, mode=Mode.DRILL, door=door, runner_region=runner)


@pytest.mark.parametrize("region", EACH)
def test_a_region_that_is_away_should_neither_block_the_lock_nor_split_it(
    opened: Opened, door: InProcess, tmp_path: Path, region: str
) -> None:
    runner = "us-east-1" if region == "us-west-2" else "us-west-2"
    step = mend(things := Things())
    with away(door, region):
        run = opened(step, runner_region=runner)
        run.step(step)
        assert len(things.acts) == 2
        assert held(run, door) == {each: "t-1" for each in EACH if each != region}
        other = another(run, door, tmp_path, "t-2", runner)
        with pytest.raises(Refused, match=r"held by .* for run t-1"):
            other.preflight()
    with pytest.raises(Refused, match=r"held by .* for run t-1"):
        other.preflight()  # the region is back, and its bucket is free
    assert held(run, door) == {each: "t-1" for each in EACH if each != region}, "who is refused leaves nothing"
    run.close()
    assert held(run, door) == {}
    other.preflight()
    assert held(run, door) == dict.fromkeys(EACH, "t-2")
    other.close()
    assert held(run, door) == {}


@pytest.mark.parametrize("region", EACH)
def test_what_is_left_in_a_region_that_was_away_should_block_nobody(
    opened: Opened, door: InProcess, tmp_path: Path, region: str
) -> None:
    """Nor should it where another region is away next: who has a majority takes what was left over."""
    runner = "us-east-1" if region == "us-west-2" else "us-west-2"
    run = opened(mend(Things()), runner_region=runner)
    with away(door, region):
        run.close()
    assert held(run, door) == {region: "t-1"}
    other = another(run, door, tmp_path, "t-2", runner)
    other.preflight()
    assert held(run, door) == dict.fromkeys(EACH, "t-2")
    other.close()
    assert held(run, door) == {}


@pytest.mark.parametrize("region", EACH)
def test_a_region_that_goes_away_while_a_run_is_at_work_should_not_stop_its_acts(
    opened: Opened, door: InProcess, region: str
) -> None:
    runner = "us-east-1" if region == "us-west-2" else "us-west-2"
    step = mend(things := Things())
    run = opened(step, runner_region=runner)
    with away(door, region):
        run.step(step)
    assert len(things.acts) == 2
    run.close()


def test_no_majority_that_answers_should_be_no_lock(opened: Opened, door: InProcess) -> None:
    run = opened(mend(Things()), preflight=False)
    with away(door, "us-east-1"), away(door, "us-east-2"), pytest.raises(Refused, match="cannot be read"):
        run.preflight()
    assert held(run, door) == {}
    run.preflight()
    step = mend(Things())
    with away(door, "us-west-2"), away(door, "us-east-2"), pytest.raises(Refused, match="cannot be read"):
        run.step(run.plan.steps[0])
    assert step.act
    run.close()


@contextmanager
def refusing(door: InProcess, operation: str, *regions: str) -> Iterator[None]:
    """S3 denies one operation in some regions, and answers all others."""
    for region in regions:
        denied = {"service": "s3", "operation": operation, "region": region}
        assert door.request("POST", "/_sandbox/faults", {"name": "access-denied", "options": denied})[0] == 200
    try:
        yield
    finally:
        assert door.request("DELETE", "/_sandbox/faults/access-denied")[0] == 200


def test_a_minority_that_was_got_should_be_given_back(opened: Opened, door: InProcess) -> None:
    """All buckets are free and can be read; two take no object: what the first one has would be in others' way."""
    run = opened(mend(Things()), preflight=False)
    with refusing(door, "PutObject", *EACH[1:]), pytest.raises(Refused):
        run.preflight()
    assert held(run, door) == {}
    run.preflight()
    assert held(run, door) == dict.fromkeys(EACH, "t-1")
    run.close()


def test_what_cannot_be_given_back_should_be_told_after_the_others_were(opened: Opened, door: InProcess) -> None:
    run = opened(mend(Things()))
    own = votes.read_all(run.run.aws, run.plan.id, run.run.service)
    allowed = run.run.calls.during(run.run.calls.writes.ALLOWED)
    with refusing(door, "DeleteObject", EACH[0]), allowed, pytest.raises(Rejected):
        votes.give_up(run.run.aws, run.plan.id, own)
    assert held(run, door) == {EACH[0]: "t-1"}
    run.close()
    assert held(run, door) == {}


@pytest.mark.parametrize("odd", [[], {}, {"run_id": ""}, {"run_id": 7}, "t-9", None, {"run_id": "t-9", "who": None}])
def test_a_lock_of_another_shape_should_be_no_answer(opened: Opened, door: InProcess, odd: object) -> None:
    """In one bucket it blocks nobody; in two nobody knows whose it is."""
    run = opened(mend(Things()), preflight=False)
    for number, (region, bucket) in enumerate(votes.places(run.run.service)[:2], start=1):
        client = door.world.client("s3", region)
        client.put_object(Bucket=bucket, Key=votes.key(run.plan.id), Body=json.dumps(odd))
        if number == 1:
            run.preflight()
            run.close()
    again = open_run(run.run.folder.parent / "t-2", run.plan, mode=Mode.DRILL, door=door)
    with pytest.raises(Refused, match=r"cannot be read.*expected a lock at s3://"):
        again.preflight()
    again.record._file.close()


class Turns:
    """Two threads, each of which writes only when it is its turn."""

    def __init__(self, order: str) -> None:
        self.order, self.over = list(order), set[str]()
        self.changed = Condition()

    def take(self, name: str) -> None:
        with self.changed:
            while self.order and self.order[0] != name and self.order[0] not in self.over:
                self.changed.wait()
            while self.order and self.order[0] in self.over:
                self.order.pop(0)
            if self.order:
                self.order.pop(0)
            self.changed.notify_all()

    def end(self, name: str) -> None:
        with self.changed:
            self.over.add(name)
            self.changed.notify_all()


@pytest.mark.parametrize("region", ["", *EACH])
def test_of_two_who_race_at_most_one_should_have_it_and_the_other_leave_nothing(
    opened: Opened, door: InProcess, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    """Each order in which their first writes can come, with each region away."""
    run = opened(mend(Things()), preflight=False)
    really, service, plan = s3.put_if, run.run.service, run.plan.id
    won: list[str] = []
    for order in map("".join, itertools.product("ab", repeat=4)):
        turns = Turns(order)

        def put_if(*args: Any, turns: Turns = turns) -> None:
            turns.take(args[4]["who"])
            really(*args)

        monkeypatch.setattr(s3, "put_if", put_if)
        got: dict[str, int] = {}
        with away(door, region):
            seen = votes.read_all(run.run.aws, plan, service)
            with run.run.calls.during(run.run.calls.writes.ALLOWED):
                threads = [Thread(target=_claim, args=(run, name, seen, got, turns)) for name in "ab"]
                for each in threads:
                    each.start()
                for each in threads:
                    each.join()
        told = lock_holders.held(partial(door.world.client, "s3"), service, plan)
        winners = [name for name in "ab" if got[name] >= 2]
        assert len(winners) == 1, (order, got)
        assert {vote["who"] for vote in told.values()} == set(winners) and len(told) >= 2, (order, told)
        won += winners
        for place in votes.places(service):
            door.world.client("s3", place[0]).delete_object(Bucket=place[1], Key=votes.key(plan))
    assert set(won) == {"a", "b"}, "either can be first"


def _claim(run: Runbook, name: str, seen: tuple[votes.Vote, ...], got: dict[str, int], turns: Turns) -> None:
    aws, plan, service = run.run.aws, run.plan.id, run.run.service
    try:
        got[name] = votes.claim(aws, plan, votes.Claim(name, name, "now", name, name), seen, (), 2)
    except DrcoreError:
        got[name] = 0
        turns.end(name)
        own = [vote for vote in votes.read_all(aws, plan, service) if vote.process == name]
        votes.give_up(aws, plan, own)
    turns.end(name)
