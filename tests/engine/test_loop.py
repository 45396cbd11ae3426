"""The loop: one act at a time, on disk before it is done, looked up after it, never done twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.gate import Plane
from drcore.engine import loop
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Check, Outcome, StepResult, Target, TargetResult, never, no, unknown, yes
from drcore.engine.step import Step
from drcore.errors import Busy, Missing, Refused, Rejected, RollbackFailed, StepFailed, Unknown
from drcore.parameters import Mode
from drcore.record.events import Kind, read_events
from drcore.record.files import JOURNAL
from drcore.record.proof import verify
from drcore.run.runbook import Runbook
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support.manual_clock import ManualClock
from tests.support.tiny import REGIONS, Seen, Things, is_good, mend, open_run, plan_of

EAST, WEST = map(Target, REGIONS)
Opened = Callable[..., Runbook]


def outcomes(result: StepResult) -> list[Outcome]:
    return [each.outcome for each in result.targets]


def events(run: Runbook, *kinds: str) -> list[tuple[str, str]]:
    """The journal's lines of some kinds about the steps of a test, with their targets."""
    return [
        (line["event"], line.get("target", "").removeprefix("in "))
        for line in run.record.events
        if line["event"] in kinds and line.get("step") not in ("Take the lock", "Give the lock back")
    ]


# ── outcomes ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_so_already_should_not_be_done_again(opened: Opened) -> None:
    things = Things(dict.fromkeys(REGIONS, "good"))
    result = loop.carry(opened(mend(things)).run, mend(things))
    assert outcomes(result) == [Outcome.ALREADY, Outcome.ALREADY] and result.outcome is Outcome.ALREADY
    assert things.acts == [] and result.given is None, "nobody is asked for what need not be done"


def test_what_is_not_so_should_be_done_once_in_each_region(opened: Opened) -> None:
    things = Things()
    step = mend(things)
    run = opened(step)
    result = loop.carry(run.run, step)
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
    assert outcomes(loop.carry(opened(step).run, step)) == [Outcome.ALREADY, Outcome.DONE]
    assert things.acts == [("us-west-2", "good")]


def test_what_does_not_come_about_in_time_should_be_failed(opened: Opened) -> None:
    clock = ManualClock()
    things = Things()
    step = mend(things, act=lambda run, target, seen: things.write(run, target, "worse"))
    result = loop.carry(opened(step, clock=clock).run, step)
    assert outcomes(result) == [Outcome.FAILED] * 2 and "it is worse" in result.why
    assert len(things.acts) == 2, "an act that was answered is not repeated"
    assert result.seconds.cloud == 60


def test_what_comes_about_late_should_be_waited_for(opened: Opened) -> None:
    things = Things(late=3)
    step = mend(things, targets=lambda run: [EAST])
    clock = ManualClock()
    result = loop.carry(opened(step, clock=clock).run, step)
    assert result.outcome is Outcome.DONE and things.acts == [("us-east-1", "good")]
    assert result.seconds.cloud == 15


@pytest.mark.parametrize(
    "trouble", [Unknown("no answer"), Rejected("denied", "AccessDenied"), Busy("later", "Throttling")]
)
def test_what_cannot_be_seen_should_be_unknown_and_left_alone(opened: Opened, trouble: Any) -> None:
    things = Things(away={"us-east-1": [trouble] * 99})
    step = mend(things)
    run = opened(step)
    result = loop.carry(run.run, step)
    assert outcomes(result) == [Outcome.UNKNOWN, Outcome.DONE] and result.outcome is Outcome.UNKNOWN
    assert things.acts == [("us-west-2", "good")]


def test_an_unknown_check_should_never_be_acted_upon(opened: Opened) -> None:
    things = Things()
    step = mend(things, expect=lambda run, target, seen: unknown("the metric is missing"))
    result = loop.carry(opened(step).run, step)
    assert outcomes(result) == [Outcome.UNKNOWN] * 2 and things.acts == []


