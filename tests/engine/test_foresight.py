"""What a run will ask is told as far as it is known; what is not, is left out, and nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from drcore.engine.consent import Choice, Consent
from drcore.engine.context import Run
from drcore.engine.foresight import foreseen
from drcore.engine.outcome import Target
from drcore.errors import Refused, Unknown
from drcore.record.events import Kind
from drcore.run.runbook import Runbook
from tests.support.engine_world import Seen, Things, mend

Opened = Callable[..., Runbook]


def lacking(run: Run[Any], states: Mapping[Target, Seen]) -> str:
    decided: dict[str, str] = {}
    return decided["later"]


def test_what_is_asked_later_is_told_with_the_refusal(opened: Opened) -> None:
    """Not what asks nothing, finds nothing to do, gives no answer, or lacks what comes before it."""
    away = Things(away={"us-east-1": [Unknown("away")] * 9})
    mixed, good = Things({"us-east-1": "good", "us-west-2": "bad"}), Things(dict.fromkeys(Things().values, "good"))
    go, decided = Consent.GO, (Choice("a", "DO A"), Choice("b", "DO B"))
    steps = (
        mend(Things(), "First", consent=go),
        mend(mixed, "Part", consent=go),
        mend(Things(), "Which", consent=go, choices=lambda run, states: decided),
        mend(good, "Done", consent=go),
        mend(Things(), "Free"),
        mend(away, "Away", consent=go),
        mend(Things(), "Later", consent=go, phrase=lacking),
    )
    run = opened(*steps, drill_policy=None)
    made = len(run.run.calls.made)
    told = [(each.step, [choice.phrase for choice in each.choices]) for each in foreseen(run.run, run.plan, "First")]
    assert told == [("Part", ["PART: in us-west-2"]), ("Which", ["DO A", "DO B"])]
    assert len(run.run.calls.made) == made

    with pytest.raises(Refused) as refused:
        run.step(steps[0])
    assert 'step: "Part"' in str(refused.value) and '# or, in its place: "DO B"' in str(refused.value)
    assert not run.run.history.has(Kind.INTENT, step=steps[1])
    assert list(foreseen(run.run, run.plan, "no step of it")) == []
