"""Since when it has been good is what the data of the minutes says, not when somebody looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from drcore.engine.metric_minutes import ONE
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes, judge, when_good

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(minute: int, second: int = 0) -> datetime:
    return NINE + timedelta(minutes=minute, seconds=second)


def judged(begin: int, good: str, before: GoodMinutes | None = None) -> GoodMinutes:
    """Minutes from `begin` on, `+` is good."""
    kinds = {at(begin + number): kind == "+" for number, kind in enumerate(good)}
    return judge((at(begin), at(begin + len(good))), kinds.__getitem__, before)


def test_good_minutes_should_begin_after_the_last_bad_one() -> None:
    assert judged(0, "--++") == GoodMinutes(at(2), at(4), at(1), at(3))
    assert judged(0, "++-") == GoodMinutes(None, at(3), at(2), at(2))
    assert judged(0, "+++").bad is None, "it may have been good before"


def test_a_later_look_should_go_on_from_what_is_older_and_judge_the_rest_anew() -> None:
    first = judged(0, "-+++")
    assert judged(2, "+++", first).since == at(1)
    assert judged(2, "-++", first) == GoodMinutes(at(3), at(5), at(2), at(4)), "what came late counts"
    assert judged(2, "++-", first).since is None


def test_a_bad_minute_between_two_looks_should_be_noticed() -> None:
    first = judged(0, "++")
    assert judged(1, "+-+", first).newly_bad == at(2)
    assert judged(1, "+++", first).newly_bad is None
    again = judged(1, "+-+", judged(1, "+-+", first))
    assert again.newly_bad is None, "it was judged by the look before"


def test_looks_should_be_good_since_the_first_after_one_that_failed() -> None:
    looks = GoodLooks()
    assert looks.then(True, at(1)) == GoodLooks(), "nothing was seen to fail"
    failed = looks.then(False, at(1, 30))
    well = failed.then(True, at(2)).then(True, at(3))
    assert (well.failed, well.since) == (at(1, 30), at(2))
    assert well.then(False, at(4)) == GoodLooks(at(4))


def test_users_were_well_between_the_last_bad_minute_and_the_first_good_one() -> None:
    """The latest of all that dates it counts; where nothing was seen to be bad, nothing dates it."""
    minutes = judged(0, "-++")
    became = when_good([minutes])
    assert became and (became.earliest, became.latest) == (at(0), at(2)) == (minutes.bad, at(1) + ONE)
    finer = when_good([minutes], [GoodLooks(at(2, 10), at(2, 20))])
    assert finer and (finer.earliest, finer.latest) == (at(2, 10), at(2, 20))
    assert when_good([judged(0, "+++")]) is None