def test_targets_that_cannot_be_told_should_be_unknown(opened: Opened) -> None:
    def targets(run: Runbook) -> list[Target]:
        raise Unknown("the manifest cannot be read")

    things = Things()
    step = mend(things, targets=targets)
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.UNKNOWN and "manifest" in result.why and things.acts == []


def test_never_should_stop_a_step_before_its_act(opened: Opened) -> None:
    things = Things()
    step = mend(things, expect=lambda run, target, seen: never("the data has changed"))
    result = loop.carry(opened(step).run, step)
    assert outcomes(result) == [Outcome.FAILED] * 2 and things.acts == []


@pytest.mark.parametrize("changes", [{"repeat": True}, {}])
def test_never_after_an_act_should_stop_it_from_being_tried_again(opened: Opened, changes: dict[str, Any]) -> None:
    def expect(run: Runbook, target: Target, seen: Seen) -> Check:
        return never("it is beyond repair") if len(things.acts) else no("not yet")

    things = Things(troubles=[] if changes else [Unknown("lost")], lost=True)
    step = mend(things, expect=expect, targets=lambda run: [EAST], **changes)
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and "beyond repair" in result.why
    assert len(things.acts) == 1


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lost_answer_should_be_looked_up_before_anything_is_repeated(opened: Opened) -> None:
    things = Things(troubles=[Unknown("the answer was lost")], lost=True)
    step = mend(things, targets=lambda run: [EAST])
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.DONE
    assert things.acts == [("us-east-1", "good")], "it was done, so it is not done again"


@pytest.mark.parametrize(("fails", "outcome", "acts"), [(1, "DONE", 2), (2, "DONE", 3), (9, "FAILED", 3)])
def test_an_act_without_effect_should_be_tried_three_times_at_most(
    opened: Opened, fails: int, outcome: str, acts: int
) -> None:
    things = Things(troubles=[Unknown("no answer")] * fails)
    step = mend(things, targets=lambda run: [EAST])
    run = opened(step)
    result = loop.carry(run.run, step)
    assert result.outcome is Outcome(outcome) and len(things.acts) == acts
    tries = [line["try"] for line in run.record.events if line["event"] == "intent" and line["step"] == "Mend"]
    assert tries == list(range(1, acts + 1)), "each has its own intent"
    if outcome == "FAILED":
        assert "no answer" in result.why and "then seen: it is bad" in result.why


def test_a_refusal_should_not_be_repeated(opened: Opened) -> None:
    things = Things(troubles=[Rejected("no", "AccessDenied")])
    step = mend(things, targets=lambda run: [EAST])
    assert loop.carry(opened(step).run, step).outcome is Outcome.FAILED
    assert len(things.acts) == 1


def test_a_refusal_of_what_is_so_nevertheless_should_be_done(opened: Opened) -> None:
    """The client's own second try is answered with 412: the first one did it."""
    things = Things(troubles=[Rejected("it exists", "PreconditionFailed")], lost=True)
    step = mend(things, targets=lambda run: [EAST])
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.DONE and len(things.acts) == 1


def test_a_look_that_fails_after_the_act_should_be_unknown_not_done(opened: Opened) -> None:
    def act(run: Run[Any, Any], target: Target, seen: Seen) -> None:
        things.write(run, target, "good")
        things.answers = [Unknown("away")] * 9

    things = Things()
    step = mend(things, targets=lambda run: [EAST], within=10, act=act)
    assert loop.carry(opened(step).run, step).outcome is Outcome.UNKNOWN
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
    assert outcomes(loop.carry(run.run, step)) == [Outcome.DONE, Outcome.ALREADY]
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
    assert loop.carry(opened(step).run, step).outcome is Outcome.DONE
    assert [value for _, value in things.acts] == ["4", "3", "2", "1", "good"]


