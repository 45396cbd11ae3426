"""Functions: an alias is moved only from where it was seen, a version made only of the code that was seen."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Busy, Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import lambda_
from drcore.services.lambda_ import Alias
from tests.services.conftest import Edit, passing

EAST, API = "us-east-1", "syncwell-api"


def test_an_alias_that_was_changed_since_it_was_read_stays(aws: Aws) -> None:
    before = lambda_.alias(aws, EAST, API, "live")
    other = next(each for each in lambda_.newest_versions(aws, EAST, API, 5) if each != before.version)
    lambda_.point_alias(aws, EAST, API, "live", Alias(other), before.revision)
    with pytest.raises(Busy) as refused:  # what was read may be old: it is looked at again
        lambda_.point_alias(aws, EAST, API, "live", Alias(before.version), before.revision)
    assert refused.value.code == "PreconditionFailedException"
    now = lambda_.alias(aws, EAST, API, "live")
    assert (now.version, now.weights) == (other, ())
    lambda_.point_alias(aws, EAST, API, "live", Alias(before.version), now.revision)


def test_a_canary_gets_nothing_once_the_alias_is_pointed(aws: Aws) -> None:
    now = lambda_.alias(aws, EAST, API, "live")
    other = next(each for each in lambda_.newest_versions(aws, EAST, API, 5) if each != now.version)
    lambda_.point_alias(aws, EAST, API, "live", Alias(now.version, ((other, 0.1),)), now.revision)
    weighed = lambda_.alias(aws, EAST, API, "live")
    assert str(weighed) == f"version {now.version}, 10% to {other}"
    lambda_.point_alias(aws, EAST, API, "live", Alias(now.version), weighed.revision)
    assert lambda_.alias(aws, EAST, API, "live").weights == ()


def test_a_version_is_published_of_the_code_that_was_seen_and_no_other(aws: Aws, world: InProcess) -> None:
    seen = lambda_.code(aws, EAST, API)
    with pytest.raises(Rejected, match="InvalidParameterValueException"):
        lambda_.publish(aws, EAST, API, lambda_.Code("another", "", True))
    lambda_.describe(aws, EAST, API, "of ours", seen)
    passing(world, lambda: lambda_.code(aws, EAST, API).ready)
    made = lambda_.publish(aws, EAST, API, lambda_.code(aws, EAST, API))
    assert lambda_.code(aws, EAST, API, made).description == "of ours"
    assert lambda_.newest_versions(aws, EAST, API, 1) == (made,)


def test_reserved_concurrency_is_set_to_nothing_and_taken_away(aws: Aws) -> None:
    assert lambda_.reserved(aws, EAST, "syncwell-worker") is None
    lambda_.reserve(aws, EAST, "syncwell-worker", 0)
    assert lambda_.reserved(aws, EAST, "syncwell-worker") == 0  # which is not "none is set"
    lambda_.reserve(aws, EAST, "syncwell-worker", None)
    assert lambda_.reserved(aws, EAST, "syncwell-worker") is None


def test_a_source_is_found_by_its_function_whatever_alias_it_feeds(world: InProcess, aws: Aws) -> None:
    (source,) = lambda_.sources(aws, EAST, ["syncwell-worker", "nobody"])
    assert (source.function, source.source, source.state) == ("syncwell-worker", "syncwell-jobs", "Enabled")
    lambda_.feed(aws, EAST, source.id, on=False)
    world.request("POST", "/_sandbox/clock", {"sleep": 120})
    assert lambda_.sources(aws, EAST, ["syncwell-worker"])[0].state == "Disabled"
    lambda_.feed(aws, EAST, source.id, on=True)


def test_a_version_that_is_still_being_made_is_not_ready(aws: Aws, edit: Edit) -> None:
    def pending(answer: dict[str, Any]) -> None:
        answer.update(State="Pending", LastUpdateStatus="InProgress")

    assert lambda_.code(aws, EAST, API).ready
    edit("lambda.GetFunctionConfiguration", pending)
    assert not lambda_.code(aws, EAST, API).ready
    assert lambda_.version(aws, EAST, API, "$LATEST") == lambda_.FunctionVersion("Pending", "InProgress")


def test_provisioned_concurrency_says_what_is_there_of_what_was_asked_for(aws: Aws, edit: Edit) -> None:
    found = lambda_.provisioned(aws, EAST, API, "live")
    assert found.status == "READY" and found.available == found.requested > 0

    def in_progress(answer: dict[str, Any]) -> None:
        answer["Status"] = "IN_PROGRESS"
        del answer["AvailableProvisionedConcurrentExecutions"]

    edit("lambda.GetProvisionedConcurrencyConfig", in_progress)
    assert lambda_.provisioned(aws, EAST, API, "live") == lambda_.Provisioned(found.requested, 0, "IN_PROGRESS")
