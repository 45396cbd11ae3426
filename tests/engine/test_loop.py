"""The loop: one act at a time, looked up after it, never done twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from drcore.calls.gate import Plane
from drcore.engine import loop
from drcore.engine.context import Run
from drcore.engine.outcome import Between, Check, Outcome, Target, never, no, unknown, yes
from drcore.errors import Busy, DrcoreError, Rejected, StepFailed, Unknown
from drcore.run.runbook import Runbook
from tests.support.engine_world import (
    EAST,
    REGIONS,
    WEST,
    Opened,
    Seen,
    Things,
    events,
    is_good,
    mend,
    outcomes,
)
from tests.support.manual_clock import ManualClock

# ── outcomes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_so_already_should_not_be_done_again(opened: Opened) -> None:
    things = Things(dict.fromkeys(REGIONS, "good"))
    result = loop.run_step(opened(mend(things)).run, mend(things))
    assert outcomes(result) == [Outcome.ALREADY, Outcome.ALREADY] and result.outcome is Outcome.ALREADY
    assert things.acts == [] and result.given is None, "nobody is asked for what need not be done"


def test_what_is_not_so_should_be_done_once_in_each_region(opened: Opened) -> None:
    things = Things()
    step = mend(things)
    run = opened(step)
    result = loop.run_step(run.run, step)
    assert result.outcome is Outcome.DONE
    assert things.acts == [("us-east-1", "good"), ("us-west-2", "good")]
    assert [(each.before, each.after) for each in result.targets] == [(Seen("bad"), Seen("good"))] * 2
    assert [call.operation for call in result.calls if call.write] == ["Write", "Write"]
    assert result.calls[-1].plane is Plane.CONTROL


def test_one_region_done_and_the_other_not_should_be_a_state_with_a_name(opened: Opened) -> None:
    things = Things(troubles=[Rejected("no", "AccessDenied")])
    step = mend(things)
    run = opened(step)
    with pytest.raises(StepFailed, match=r"Mend is FAILED: in us-east-1: no; then seen: it is bad"):
        run.step(step)
    result = run.results[step.key]
    assert outcomes(result) == [Outcome.FAILED, Outcome.DONE] and result.outcome is Outcome.FAILED
    assert result.since is None, "not all of it is well"
    assert things.values == {"us-east-1": "bad", "us-west-2": "good"}


def test_the_other_region_should_be_left_alone_when_it_is_done_already(opened: Opened) -> None:
    things = Things({"us-east-1": "good", "us-west-2": "bad"})
    step = mend(things)
    assert outcomes(loop.run_step(opened(step).run, step)) == [Outcome.ALREADY, Outcome.DONE]
    assert things.acts == [("us-west-2", "good")]


def test_what_does_not_come_about_in_time_should_be_failed(opened: Opened) -> None:
    clock = ManualClock()
    things = Things()
    step = mend(things, act=lambda run, target, seen: things.write(run, target, "worse"))
    result = loop.run_step(opened(step, clock=clock).run, step)
    assert outcomes(result) == [Outcome.FAILED] * 2 and "it is worse" in result.why
    assert len(things.acts) == 2, "an act that was answered is not repeated"
    assert result.seconds.cloud == 60


def test_what_comes_about_late_should_be_waited_for(opened: Opened) -> None:
    things = Things(late=3)
    step = mend(things, targets=lambda run: [EAST])
    clock = ManualClock()
    result = loop.run_step(opened(step, clock=clock).run, step)
    assert result.outcome is Outcome.DONE and things.acts == [("us-east-1", "good")]
    assert result.seconds.cloud == 15


@pytest.mark.parametrize(
    "trouble", [Unknown("no answer"), Rejected("denied", "AccessDenied"), Busy("later", "Throttling")]
)
def test_what_cannot_be_seen_should_be_unknown_and_left_alone(opened: Opened, trouble: Any) -> None:
    things = Things(away={"us-east-1": [trouble] * 99})
    step = mend(things)
    run = opened(step)
    result = loop.run_step(run.run, step)
    assert outcomes(result) == [Outcome.UNKNOWN, Outcome.DONE] and result.outcome is Outcome.UNKNOWN
    assert things.acts == [("us-west-2", "good")]


def test_an_unknown_check_should_never_be_acted_upon(opened: Opened) -> None:
    things = Things()
    step = mend(things, expect=lambda run, target, seen: unknown("the metric is missing"))
    result = loop.run_step(opened(step).run, step)
    assert outcomes(result) == [Outcome.UNKNOWN] * 2 and things.acts == []


def test_targets_that_cannot_be_told_should_be_unknown(opened: Opened) -> None:
    def targets(run: Runbook) -> list[Target]:
        raise Unknown("the manifest cannot be read")

    things = Things()
    step = mend(things, targets=targets)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.UNKNOWN and "manifest" in result.why and things.acts == []


def test_never_should_stop_a_step_before_its_act(opened: Opened) -> None:
    things = Things()
    step = mend(things, expect=lambda run, target, seen: never("the data has changed"))
    result = loop.run_step(opened(step).run, step)
    assert outcomes(result) == [Outcome.FAILED] * 2 and things.acts == []


@pytest.mark.parametrize("changes", [{"repeat": True}, {}])
def test_never_after_an_act_should_stop_it_from_being_tried_again(opened: Opened, changes: dict[str, Any]) -> None:
    def expect(run: Runbook, target: Target, seen: Seen) -> Check:
        return never("it is beyond repair") if len(things.acts) else no("not yet")

    things = Things(troubles=[] if changes else [Unknown("lost")], lost=True)
    step = mend(things, expect=expect, targets=lambda run: [EAST], **changes)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and "beyond repair" in result.why
    assert len(things.acts) == 1


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_answer_should_be_looked_up_before_anything_is_repeated(opened: Opened) -> None:
    things = Things(troubles=[Unknown("the answer was lost")], lost=True)
    step = mend(things, targets=lambda run: [EAST])
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE
    assert things.acts == [("us-east-1", "good")], "it was done, so it is not done again"


@pytest.mark.parametrize(("fails", "outcome", "acts"), [(1, "DONE", 2), (2, "DONE", 3), (9, "FAILED", 3)])
def test_an_act_without_effect_should_be_tried_three_times_at_most(
    opened: Opened, fails: int, outcome: str, acts: int
) -> None:
    things = Things(troubles=[Unknown("no answer")] * fails)
    step = mend(things, targets=lambda run: [EAST])
    run = opened(step)
    result = loop.run_step(run.run, step)
    assert result.outcome is Outcome(outcome) and len(things.acts) == acts
    tries = [line["try"] for line in run.record.events if line["event"] == "intent" and line["step"] == "Mend"]
    assert tries == list(range(1, acts + 1)), "each has its own intent"
    if outcome == "FAILED":
        assert "no answer" in result.why and "then seen: it is bad" in result.why


def test_a_refusal_should_not_be_repeated(opened: Opened) -> None:
    things = Things(troubles=[Rejected("no", "AccessDenied")])
    step = mend(things, targets=lambda run: [EAST])
    assert loop.run_step(opened(step).run, step).outcome is Outcome.FAILED
    assert len(things.acts) == 1


def test_a_refusal_of_what_is_so_nevertheless_should_be_done(opened: Opened) -> None:
    """The client's own second try is answered with 412: the first one did it."""
    things = Things(troubles=[Rejected("it exists", "PreconditionFailed")], lost=True)
    step = mend(things, targets=lambda run: [EAST])
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE and len(things.acts) == 1


