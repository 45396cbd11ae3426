"""What each look of a step saw is kept, as charts and later looks go by it."""

from __future__ import annotations

from tests.support.engine_world import EAST, WEST, Opened, Seen, Things, mend


def test_each_look_should_be_kept_with_its_time_and_its_target(opened: Opened) -> None:
    step = mend(Things())
    run = opened(step)
    run.step(step)
    looks = run.run.looks(step.name)
    for target in (EAST, WEST):
        seen = [state for _, at, state in looks if at == target]
        assert (seen[0], seen[-1]) == (Seen("bad"), Seen("good"))
    assert [at for at, _, _ in looks] == sorted(at for at, _, _ in looks)