def test_batches_that_move_nothing_should_end(opened: Opened) -> None:
    things = Things()
    step = mend(
        things, repeat=True, act=lambda run, target, seen: things.write(run, target, "bad"), targets=lambda run: [EAST]
    )
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and len(things.acts) == 1
    assert result.seconds.cloud == 30, "the last batch is given the step's whole time"


def test_good_should_hold_before_it_is_believed(opened: Opened) -> None:
    things = Things(answers=["good", "bad", "good", "bad"], values=dict.fromkeys(REGIONS, "good"))
    clock = ManualClock()
    step = mend(things, act=None, targets=lambda run: [EAST], hold=20)
    run = opened(step, clock=clock)
    began = clock.now()
    result = loop.carry(run.run, step)
    assert result.outcome is Outcome.DONE, "not ALREADY: it was seen to be bad"
    assert (clock.now() - began).total_seconds() == 40
    assert result.since and (result.since - began).total_seconds() == 20


def test_what_flaps_to_the_end_should_be_failed(opened: Opened) -> None:
    things = Things(answers=["good", "bad"] * 20)
    step = mend(things, act=None, targets=lambda run: [EAST], hold=20)
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.FAILED and result.since is None


@pytest.mark.parametrize("changes", [{"repeat": True}, {}])
def test_what_was_found_done_should_hold_as_well(opened: Opened, changes: dict[str, Any]) -> None:
    """After a last batch, or an answer that was lost, it must last as long as after any other act."""
    things = Things(troubles=[] if changes else [Unknown("lost")], lost=True)
    step = mend(things, targets=lambda run: [EAST], hold=20, **changes)
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.DONE and result.seconds.cloud == 20


def test_all_regions_should_be_good_at_the_same_time(opened: Opened) -> None:
    things = Things(answers=["good", "bad", "bad", "good", "good", "good"], values=dict.fromkeys(REGIONS, "good"))
    step = mend(things, act=None)
    result = loop.carry(opened(step).run, step)
    assert outcomes(result) == [Outcome.DONE, Outcome.DONE] and result.seconds.cloud == 10


@pytest.mark.parametrize("other", ["bad", Unknown("the region is away")])
def test_one_should_do_where_one_is_enough(opened: Opened, other: Any) -> None:
    things = Things(answers=[other, "good"])
    step = mend(things, act=None, one_is_enough=True, gate=False)
    result = loop.carry(opened(step).run, step)
    assert result.outcome is Outcome.ALREADY and "us-west-2" in result.why and result.since is not None
    assert result.seconds.cloud == 0
    assert outcomes(result)[0] in (Outcome.SKIPPED, Outcome.UNKNOWN), "and what the other is, is shown"


def test_none_should_not_do_where_one_is_enough(opened: Opened) -> None:
    things = Things()
    step = mend(things, act=None, one_is_enough=True)
    assert loop.carry(opened(step).run, step).outcome is Outcome.FAILED


def test_a_question_should_not_stop_the_plan_when_its_answer_is_no(opened: Opened) -> None:
    things = Things()
    step = mend(things, act=None, gate=False)
    run = opened(step)
    assert loop.carry(run.run, step).outcome is Outcome.SKIPPED
    things.answers = [Unknown("away")] * 99
    assert loop.carry(run.run, step).outcome is Outcome.UNKNOWN, "but no answer is no no"


# ── rehearsal ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_rehearsal_should_say_what_it_would_do_and_do_nothing(opened: Opened) -> None:
    things = Things({"us-east-1": "bad", "us-west-2": "good"})
    step = mend(things, consent=Consent.TYPED)
    run = opened(step, mode=Mode.REHEARSE)
    result = loop.carry(run.run, step)
    assert outcomes(result) == [Outcome.WOULD, Outcome.ALREADY]
    assert result.targets[0].why == 'WOULD tiny:Write {"value": "good"} in us-east-1'
    assert result.targets[0].calls[0].parameters == {"value": "good"}
    assert things.acts == [] and events(run, "intent", "consent") == []


