"""What follows from a consent is begun with it, and told when it is its step's turn."""

from __future__ import annotations

from drcore.engine.outcome import Outcome
from tests.support.engine_world import REGIONS, Opened, Seen, Things, mend, outcomes

WRITTEN = [(region, "good") for region in REGIONS]


def test_acts_that_were_begun_should_be_seen_through_by_their_own_step(opened: Opened) -> None:
    things = Things()
    lever = mend(things, "Lever")
    run = opened(halt := mend(Things(), "Halt", begins=(lever.name,)), lever)
    run.step(halt)
    assert things.acts == WRITTEN
    run.step(lever)
    assert outcomes(run.results["lever"]) == [Outcome.DONE] * len(REGIONS)
    assert things.acts == WRITTEN, "each once"
    assert [result.before for result in run.results["lever"].targets] == [Seen("bad")] * len(REGIONS)


def test_an_act_that_was_begun_and_does_not_hold_should_be_made_again(opened: Opened) -> None:
    things = Things()
    lever = mend(things, "Lever")
    run = opened(halt := mend(Things(), "Halt", begins=(lever.name,)), lever)
    run.step(halt)
    things.values[REGIONS[1]] = "bad"  # somebody else has changed it back
    run.step(lever)
    assert outcomes(run.results["lever"]) == [Outcome.DONE] * len(REGIONS)
    assert things.acts == [*WRITTEN, WRITTEN[1]]
