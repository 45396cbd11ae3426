"""What is confirmed before anything is halted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drcore.engine.outcome import Answer, Outcome, Target
from drcore.plans.g import p01_confirm, p13_close
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.facts import GRun
from drcore.plans.g.headcount import Headcount, beside
from drcore.plans.g.invariants import Defect, Sample
from drcore.plans.g.p01_confirm import NOBODY_COMPLAINS, Complainers, ReleaseProposal
from drcore.plans.g.p13_close import UsersServed
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes
from tests.support.data_corruption import PLAN, drilled_to
from tests.support.stage import Stage, carry_out, writes

HERE = Target("us-west-2")
CLEAN = Sample(600, (), 0.0, 0.498, 5000, there=5000)
COMPLAIN = Complainers(40, 40, 0, 0, 0)
COUNTED = Headcount(5000, "AWS's own count")


def proposal(
    sample: Sample = CLEAN, headcount: Headcount = COUNTED, complainers: Complainers = COMPLAIN
) -> ReleaseProposal:
    return ReleaseProposal(sample, headcount, complainers, "2026.01.2", ())


@pytest.fixture
def complained(begun: GRun, monkeypatch: pytest.MonkeyPatch) -> GRun:
    """A run, no rehearsal, in which complaints were over their threshold."""
    monkeypatch.setattr(begun, "rehearsing", False)
    monkeypatch.setitem(begun.moments, "detected", datetime(2026, 1, 5, 9, tzinfo=UTC))
    return begun


def test_what_is_not_widespread_should_not_be_halted_for(stage: Stage) -> None:
    run = stage.open(stage.prepare(PLAN, facts={"detection_minutes": 1}))
    trouble = carry_out(run)
    assert "not widespread" in str(trouble)
    assert [line["call"] for line in writes(run)] == []


def test_users_who_were_deleted_should_be_seen(stage: Stage) -> None:
    """The sample is drawn from what is there: no invariant shows them."""
    run = drilled_to(stage, p01_confirm.CONFIRM, {"kinds": "delete", "share": "0.08"})
    result = run.results["confirm"]
    assert result.outcome is Outcome.DONE
    (state,) = result.states.values()
    assert not state.sample.defects
    assert state.headcount.missing, "at least, as new users have come since it was counted"
    assert state.complainers.gone > 5


def test_complaints_beside_a_sample_that_shows_nothing_should_be_unknown(complained: GRun) -> None:
    check = p01_confirm.is_to_be_confirmed(complained, HERE, proposal())
    assert check.answer is Answer.UNKNOWN
    assert "not widespread" not in check.why
    assert "0 of 5000 items are gone" in check.why


@pytest.mark.parametrize(
    "seen",
    [
        proposal(headcount=Headcount(5000, "AWS's own count", 25)),
        proposal(replace(CLEAN, suspect=("1", "2", "3")), complainers=Complainers(40, 40, 0, 0, 1)),
        proposal(replace(CLEAN, defects=(Defect("1", "Owner is 2"),), high_percent=0.925)),
        proposal(complainers=Complainers(200, 100, 13, 0, 0)),
    ],
    ids=["gone", "plausible values of the suspected release", "broken", "complainers whose item is gone"],
)
def test_what_shows_how_far_it_goes_should_be_put_before_a_person(complained: GRun, seen: ReleaseProposal) -> None:
    assert p01_confirm.is_to_be_confirmed(complained, HERE, seen).answer is Answer.NO


@pytest.mark.parametrize(
    "seen",
    [
        proposal(headcount=Headcount(5000, "AWS's own count", 24)),
        proposal(replace(CLEAN, suspect=("1", "2", "3"))),
        proposal(headcount=Headcount()),
    ],
    ids=["few are gone", "nobody who complains was written by it", "nobody has counted"],
)
def test_a_sample_of_nothing_should_stay_unknown(complained: GRun, seen: ReleaseProposal) -> None:
    assert p01_confirm.is_to_be_confirmed(complained, HERE, seen).answer is Answer.UNKNOWN


def test_where_nobody_complains_nobody_should_be_asked(begun: GRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release writes items, and users leave: without complaints neither is a sign."""
    monkeypatch.setattr(begun, "rehearsing", False)
    seen = proposal(replace(CLEAN, suspect=("1",)), Headcount(5000, "AWS's own count", 100), NOBODY_COMPLAINS)
    check = p01_confirm.is_to_be_confirmed(begun, HERE, seen)
    assert check.answer is not Answer.NO


def test_a_part_of_a_table_should_prove_less_than_all_of_it() -> None:
    assert beside(replace(CLEAN, there=4600), 5000, "a count").missing == 400
    of_four = replace(CLEAN, there=1250 - 100, parts=4)
    assert beside(of_four, 5000, "a count").missing == 0, "4 standard deviations are 141 items of this part"
    assert beside(replace(of_four, there=1250 - 200), 5000, "a count").missing == 234


@pytest.mark.parametrize(
    ("sample", "headcount", "why"),
    [
        (CLEAN, Headcount(5000, "the comparison", 25), "25 of 5000 items are gone"),
        (replace(CLEAN, suspect=("7",)), COUNTED, "1 of 600 users have corrupted items, such as 7"),
    ],
    ids=["gone", "written by the faulty release"],
)
def test_users_should_not_be_well_where_no_invariant_shows_it(
    begun: GRun, sample: Sample, headcount: Headcount, why: str
) -> None:
    nine = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    seen = UsersServed(
        Complaints(0, 0, 0, 0, 0, 2000, 0.1), sample, headcount, GoodMinutes(nine, nine, None, nine), GoodLooks()
    )
    check = p13_close.users_are_well(begun, HERE, seen)
    assert check.answer is Answer.NO
    assert why in check.why