def test_a_look_that_fails_after_the_act_should_be_unknown_not_done(opened: Opened) -> None:
    def act(run: Run[Any, Any], target: Target, seen: Seen) -> None:
        things.write(run, target, "good")
        things.answers = [Unknown("away")] * 9

    things = Things()
    step = mend(things, targets=lambda run: [EAST], within=10, act=act)
    assert loop.run_step(opened(step).run, step).outcome is Outcome.UNKNOWN
    assert len(things.acts) == 1


# ── more than one batch, and holding ─────────────────────────────────────────────────────────────────────────────────


def test_batches_should_go_on_until_nothing_is_left(opened: Opened) -> None:
    things = Things({"us-east-1": "3", "us-west-2": "good"})
    step = mend(
        things,
        repeat=True,
        act=lambda run, target, seen: things.write(
            run, target, str(int(seen.value) - 1) if seen.value != "1" else "good"
        ),
    )
    run = opened(step)
    assert outcomes(loop.run_step(run.run, step)) == [Outcome.DONE, Outcome.ALREADY]
    assert [value for _, value in things.acts] == ["2", "1", "good"]
    assert events(run, "intent") == [("intent", "us-east-1")] * 3


def test_each_batch_should_have_attempts_of_its_own(opened: Opened) -> None:
    """No batch is answered, and each was done all the same."""
    things = Things({"us-east-1": "5", "us-west-2": "good"}, troubles=[Unknown("lost") for _ in range(5)], lost=True)
    step = mend(
        things,
        repeat=True,
        act=lambda run, target, seen: things.write(
            run, target, str(int(seen.value) - 1) if seen.value != "1" else "good"
        ),
    )
    assert loop.run_step(opened(step).run, step).outcome is Outcome.DONE
    assert [value for _, value in things.acts] == ["4", "3", "2", "1", "good"]


def test_batches_that_move_nothing_should_end(opened: Opened) -> None:
    things = Things()
    step = mend(
        things, repeat=True, act=lambda run, target, seen: things.write(run, target, "bad"), targets=lambda run: [EAST]
    )
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and len(things.acts) == 1
    assert result.seconds.cloud == 30, "the last batch is given the step's whole time"


def test_good_should_hold_before_it_is_believed(opened: Opened) -> None:
    things = Things(answers=["good", "bad", "good", "bad"], values=dict.fromkeys(REGIONS, "good"))
    clock = ManualClock()
    step = mend(things, act=None, targets=lambda run: [EAST], hold=20)
    run = opened(step, clock=clock)
    began = clock.now()
    result = loop.run_step(run.run, step)
    assert result.outcome is Outcome.DONE, "not ALREADY: it was seen to be bad"
    assert (clock.now() - began).total_seconds() == 40
    assert result.settled == Between(began + timedelta(seconds=15), began + timedelta(seconds=20)), "between two looks"


