"""Recovery actions: found by the version that they mean, changed one at a time."""

from __future__ import annotations

import pytest

from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay.recovery import PlayRecoveries
from drcore.services.play.client import Play
from drcore.services.play.recovery import (
    RecoveryAction,
    cancel_recovery,
    create_recovery,
    deploy_recovery,
    recovery_actions,
)


def test_an_action_should_be_drafted_deployed_cancelled(play: Play, world: InProcess) -> None:
    recoveries = world.world.state(PlayRecoveries)
    recoveries.devices = lambda code: {411: 900}.get(code, 0)
    name = create_recovery(play, 411, ["DE"])
    assert recovery_actions(play, 411) == (RecoveryAction(name, "GENERATION_IN_PROGRESS", 900, 0, ("DE",)),)
    with pytest.raises(Rejected, match="FAILED_PRECONDITION"):
        deploy_recovery(play, name)
    world.world.clock.advance(180)
    deploy_recovery(play, name)
    with pytest.raises(Busy, match="ABORTED"):
        cancel_recovery(play, name)
    recoveries.actions[0].recovered[411] = 100
    assert recovery_actions(play, 411) == (RecoveryAction(name, "ACTIVE", 1000, 100, ("DE",)),)
    world.world.clock.advance(2)
    cancel_recovery(play, name)
    assert recovery_actions(play, 411) == (RecoveryAction(name, "CANCELED", 1000, 100, ("DE",)),)
    assert recovery_actions(play, 410) == ()


def test_a_generation_that_failed_should_be_seen(play: Play, world: InProcess) -> None:
    world.world.state(PlayRecoveries).fails = True
    create_recovery(play, 411)
    world.world.clock.advance(180)
    assert recovery_actions(play, 411)[0].status == "GENERATION_FAILED"


def test_a_count_that_is_none_should_be_unknown(play: Play, world: InProcess) -> None:
    create_recovery(play, 411)
    world.world.state(PlayRecoveries).actions[0].recovered[411] = -3
    with pytest.raises(Unknown, match="expected a count of devices, seen '-3'"):
        recovery_actions(play, 411)
