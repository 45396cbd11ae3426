"""A build is started once, carries its variables, and uploads the app to both stores."""

from __future__ import annotations

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.store import PlayStore
from drcore.services import codebuild
from tests.services.conftest import passing

WHERE = ("us-west-2", "syncwell-mobile")


def test_the_same_token_starts_one_build_which_uploads_to_both_stores(aws: Aws, world: InProcess) -> None:
    variables = {"VERSION": "4.10.7", "WHO": "a test"}
    first = codebuild.start_build(aws, *WHERE, "mobile/4.10.0", variables, token="once")  # noqa: S106 - no secret
    again = codebuild.start_build(aws, *WHERE, "mobile/4.10.0", variables, token="once")  # noqa: S106
    assert first == again

    (build,) = (each for each in codebuild.newest_builds(aws, *WHERE) if each.id == first)
    assert (build.status, build.source, build.variable("WHO")) == ("IN_PROGRESS", "mobile/4.10.0", "a test")
    assert build.variable("NONE") == ""

    passing(world, lambda: codebuild.newest_builds(aws, *WHERE)[0].status != "IN_PROGRESS")
    assert codebuild.newest_builds(aws, *WHERE)[0].status == "SUCCEEDED"
    assert 41007 in world.world.state(PlayStore).bundles
    assert "4.10.7" in [each.version for each in world.world.state(AppStore).builds]


def test_a_version_that_a_store_has_already_fails(aws: Aws, world: InProcess) -> None:
    codebuild.start_build(aws, *WHERE, "mobile/4.10.0", {"VERSION": "4.10.0"}, token="used")  # noqa: S106
    passing(world, lambda: codebuild.newest_builds(aws, *WHERE)[0].status != "IN_PROGRESS")
    assert codebuild.newest_builds(aws, *WHERE)[0].status == "FAILED"


def test_a_project_that_is_not_there_is_rejected(aws: Aws) -> None:
    with pytest.raises(Rejected, match="nobodys"):
        codebuild.newest_builds(aws, "us-west-2", "nobodys")
