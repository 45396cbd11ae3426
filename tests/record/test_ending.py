"""How a run stands at its end: a refusal counts until what was refused has gone through, or stops nothing."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.record.ending import refusal
from drcore.record.history import History

REFUSED = {"event": "refused", "what": "Notify on-call", "why": "the lock cannot be read"}
ENDED = {"event": "step-ended", "step": "Notify on-call"}
UNTOLD = {"event": "verdict", "untold": ["Notify on-call: users are away"]}


def numbered(*lines: dict[str, Any]) -> History:
    return History([{"n": number, **line} for number, line in enumerate(lines, start=1)])


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        ([REFUSED], True),
        ([ENDED, REFUSED], True),
        ([REFUSED, ENDED], False),
        ([ENDED, REFUSED, UNTOLD], False),
        ([UNTOLD, REFUSED], True),
        ([REFUSED, {"event": "verdict", "untold": ["Close: it is open"]}], True),
        ([REFUSED, {"event": "verdict"}], True),
    ],
    ids=["refused", "again", "gone through", "untold", "refused after the verdict", "another is untold", "none is"],
)
def test_a_refusal_should_count_unless_it_is_over_or_only_something_is_untold(
    lines: list[dict[str, Any]], counts: bool
) -> None:
    assert bool(refusal(numbered(*lines))) is counts