def test_a_rehearsal_should_not_wait(opened: Opened) -> None:
    things = Things()
    clock = ManualClock()
    step = mend(things, act=None, hold=300)
    result = loop.carry(opened(step, mode=Mode.REHEARSE, clock=clock).run, step)
    assert result.outcome is Outcome.FAILED and clock.slept == 0


def test_an_act_that_writes_nothing_should_be_found_in_a_rehearsal(opened: Opened) -> None:
    things = Things()
    step = mend(things, act=lambda run, target, seen: None)
    result = loop.carry(opened(step, mode=Mode.REHEARSE).run, step)
    assert result.outcome is Outcome.FAILED and "no write that could be rehearsed" in result.why


def test_an_act_that_cannot_be_prepared_should_be_unknown_in_a_rehearsal(opened: Opened) -> None:
    def act(run: Runbook, target: Target, seen: Seen) -> None:
        raise Unknown("the manifest cannot be read")

    things = Things()
    result = loop.carry(opened(step := mend(things, act=act), mode=Mode.REHEARSE).run, step)
    assert result.outcome is Outcome.UNKNOWN and "manifest" in result.why


@pytest.mark.parametrize(
    "changes",
    [
        {"act": None},
        {"expect": lambda run, target, seen: never("there is no restored table")},
        {"expect": lambda run, target, seen: unknown("there is no restored table")},
        {"answers": [Missing("there is no restored table", "ResourceNotFound")] * 2},
        {"answers": [Unknown("there is no restored table")] * 2, "act": None},
    ],
)
def test_what_stands_on_a_rehearsed_step_should_say_so_and_be_no_failure(
    opened: Opened, changes: dict[str, Any]
) -> None:
    table = Things()
    restore = mend(table, "Restore")
    things = Things(answers=changes.get("answers", []))
    others = {name: value for name, value in changes.items() if name != "answers"}
    swap = mend(things, "Swap", needs=(restore.name,), **others)
    check = mend(Things(), "Check", needs=(swap.name,), act=None)
    run = opened(restore, swap, check, mode=Mode.REHEARSE)
    for step in (restore, swap, check):
        run.step(step)
    assert [run.results[step.key].outcome for step in (restore, swap, check)] == [
        Outcome.WOULD,
        Outcome.SKIPPED,
        Outcome.SKIPPED,
    ]
    assert "after Restore, which was not done in this rehearsal" in run.results["swap"].why
    assert "after Swap, which was not done in this rehearsal" in run.results["check"].why


def test_a_real_failure_in_a_rehearsal_should_stay_one(opened: Opened) -> None:
    ready = mend(Things(dict.fromkeys(REGIONS, "good")), "Ready")
    check = mend(Things(), "Check", needs=(ready.name,), act=None)
    run = opened(ready, check, mode=Mode.REHEARSE)
    run.step(ready)
    with pytest.raises(StepFailed, match="Check is FAILED"):
        run.step(check)


# ── consent, order, lock ─────────────────────────────────────────────────────────────────────────────────────────────


def test_without_consent_nothing_should_be_done(opened: Opened) -> None:
    things = Things()
    step = mend(things, consent=Consent.TYPED)
    run = opened(step, drill_policy=None)
    with pytest.raises(Refused, match=r"there is no keyboard(.|\n)*drcore resume t-1 --approvals"):
        run.step(step)
    assert things.acts == [] and events(run, "intent") == []
    assert run.run.history.last(Kind.CONSENT, step=step) is not None
    assert verify(run.folder).holds


