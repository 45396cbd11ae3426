"""Whether an alias may point at a version is read from states that the plan knows; any other one tells nothing."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.engine.outcome import Answer, Target
from drcore.plans.shared.release_shift import Serving, serves_wanted
from drcore.services.lambda_ import Alias, FunctionVersion

RUN: Any = None  # the check reads nothing of its run


@pytest.mark.parametrize(("state", "last_update"), [("Paused", "Successful"), ("Active", "Queued"), ("Active", "")])
def test_a_state_that_nobody_knows_should_be_unknown_by_name(state: str, last_update: str) -> None:
    """As of a Lambda that is newer than the plan: neither waited for nor taken for ready."""
    seen = Serving(Alias("41"), "42", FunctionVersion(state, last_update))
    check = serves_wanted(RUN, Target("us-east-1", "api"), seen)
    assert check.answer is Answer.UNKNOWN
    assert state in check.why