def test_what_flaps_to_the_end_should_be_failed(opened: Opened) -> None:
    things = Things(answers=["good", "bad"] * 20)
    step = mend(things, act=None, targets=lambda run: [EAST], hold=20)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and result.since is None


def test_what_did_not_hold_should_say_so_and_how_many_looks_had_no_answer(opened: Opened) -> None:
    """Else it is FAILED for nothing but good words."""
    silent: list[DrcoreError] = [Unknown("throttled") for _ in range(50)]
    things = Things(values=dict.fromkeys(REGIONS, "good"), away={"us-west-2": silent})
    step = mend(things, act=None, hold=20, within=60)
    east, west = loop.run_step(opened(step).run, step).targets
    assert (east.outcome, west.outcome) == (Outcome.FAILED, Outcome.UNKNOWN)
    assert east.why == (
        "it is good; but not all were so at the same time, for 20 s on end; 13 of 26 looks got no answer"
    )


@pytest.mark.parametrize("changes", [{"repeat": True}, {}])
def test_what_was_found_done_should_hold_as_well(opened: Opened, changes: dict[str, Any]) -> None:
    """After a last batch, or an answer that was lost, it must last as long as after any other act."""
    things = Things(troubles=[] if changes else [Unknown("lost")], lost=True)
    step = mend(things, targets=lambda run: [EAST], hold=20, **changes)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.DONE and result.seconds.cloud == 20


def test_all_regions_should_be_good_at_the_same_time(opened: Opened) -> None:
    things = Things(answers=["good", "bad", "bad", "good", "good", "good"], values=dict.fromkeys(REGIONS, "good"))
    step = mend(things, act=None)
    result = loop.run_step(opened(step).run, step)
    assert outcomes(result) == [Outcome.DONE, Outcome.DONE] and result.seconds.cloud == 10


@pytest.mark.parametrize("other", ["bad", Unknown("the region is away")])
def test_one_should_do_where_one_is_enough(opened: Opened, other: Any) -> None:
    things = Things(answers=[other, "good"])
    step = mend(things, act=None, one_is_enough=True, gate=False)
    result = loop.run_step(opened(step).run, step)
    assert result.outcome is Outcome.ALREADY and "us-west-2" in result.why and result.since is not None
    assert result.seconds.cloud == 0
    assert outcomes(result)[0] in (Outcome.SKIPPED, Outcome.UNKNOWN), "and what the other is, is shown"


def test_none_should_not_do_where_one_is_enough(opened: Opened) -> None:
    things = Things()
    step = mend(things, act=None, one_is_enough=True)
    assert loop.run_step(opened(step).run, step).outcome is Outcome.FAILED


def test_a_question_should_not_stop_the_plan_when_its_answer_is_no(opened: Opened) -> None:
    things = Things()
    step = mend(things, act=None, gate=False)
    run = opened(step)
    assert loop.run_step(run.run, step).outcome is Outcome.SKIPPED
    things.answers = [Unknown("away")] * 99
    assert loop.run_step(run.run, step).outcome is Outcome.UNKNOWN, "but no answer is no no"


def test_a_check_should_be_asked_about_what_was_looked_at(opened: Opened) -> None:
    """`expect` reads nothing: the journal holds what it was given, so that a verdict can be reckoned again."""
    things = Things()
    step = mend(things, targets=lambda run: [EAST])
    run = opened(step)
    run.step(step)
    looks = [line for line in run.record.events if line["event"] == "look" and line["step"] == "Mend"]
    assert [(line["state"], line["check"]) for line in looks] == [({"value": "bad"}, "no"), ({"value": "good"}, "yes")]
    for line in looks:
        assert is_good(run.run, EAST, step.from_json(line["state"])).answer == line["check"]
    assert yes("x").answer == "yes"


def test_a_target_that_depends_on_one_that_failed_is_not_tried_and_the_others_are(opened: Opened) -> None:
    things = Things(troubles=[Rejected("not now", "AccessDenied")] * 9)
    step = mend(things, depends_on=lambda run, target: [EAST] if target == WEST else [], within=0)
    result = loop.run_step(opened(step).run, step)
    assert [(each.target, each.outcome) for each in result.targets] == [(EAST, Outcome.FAILED), (WEST, Outcome.SKIPPED)]
    assert "it depends on in us-east-1, which is FAILED" in result.targets[1].why
    assert {region for region, _ in things.acts} == {"us-east-1"}


def test_one_refusal_keeps_no_other_target_from_being_tried(opened: Opened) -> None:
    things = Things(troubles=[Rejected("not now", "AccessDenied")])
    step = mend(things, within=0)
    result = loop.run_step(opened(step).run, step)
    assert [each.outcome for each in result.targets] == [Outcome.FAILED, Outcome.DONE]
