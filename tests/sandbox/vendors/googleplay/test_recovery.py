"""App recovery: generated first, grows only, and is cancelled for good."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay.recovery import PlayRecoveries
from tests.sandbox.vendors.googleplay.conftest import Ask

PATH = "/appRecoveries"
BY_REGION = {"versionList": {"versionCodes": ["411"]}, "regions": {"regionCode": ["DE"]}}


def created(ask: Ask, targeting: object = BY_REGION) -> tuple[int, Any]:
    return ask("POST", PATH, {"remoteInAppUpdate": {"isRemoteInAppUpdateRequested": True}, "targeting": targeting})


def listed(ask: Ask, code: int = 411) -> list[dict[str, Any]]:
    answer = ask("GET", f"{PATH}?versionCode={code}")[1]
    return list(answer.get("recoveryActions", []))


@pytest.fixture
def draft(ask: Ask, empty: InProcess) -> str:
    """The path of an action whose module has been generated."""
    action = created(ask)[1]
    assert action["status"] == "RECOVERY_STATUS_GENERATION_IN_PROGRESS"
    empty.world.clock.advance(180)
    assert listed(ask)[0]["status"] == "RECOVERY_STATUS_DRAFT"
    return f"{PATH}/{action['appRecoveryId']}"


def test_what_is_being_generated_should_not_be_deployed(ask: Ask, empty: InProcess) -> None:
    action = created(ask)[1]
    status, answer = ask("POST", f"{PATH}/{action['appRecoveryId']}:deploy", {})
    assert (status, answer["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_a_generation_that_fails_should_never_be_deployed(ask: Ask, empty: InProcess) -> None:
    empty.world.state(PlayRecoveries).fails = True
    action = created(ask)[1]
    empty.world.clock.advance(180)
    assert listed(ask)[0]["status"] == "RECOVERY_STATUS_GENERATION_FAILED"
    assert ask("POST", f"{PATH}/{action['appRecoveryId']}:deploy", {})[0] == 400


def test_a_deployed_action_should_count_its_devices(ask: Ask, empty: InProcess, draft: str) -> None:
    recoveries = empty.world.state(PlayRecoveries)
    recoveries.devices = lambda code: {411: 900}.get(code, 0)
    assert ask("POST", f"{draft}:deploy", {}) == (200, {})
    recoveries.actions[0].recovered[411] = 100
    (action,) = listed(ask)
    assert action["status"] == "RECOVERY_STATUS_ACTIVE" and action["deployTime"]
    assert action["remoteInAppUpdateData"]["remoteAppUpdateDataPerBundle"] == [
        {"versionCode": "411", "totalDeviceCount": "1000", "recoveredDeviceCount": "100"}
    ]
    assert listed(ask, 410) == []


def test_targeting_should_only_grow(ask: Ask, draft: str) -> None:
    for regions in (["FR"], ["DE"]):
        assert ask("POST", f"{draft}:addTargeting", {"targetingUpdate": {"regions": {"regionCode": regions}}})[0] in (
            200,
            409,
        )
    assert listed(ask)[0]["targeting"]["regions"] == {"regionCode": ["DE", "FR"]}
    update = {"targetingUpdate": {"versionList": {"versionCodes": ["410"]}}}
    assert ask("POST", f"{draft}:addTargeting", update)[0] in (400, 409)
    assert listed(ask)[0]["targeting"]["versionList"] == {"versionCodes": ["411"]}


def test_all_users_should_take_in_every_region(ask: Ask, draft: str) -> None:
    ask("POST", f"{draft}:addTargeting", {"targetingUpdate": {"allUsers": {"isAllUsersRequested": True}}})
    assert listed(ask)[0]["targeting"] == {
        "versionList": {"versionCodes": ["411"]},
        "allUsers": {"isAllUsersRequested": True},
    }


def test_cancel_should_be_final(ask: Ask, empty: InProcess, draft: str) -> None:
    ask("POST", f"{draft}:deploy", {})
    empty.world.clock.advance(5)
    assert ask("POST", f"{draft}:cancel", {}) == (200, {})
    empty.world.clock.advance(5)
    for action in ("deploy", "addTargeting", "cancel"):
        body = {"targetingUpdate": {"allUsers": {"isAllUsersRequested": True}}} if action == "addTargeting" else {}
        assert ask("POST", f"{draft}:{action}", body)[0] == 400
    assert listed(ask)[0]["status"] == "RECOVERY_STATUS_CANCELED"


def test_two_changes_at_once_should_conflict(ask: Ask, draft: str) -> None:
    assert ask("POST", f"{draft}:deploy", {})[0] == 200
    status, answer = ask("POST", f"{draft}:cancel", {})
    assert (status, answer["error"]["status"]) == (409, "ABORTED")
    assert listed(ask)[0]["status"] == "RECOVERY_STATUS_ACTIVE"


@pytest.mark.parametrize(
    "targeting",
    [
        None,
        {"allUsers": {"isAllUsersRequested": True}},
        {"versionList": {"versionCodes": ["411"]}},
        {"versionList": {"versionCodes": ["999"]}, "allUsers": {"isAllUsersRequested": True}},
        BY_REGION | {"versionRange": {"versionCodeStart": "410", "versionCodeEnd": "411"}},
    ],
)
def test_targeting_that_is_not_whole_should_be_refused(ask: Ask, targeting: object) -> None:
    assert created(ask, targeting)[0] == 400
    assert listed(ask) == []