def test_consent_should_be_asked_once_for_what_is_left_as_it_is_now(opened: Opened) -> None:
    asked: list[str] = []

    def person(prompt: str) -> str:
        asked.append(prompt)
        clock.thought = 40
        return "MEND bad in us-west-2" if len(asked) == 1 else "because"

    clock = ManualClock()
    things = Things({"us-east-1": "good", "us-west-2": "bad"})
    step = mend(
        things,
        consent=Consent.TYPED,
        phrase=lambda run, states: "MEND " + ", ".join(f"{seen.value} {target}" for target, seen in states.items()),
    )
    run = opened(step, drill_policy=None, keyboard=person, clock=clock)
    result = loop.carry(run.run, step)
    assert outcomes(result) == [Outcome.ALREADY, Outcome.DONE]
    assert len(asked) == 2 and result.seconds.human == 40 and result.seconds.machine == 0


def test_an_act_should_need_the_preflight(opened: Opened) -> None:
    things = Things()
    step = mend(things)
    run = opened(step, preflight=False)
    with pytest.raises(Refused, match="preflight has not been passed"):
        run.step(step)
    assert things.acts == [] and events(run, "intent") == []


def test_a_lock_that_somebody_else_has_taken_should_stop_the_next_act(opened: Opened, door: InProcess) -> None:
    things = Things()
    step = mend(things)
    run = opened(step)

    def steal(_: Run[Any, Any]) -> None:
        held = json.dumps({"run_id": "t-2", "who": "bob", "since": "now"}).encode()
        s3 = door.world.client("s3", "us-west-2")
        s3.put_object(Bucket="syncwell-evidence-us-west-2", Key=f"locks/{run.plan.id}.json", Body=held)

    things.before_act = steal
    with pytest.raises(Refused, match="somebody else has taken over"):
        run.step(step)
    assert things.acts == [("us-east-1", "good")], "the second region is not touched any more"


def test_a_second_run_of_a_plan_should_be_refused_while_the_first_is_at_work(
    opened: Opened, door: InProcess, tmp_path: Path
) -> None:
    step = mend(Things())
    run = opened(step)
    other = open_run(tmp_path / "t-2", run.plan, mode=Mode.DRILL, door=door)
    with pytest.raises(Refused, match=r"held by .* for run t-1 (.|\n)*drcore resume t-1"):
        other.preflight()
    run.close()
    other.preflight()
    other.close()


def test_a_step_should_be_refused_before_what_it_needs(opened: Opened) -> None:
    first = mend(Things(), "First")
    then = mend(things := Things(), "Then", needs=(first.name,))
    run = opened(first, then)
    with pytest.raises(Refused, match="Then needs First"):
        run.step(then)
    run.step(then, despite="First was done by hand")
    assert len(things.acts) == 2
    despite = [line["despite"] for line in run.record.events if line["event"] == "step"]
    assert despite == ["First was done by hand"]


def test_where_one_lever_of_several_fails_the_next_one_is_tried_and_what_needs_it_is_not(opened: Opened) -> None:
    refused = Things(troubles=[Rejected("not now", "AccessDenied")] * 9)
    first = mend(refused, "First", targets=lambda run: [EAST], goes_on=True, within=0)
    second = mend(others := Things(), "Second", targets=lambda run: [EAST])
    proof = mend(unproved := Things(), "Proof", needs=(first.name, second.name))
    run = opened(first, second, proof)
    run.step(first)
    run.step(second)
    assert len(others.acts) == 1
    with pytest.raises(StepFailed, match=r"Proof was not begun: First is FAILED: .*not now"):
        run.step(proof)
    assert unproved.acts == []
    assert run.run.history.last(Kind.REFUSED) is None, "something was changed: that is no refusal"
    run.step(proof, despite="it was done by hand")
    assert unproved.acts != []


# ── the record ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_intent_should_be_on_disk_before_the_act(opened: Opened) -> None:
    read: list[dict[str, Any]] = []

    def look_at_the_journal(run: Run[Any, Any]) -> None:
        read.append(dict(read_events(run.folder)[-1]))

    things = Things(before_act=look_at_the_journal)
    step = mend(things)
    run = opened(step)
    run.step(step)
    assert [(line["event"], line["target"], line["before"]) for line in read] == [
        ("intent", "in us-east-1", {"value": "bad"}),
        ("intent", "in us-west-2", {"value": "bad"}),
    ]
    assert events(run, "intent", "result") == [
        *(("intent", "us-east-1"), ("result", "us-east-1")),
        *(("intent", "us-west-2"), ("result", "us-west-2")),
    ]


