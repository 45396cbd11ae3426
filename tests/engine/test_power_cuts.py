"""A power cut at any line of the journal: the record is true, and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.outcome import Target
from drcore.errors import Unknown
from drcore.parameters import Mode
from drcore.record.events import read_events
from drcore.record.files import JOURNAL
from drcore.record.journal import Record
from drcore.record.proof import verify
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support.engine_world import REGIONS, Seen, Things, mend, open_run, plan_of
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.forgetful_disk import ForgetfulDisk, Image

LONGEST = 200  # lines; the journal of this run is shorter
# Each line before and right after it is written; else every seventh before, of which some come between two acts.
CUTS = range(1, LONGEST) if EXHAUSTIVE else range(3, 90, 7)


class PowerCut(BaseException):
    """Nothing of this process goes on after it."""


class Cut:
    """The power goes at one line of the journal: before it is written, or right after, when it may be on no platter."""

    def __init__(self, disk: ForgetfulDisk, line: int, *, after: bool) -> None:
        self.disk, self.line, self.after = disk, line, after
        self.image: Image | None = None
        self.record: Record | None = None  # the one that is written, for what a process gives back when it ends
        self._append = Record.append

    def install(self, patch: pytest.MonkeyPatch) -> None:
        cut = self

        def append(record: Record, *args: Any, **named: Any) -> Any:
            cut.record = record
            if cut.image is not None:
                raise PowerCut
            if len(record.events) + 1 == cut.line and not cut.after:
                cut.now()
            told = cut._append(record, *args, **named)
            if len(record.events) == cut.line and cut.after:
                cut.now()
            return told

        patch.setattr(Record, "append", append)

    def now(self) -> None:
        self.image = self.disk.image()
        raise PowerCut


def carried_out(run: Runbook) -> None:
    run.preflight()
    for step in run.plan.steps:
        run.step(step)
    run.close()


@pytest.mark.parametrize("after", [False, True] if EXHAUSTIVE else [False])
@pytest.mark.parametrize("line", CUTS)
def test_after_a_power_cut_the_record_is_true_and_nothing_is_done_twice(
    opened: Callable[..., Runbook], door: InProcess, tmp_path: Path, line: int, after: bool
) -> None:
    things = Things(troubles=[Unknown("the answer was lost")], lost=True)
    folder = tmp_path / "t-1"
    with pytest.MonkeyPatch.context() as patch:
        disk = ForgetfulDisk(folder, patch)
        cut = Cut(disk, line, after=after)
        cut.install(patch)
        run = None
        try:
            run = opened(mend(things), preflight=False)
            carried_out(run)
        except PowerCut:
            pass
    if cut.image is None:
        assert line > len(read_events(folder)), "the run has ended before this line"
        return
    acts = list(things.acts)
    assert cut.record
    cut.record._file.close()
    assert cut.image, "the record's own name is on disk"
    disk.restore(cut.image)

    if (folder / JOURNAL).stat().st_size:
        told = [json.loads(each) for each in (folder / JOURNAL).read_bytes().splitlines()]
        intended = [each["region"] for each in told if each["event"] == "intent" and each["key"] == "mend"]
        assert [region for region, _ in acts if region not in intended] == [], "an act of which nothing is known"
    elif acts:
        pytest.fail("acts of which nothing is known")
    plan = run.plan if run else plan_of(mend(things), id_=f"t{abs(hash(tmp_path))}")
    again = open_run(folder, plan, mode=Mode.DRILL, door=door)
    carried_out(again)
    assert things.acts == [(region, "good") for region in REGIONS], "each once"
    assert verify(folder).holds, verify(folder)


def test_the_id_of_what_an_act_has_set_in_motion_should_be_on_disk_before_anything_else_is_asked(
    opened: Callable[..., Runbook], tmp_path: Path
) -> None:
    """By it the next process asks for what this one has started, and starts it not once more."""
    things, images = Things(), list[Image]()

    def start(run: Any, target: Target, seen: Seen) -> str:
        things.write(run, target, "good")
        return f"job in {target.region}"

    def look(run: Any, target: Target) -> Seen:
        if len(things.acts) == len(REGIONS):
            images.append(disk.image())
        return things.look(run, target)

    with pytest.MonkeyPatch.context() as patch:
        disk = ForgetfulDisk(tmp_path / "t-1", patch)
        run = opened(mend(things, act=start, look=look))
        run.step(run.plan.steps[0])
    kept = [json.loads(line) for line in images[0][JOURNAL].splitlines()]
    started = [line["answer"] for line in kept if line["event"] == "acted" and line["key"] == "mend"]
    assert started == [f"job in {region}" for region in REGIONS]
