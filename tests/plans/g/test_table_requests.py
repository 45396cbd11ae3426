"""When a metric without requests proves that there were none."""

from __future__ import annotations

import pytest

from drcore.engine.outcome import Answer
from drcore.plans.g.facts import GRun
from drcore.plans.g.table_requests import RequestCounts, none_counted

NONE = (("PutItem", 0), ("DeleteItem", 0))


@pytest.mark.parametrize(
    ("counts", "answer", "why"),
    [
        (RequestCounts(2, 2, NONE), Answer.YES, "no writes in 2 whole minutes"),
        (RequestCounts(1, 1, NONE), Answer.NO, "1 of 2 whole minutes are over"),
        (RequestCounts(2, 1, NONE), Answer.NO, "our own reads in 1 of 2 minutes"),
        (RequestCounts(0, 0, ()), Answer.NO, "0 of 2 whole minutes are over"),
        (RequestCounts(2, 2, (("PutItem", 3), ("DeleteItem", 0))), Answer.NO, "writes: 3 PutItem"),
    ],
)
def test_nothing_should_be_proved_before_it_would_have_been_counted(
    begun: GRun, counts: RequestCounts, answer: Answer, why: str
) -> None:
    assert begun.facts.quiet_minutes == 2
    check = none_counted(begun, counts, "writes")
    assert check.answer is answer
    assert why in check.why
