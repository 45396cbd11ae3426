"""A sample is the same on every side, and its bound is the one of the textbook."""

from __future__ import annotations

import random

import pytest

from drcore.diff import sample
from drcore.errors import BadInput

KEYS = [{"pk": {"S": f"USER#{number}"}, "sk": {"N": str(number % 7)}} for number in range(1000)]


def test_every_side_should_choose_the_same_keys_in_whatever_order_it_reads() -> None:
    shuffled = random.Random(3).sample(KEYS, len(KEYS))  # noqa: S311
    assert sample.choose(KEYS, 50, "run-1") == sample.choose(shuffled, 50, "run-1")


def test_keys_should_be_the_same_however_their_numbers_are_written() -> None:
    other = [{"pk": key["pk"], "sk": {"N": f"{key['sk']['N']}.0"}} for key in KEYS]
    chosen = [key["pk"] for key in sample.choose(KEYS, 50)]
    assert [key["pk"] for key in sample.choose(other, 50)] == chosen


def test_another_salt_should_choose_other_keys() -> None:
    assert sample.choose(KEYS, 50, "run-1") != sample.choose(KEYS, 50, "run-2")
    assert len(sample.choose(KEYS, 5000)) == len(KEYS)


def test_every_key_should_have_the_same_chance() -> None:
    low = sum(int(key["pk"]["S"][5:]) < 500 for turn in range(200) for key in sample.choose(KEYS, 10, str(turn)))
    assert 850 < low < 1150  # of 2,000, expected 1,000 with a deviation of 22


def test_no_defect_in_2995_should_bound_the_share_by_a_thousandth() -> None:
    low, high = sample.bound(0, 2995)
    assert low == 0
    assert high == pytest.approx(0.001, abs=1e-6)
    assert sample.size_for(0.001) == 2995


@pytest.mark.parametrize(  # Clopper-Pearson, 95 %, as scipy.stats.binomtest(k, n).proportion_ci() has them
    ("defects", "n", "low", "high"),
    [(1, 10, 0.002529, 0.445016), (3, 100, 0.006230, 0.085176), (50, 100, 0.398321, 0.601679)],
)
def test_the_bound_should_be_that_of_the_textbook(defects: int, n: int, low: float, high: float) -> None:
    assert sample.bound(defects, n) == pytest.approx((low, high), abs=2e-6)
    assert sample.bound(n - defects, n) == pytest.approx((1 - high, 1 - low), abs=2e-6)


def test_the_bound_should_hold_the_share_and_come_closer_with_more() -> None:
    bounds = [sample.bound(n // 25, n) for n in (25, 250, 2500, 25000)]
    assert all(low < 0.04 < high for low, high in bounds)
    widths = [high - low for low, high in bounds]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize(("defects", "n"), [(0, 0), (5, 4), (-1, 4)])
def test_what_is_no_sample_should_be_refused(defects: int, n: int) -> None:
    with pytest.raises(BadInput, match="expected 0 to n defects"):
        sample.bound(defects, n)
