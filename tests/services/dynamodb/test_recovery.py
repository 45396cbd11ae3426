"""Recovery: the window that a table can be restored to, what was restored from it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services.dynamodb import recovery
from tests.services.conftest import passing
from tests.support.service_calls import BEGAN, EAST, TABLE, TABLE_ARN


def test_the_window_is_closed_at_both_ends() -> None:
    window = recovery.RecoveryWindow(BEGAN, BEGAN + timedelta(hours=1))
    assert window.holds(BEGAN) and window.holds(BEGAN + timedelta(hours=1))
    assert not window.holds(BEGAN - timedelta(seconds=1))
    assert not window.holds(BEGAN + timedelta(hours=1, seconds=1))
    assert not recovery.RecoveryWindow().holds(BEGAN)


def test_a_table_is_restored_as_of_a_moment_and_says_so(world: InProcess, aws: Aws) -> None:
    window = recovery.window(aws, EAST, TABLE)
    assert window.latest and window.earliest
    at = window.latest - timedelta(minutes=5)
    recovery.restore(aws, EAST, TABLE_ARN, "restored", at)
    begun = recovery.restored(aws, EAST, "restored")
    assert (begun.status, begun.in_progress) == ("CREATING", True)
    with pytest.raises(Rejected, match="TableAlreadyExistsException"):
        recovery.restore(aws, EAST, TABLE_ARN, "restored", at)

    passing(world, lambda: not recovery.restored(aws, EAST, "restored").in_progress)
    found = recovery.restored(aws, EAST, "restored")
    assert (found.status, found.source, found.at, found.in_progress) == ("ACTIVE", TABLE_ARN, at, False)
    assert recovery.window(aws, EAST, "restored") == recovery.RecoveryWindow(), "a restore drops recovery"


def test_recovery_that_is_turned_on_has_a_window_from_then(world: InProcess, aws: Aws) -> None:
    assert recovery.window(aws, "us-west-2", TABLE) != recovery.RecoveryWindow()
    recovery.turn(aws, "us-west-2", TABLE, on=False)
    assert recovery.window(aws, "us-west-2", TABLE) == recovery.RecoveryWindow()
    recovery.turn(aws, "us-west-2", TABLE, on=True)
    world.request("POST", "/_sandbox/clock", {"sleep": 600})
    window = recovery.window(aws, "us-west-2", TABLE)
    assert window.earliest and window.earliest > BEGAN


def test_a_moment_outside_the_window_is_refused(aws: Aws) -> None:
    with pytest.raises(Rejected, match="InvalidRestoreTimeException"):
        recovery.restore(aws, EAST, TABLE_ARN, "from-long-ago", BEGAN - timedelta(days=90))
    assert recovery.restored(aws, EAST, "from-long-ago") == recovery.Restored()
