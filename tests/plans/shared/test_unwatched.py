"""An alarm without data tells nothing: it is named, and where no alarm is left that tells, nobody watches."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drcore.plans.shared.unwatched import cannot_tell, unwatched
from drcore.services.cloudwatch import Alarm

NONE = "no alarm begins with api-"
DARK = "alarm api-1 is INSUFFICIENT_DATA"


@pytest.mark.parametrize(
    ("states", "why_none", "why_not_all"),
    [
        ((), NONE, NONE),
        (("OK", "ALARM"), "", ""),
        (("OK", "INSUFFICIENT_DATA"), "", DARK),
        (("OK", "SOMETHING_NEW"), "", "alarm api-1 is SOMETHING_NEW"),
        (("INSUFFICIENT_DATA",), "alarm api-0 is INSUFFICIENT_DATA", "alarm api-0 is INSUFFICIENT_DATA"),
    ],
)
def test_what_tells_nothing_is_named(states: tuple[str, ...], why_none: str, why_not_all: str) -> None:
    at = datetime(2026, 1, 5, tzinfo=UTC)
    alarms = [Alarm(f"api-{number}", state, "", at) for number, state in enumerate(states)]
    assert (unwatched(alarms, "api-"), cannot_tell(alarms, "api-")) == (why_none, why_not_all)
