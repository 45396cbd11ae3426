"""A configuration is read as its consumers get it; a version is added only after the one that was seen."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import appconfig
from drcore.services.appconfig import Profile
from tests.services.conftest import Edit

EAST = "us-east-1"


@pytest.fixture
def where(aws: Aws) -> Profile:
    return appconfig.profile(aws, EAST, "syncwell", "production", "backend")


def test_a_version_that_another_has_added_meanwhile_is_not_overtaken(aws: Aws, where: Profile) -> None:
    seen = appconfig.newest(aws, EAST, where).number
    appconfig.add_version(aws, EAST, where, {"by": "another"}, seen, "first")
    with pytest.raises(Rejected) as refused:
        appconfig.add_version(aws, EAST, where, {"by": "us"}, seen, "second")
    assert refused.value.code == "ConflictException"
    assert appconfig.newest(aws, EAST, where).content == {"by": "another"}


def test_a_version_reaches_consumers_when_it_is_deployed_and_not_before(
    world: InProcess, aws: Aws, where: Profile
) -> None:
    before = appconfig.consumed(aws, EAST, where)
    number = appconfig.newest(aws, EAST, where).number
    appconfig.add_version(aws, EAST, where, {"seen": "by all"}, number, "one more")
    assert appconfig.consumed(aws, EAST, where) == before

    strategy, after = appconfig.strategy(aws, EAST, "all-at-once"), appconfig.last_deployment(aws, EAST, where).number
    appconfig.deploy(aws, EAST, where, strategy, number + 1, "go", after)
    assert appconfig.last_deployment(aws, EAST, where).running
    with pytest.raises(Rejected, match="ConflictException"):
        appconfig.deploy(aws, EAST, where, strategy, number + 1, "twice", after + 1)
    world.request("POST", "/_sandbox/clock", {"sleep": 60})
    last = appconfig.last_deployment(aws, EAST, where)
    assert (last.state, last.profile, last.version) == ("COMPLETE", "backend", str(number + 1))
    assert appconfig.consumed(aws, EAST, where) == {"seen": "by all"}


def test_a_deployment_that_another_has_made_meanwhile_is_not_followed(
    world: InProcess, aws: Aws, where: Profile
) -> None:
    strategy, seen = appconfig.strategy(aws, EAST, "all-at-once"), appconfig.last_deployment(aws, EAST, where).number
    newest = appconfig.newest(aws, EAST, where).number
    appconfig.deploy(aws, EAST, where, strategy, newest, "another", seen)
    world.request("POST", "/_sandbox/clock", {"sleep": 60})
    with pytest.raises(Rejected, match="ConflictException"):
        appconfig.deploy(aws, EAST, where, strategy, newest, "ours", seen)
    assert appconfig.last_deployment(aws, EAST, where).number == seen + 1


@pytest.mark.parametrize("state", ["DEPLOYING", "BAKING", "VALIDATING", "ROLLING_BACK"])
def test_a_deployment_that_may_still_change_something_is_running(state: str) -> None:
    assert appconfig.EnvironmentDeployment(1, state).running
    assert not appconfig.EnvironmentDeployment(1, "COMPLETE").running


@pytest.mark.parametrize(("content", "why"), [(b"no json", "is not JSON"), (b"[1]", "is not a JSON object")])
def test_a_configuration_of_another_kind_is_unknown(
    aws: Aws, edit: Edit, where: Profile, content: bytes, why: str
) -> None:
    class Body:
        def read(self) -> bytes:
            return content

    def change(answer: dict[str, Any]) -> None:
        answer["Configuration"] = Body()

    edit("appconfigdata.GetLatestConfiguration", change)
    with pytest.raises(Unknown, match=why):
        appconfig.consumed(aws, EAST, where)


def test_a_predefined_strategy_is_its_own_id(aws: Aws) -> None:
    assert appconfig.strategy(aws, EAST, "AppConfig.AllAtOnce") == "AppConfig.AllAtOnce"