def test_the_intent_should_be_synced_before_the_act(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def noting(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", noting)
    sizes: list[tuple[int, int]] = []
    things = Things(before_act=lambda run: sizes.append((synced[-1], (run.folder / JOURNAL).stat().st_size)))
    step = mend(things)
    opened(step).step(step)
    assert len(sizes) == 2 and all(on_disk == written for on_disk, written in sizes)


def killed_in_the_act(folder: Path, door: InProcess, step: Step[Any, Any], things: Things, *, after: bool) -> None:
    """Leave a run as it is when its process is killed during the first act: what a kill leaves is the folder."""

    class Killed(BaseException):
        pass

    def die(run: Run[Any, Any]) -> None:
        if after:
            things.values["us-east-1"] = "good"
        raise Killed

    things.before_act = die
    run = open_run(folder, plan_of(step, id_=f"k{abs(hash(folder))}"), mode=Mode.DRILL, door=door)
    run.preflight()
    with pytest.raises(Killed):
        run.step(step)
    run.record._file.close()  # as the end of the process does
    things.before_act = lambda run: None


@pytest.mark.parametrize("after", [True, False])
def test_a_run_killed_between_intent_and_result_should_go_on_and_do_nothing_twice(
    tmp_path: Path, door: InProcess, after: bool
) -> None:
    things = Things()
    step = mend(things)
    folder = tmp_path / "t-1"
    killed_in_the_act(folder, door, step, things, after=after)
    assert [line["event"] for line in read_events(folder)][-1] == "intent"
    assert verify(folder).holds

    run = open_run(folder, plan_of(step, id_=f"k{abs(hash(folder))}"), mode=Mode.DRILL, door=door)
    run.preflight()
    run.step(step)
    assert outcomes(run.results["mend"]) == [Outcome.DONE, Outcome.DONE]
    acts = [] if after else [("us-east-1", "good")]
    assert things.acts == [*acts, ("us-west-2", "good")]
    run.close()
    assert verify(folder).holds


def test_what_was_so_before_the_kill_should_stay_already(tmp_path: Path, door: InProcess) -> None:
    """Only what this run set out to do counts as its own."""
    things = Things({"us-east-1": "bad", "us-west-2": "good"})
    step = mend(things)
    folder = tmp_path / "t-1"
    killed_in_the_act(folder, door, step, things, after=True)
    run = open_run(folder, plan_of(step, id_=f"k{abs(hash(folder))}"), mode=Mode.DRILL, door=door)
    run.preflight()
    assert outcomes(loop.carry(run.run, step)) == [Outcome.DONE, Outcome.ALREADY]
    run.close()


# ── going back ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_going_back_should_bring_back_what_was_there_last_first_and_look(opened: Opened, tmp_path: Path) -> None:
    def person(prompt: str) -> str:
        return "GO BACK t-1" if "GO BACK" in prompt else "because"

    first, then = Things({"us-east-1": "one", "us-west-2": "good"}), Things(dict.fromkeys(REGIONS, "two"))
    steps = mend(first, "First"), mend(then, "Then")
    run = opened(*steps, keyboard=person)
    for step in steps:
        run.step(step)
    run.go_back()
    assert first.values == {"us-east-1": "one", "us-west-2": "good"} and then.values == dict.fromkeys(REGIONS, "two")
    assert first.acts == [("us-east-1", "good"), ("us-east-1", "one")], "what was good already is left alone"
    undone = [(line["step"], line["target"]) for line in run.record.events if line["event"] == "undone"]
    assert undone == [("Then", "in us-west-2"), ("Then", "in us-east-1"), ("First", "in us-east-1")]
    run.go_back()
    assert len(then.acts) == 4, "nothing is undone twice"
    run.close()
    assert verify(run.folder).holds


def test_going_back_should_need_a_person_even_in_a_drill_whose_policy_approves_all(opened: Opened) -> None:
    things = Things()
    run = opened(step := mend(things))
    run.step(step)
    run.go_back()
    assert things.values == dict.fromkeys(REGIONS, "good") and events(run, "undo-intent") == []


def test_past_a_point_of_no_return_nothing_should_be_undone_and_that_is_said(opened: Opened) -> None:
    first, then, passed = Things(), Things(), ["users are here"]
    steps = mend(first, "First"), mend(then, "Then", no_return=lambda run: passed[0])
    run = opened(*steps, keyboard=lambda prompt: "GO BACK t-1")
    for step in steps:
        run.step(step)
    asked = events(run, "consent")
    run.go_back()
    assert first.values == then.values == dict.fromkeys(REGIONS, "good")
    assert events(run, "undo-intent") == [] and events(run, "consent") == asked
    assert [line["why"] for line in run.record.events if line["event"] == "no-way-back"] == passed
    passed[0] = ""
    run.go_back()
    assert first.values == then.values == dict.fromkeys(REGIONS, "bad"), "before it there is a way back"


def test_an_undo_that_does_not_bring_it_back_should_be_a_failed_rollback(opened: Opened) -> None:
    things = Things()
    step = mend(things, undo=lambda run, target, before: things.write(run, target, "worse"), targets=lambda run: [EAST])
    run = opened(step, keyboard=lambda prompt: "GO BACK t-1")
    run.step(step)
    with pytest.raises(RollbackFailed, match="not as it was before") as failed:
        run.go_back()
    assert failed.value.exit == 5
    assert events(run, "undo-failed") == [("undo-failed", "us-east-1")]


def test_an_undo_should_be_looked_up_and_verified_like_an_act(opened: Opened) -> None:
    things = Things()
    step = mend(things, targets=lambda run: [EAST])
    run = opened(step)
    loop.carry(run.run, step)
    things.troubles, things.lost = [Unknown("lost")], True
    back = loop.carry_back(run.run, step, EAST, Seen("bad"))
    assert (back.outcome, back.after) == (Outcome.DONE, Seen("bad"))
    assert things.acts == [("us-east-1", "good"), ("us-east-1", "bad")]
    again = loop.carry_back(run.run, step, EAST, Seen("bad"))
    assert isinstance(again, TargetResult) and again.outcome is Outcome.ALREADY and len(things.acts) == 2


def test_what_a_killed_run_did_should_be_undone_after_it_was_opened_again(tmp_path: Path, door: InProcess) -> None:
    things = Things()
    step = mend(things)
    folder = tmp_path / "t-1"
    killed_in_the_act(folder, door, step, things, after=True)
    plan = plan_of(step, id_=f"k{abs(hash(folder))}")
    run = open_run(folder, plan, mode=Mode.DRILL, door=door, keyboard=lambda prompt: "GO BACK t-1")
    run.preflight()
    run.go_back()
    assert things.values == dict.fromkeys(REGIONS, "bad") and things.acts == [("us-east-1", "bad")]
    run.close()


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
    result = loop.carry(opened(step).run, step)
    assert [(each.target, each.outcome) for each in result.targets] == [(EAST, Outcome.FAILED), (WEST, Outcome.SKIPPED)]
    assert "it depends on in us-east-1, which is FAILED" in result.targets[1].why
    assert {region for region, _ in things.acts} == {"us-east-1"}


def test_one_refusal_keeps_no_other_target_from_being_tried(opened: Opened) -> None:
    things = Things(troubles=[Rejected("not now", "AccessDenied")])
    step = mend(things, within=0)
    result = loop.carry(opened(step).run, step)
    assert [each.outcome for each in result.targets] == [Outcome.FAILED, Outcome.DONE]
