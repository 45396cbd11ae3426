"""A crash rate is judged by its bound: chance does not trigger, a real drop does, too few users prove nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from drcore.plans.c import crash_rates
from drcore.plans.c.crash_rates import EXPORT, CrashRate, bounds, exported
from drcore.plans.c.stores import PLAY
from drcore.services.cloudwatch import Points

EAST = "us-east-1"
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
USERS = 6000
AT_THE_OBJECTIVE, GOOD, BAD = 0.001, 0.0002, 0.012  # shares of users whose app crashes


def run_of(minimum: int = 4000) -> Any:
    """As much of a run as a rate is judged by."""
    facts = SimpleNamespace(crash_free_percent=99.9, minimum_users=minimum, fresh_hours=6.0)
    return SimpleNamespace(facts=facts, clock=SimpleNamespace(now=lambda: NOW))


def seen(crashed: int, users: int = USERS, off_by: int = 0) -> CrashRate:
    low, high = bounds(crashed / users, users - off_by)
    return CrashRate(EXPORT, users, off_by, 100 * crashed / users, 100 * low, 100 * high, NOW)


def drawn(share: float, seed: int) -> CrashRate:
    stream = Random(seed)  # noqa: S311 - chance, no secret
    return seen(sum(stream.random() < share for _ in range(USERS)))


@pytest.mark.parametrize(("share", "least", "most"), [(GOOD, 0, 0), (AT_THE_OBJECTIVE, 0, 5), (BAD, 100, 100)])
def test_noise_should_not_trigger_in_95_of_100_seeds_and_a_real_drop_should(
    share: float, least: int, most: int
) -> None:
    triggered = sum(drawn(share, seed).is_proven_bad(run_of()) for seed in range(100))
    assert least <= triggered <= most


def test_what_is_not_proven_bad_should_not_be_proven_good() -> None:
    rate = seen(6)
    assert not rate.is_proven_bad(run_of()) and not rate.is_proven_good(run_of())


def test_fewer_users_than_the_minimum_should_prove_nothing() -> None:
    rate = seen(60, users=3999)
    assert not rate.can_tell(run_of()) and not rate.is_proven_bad(run_of())
    assert rate.is_proven_bad(run_of(3999))


def test_what_rounding_may_hide_should_be_taken_off_the_users() -> None:
    assert seen(60, users=4500).can_tell(run_of())
    assert not seen(60, users=4500, off_by=501).can_tell(run_of())


def test_old_data_should_prove_nothing() -> None:
    old = CrashRate(EXPORT, USERS, 0, 1.2, 1.0, 1.4, datetime(2026, 1, 5, 2, 59, tzinfo=UTC))
    assert not old.is_proven_bad(run_of())
    assert not CrashRate(EXPORT, missing="no answer").can_tell(run_of())


def test_nobody_should_have_a_rate_between_nothing_and_everything() -> None:
    assert bounds(0, 0) == (0.0, 1.0)
    low, high = bounds(0, 4790)
    assert low == 0 and 0.00099 < high < 0.00101


def test_no_minute_that_is_not_whole_yet_should_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a minute may have its users and not yet its crashes."""
    whole = NOW - timedelta(minutes=3)
    facts = SimpleNamespace(crashes=SimpleNamespace(namespace="n", metric="m", google_play="p", region=EAST))
    run: Any = SimpleNamespace(facts=facts, metrics=SimpleNamespace(until=whole), aws=None)
    spans: list[tuple[datetime, datetime]] = []

    def minutes(_: Any, region: str, asked: Any, since: datetime, until: datetime) -> tuple[Points, ...]:
        spans.append((since, until))
        return tuple(Points() for _ in asked)

    monkeypatch.setattr(crash_rates.cloudwatch, "minutes", minutes)
    monkeypatch.setattr(crash_rates, "code_of", lambda run, version: 1)
    for until in (NOW, whole - timedelta(hours=1)):
        exported(run, PLAY, ("1.0",), NOW - timedelta(hours=24), until)
    assert [until for _, until in spans] == [whole, whole - timedelta(hours=1)]
