"""What a step lets others know while it is carried out: each look, each phase, each line of the journal."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import pytest

from drcore.engine import loop
from drcore.engine.consent import Consent
from drcore.engine.outcome import no
from drcore.engine.progress import Phase, StepProgress
from drcore.errors import Rejected, Unknown
from tests.support.engine_world import EAST, REGIONS, WEST, Opened, Seen, Things, events, mend

OF_A_STEP = ("consent", "look", "intent", "acted", "act-failed", "result")
BACKING_OUT = ("back-out-intent", "backed-out", "back-out-failed")


def test_each_look_should_be_kept_with_its_time_and_its_target(opened: Opened) -> None:
    step = mend(Things())
    run = opened(step)
    run.step(step)
    looks = run.run.looks(step.name)
    for target in (EAST, WEST):
        seen = [state for _, at, state in looks if at == target]
        assert (seen[0], seen[-1]) == (Seen("bad"), Seen("good"))
    assert [at for at, _, _ in looks] == sorted(at for at, _, _ in looks)


def test_each_phase_should_be_told_when_it_begins(opened: Opened) -> None:
    progress = list[StepProgress]()
    step = mend(Things(late=1), consent=Consent.GO)
    loop.run_step(opened(step).run, step, tell=progress.append)
    phases = [phase for phase, _ in groupby(moment.phase for moment in progress)]
    assert phases == [Phase.LOOKING, Phase.ASKING, *[Phase.ACTING, Phase.WAITING] * len(REGIONS)]
    acting = [moment.target for moment in progress if moment.phase is Phase.ACTING]
    assert acting == [EAST, WEST]


def test_a_region_that_is_asked_again_should_be_told_as_waited_for(opened: Opened) -> None:
    progress = list[StepProgress]()
    step = mend(Things(away={"us-east-1": [Unknown("silence")]}), targets=lambda run: [EAST])
    loop.run_step(opened(step).run, step, tell=progress.append)
    assert [moment.phase for moment in progress[:2]] == [Phase.LOOKING, Phase.WAITING]
    assert progress[1].states == {EAST: Seen("bad")}


def test_a_step_should_leave_its_lines_in_the_journal(opened: Opened) -> None:
    """One region answers late, and its act is lost; the other's is set in motion by an id."""
    things = Things(away={"us-east-1": [Unknown("silence")]})

    def act(run: Any, target: Any, seen: Seen) -> str:
        if target == EAST:
            things.troubles, things.lost = [Unknown("lost")], True
        things.write(run, target, "good")
        return f"job in {target.region}"

    step = mend(things, act=act)
    run = opened(step)
    run.step(step)
    east, west = REGIONS
    assert events(run, *OF_A_STEP) == [
        *(("look", west), ("consent", ""), ("intent", west), ("acted", west), ("look", west), ("result", west)),
        *(("look", east), ("consent", ""), ("intent", east), ("act-failed", east), ("look", east), ("result", east)),
    ]


@pytest.mark.parametrize("trouble", [None, Rejected("denied", "AccessDenied")])
def test_backing_out_should_leave_its_lines_in_the_journal(opened: Opened, trouble: Rejected | None) -> None:
    things = Things()

    def back_out(run: Any, target: Any, seen: Seen) -> None:
        things.troubles = [trouble] if trouble else []
        things.write(run, target, "bad")

    step = mend(
        things, targets=lambda run: [EAST], expect=lambda run, target, seen: no("not good enough"), back_out=back_out
    )
    run = opened(step)
    loop.run_step(run.run, step)
    ended = "back-out-failed" if trouble else "backed-out"
    assert [kind for kind, _ in events(run, *BACKING_OUT)] == ["back-out-intent", ended]
    assert things.acts[-1] == ("us-east-1", "bad")
