"""The time that a run has spent is told whole, also after a restart."""

from __future__ import annotations

import csv

from drcore.engine.consent import Consent
from tests.support.engine_world import Opened, Things, mend
from tests.support.manual_clock import ManualClock


def test_the_time_of_people_before_a_restart_should_be_in_the_verdict(opened: Opened) -> None:
    clock, things = ManualClock(), Things()
    step = mend(things, consent=Consent.GO)

    def person(prompt: str) -> str:
        clock.sleep(15)
        clock.slept -= 15  # nobody waited for the cloud
        return "go"

    run = opened(step, keyboard=person, clock=clock, drill_policy=None)
    run.step(step)
    run.verify()
    assert run.verdict and run.verdict.seconds.human == 15
    run.record.close()

    again = opened(step, keyboard=person, clock=clock, drill_policy=None)
    again.step(step)  # all cells are run: it is found done, and nobody is asked
    again.verify()
    assert again.verdict and again.verdict.seconds.human == 15
    assert len(things.acts) == 2
    with (again.folder / "evidence" / "timeline.csv").open(encoding="utf-8") as table:
        steps = [row for row in csv.DictReader(table) if row["kind"] == "step"]
    assert [(row["outcome"], float(row["human_s"])) for row in steps] == [("DONE", 15.0), ("DONE", 0.0)], "both times"
