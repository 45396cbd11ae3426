"""An edit is a copy, is held to Google's rules, and is worth nothing once somebody else has changed the app."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay import store as play
from drcore.sandbox.vendors.googleplay.store import PlayStore
from tests.sandbox.vendors.googleplay.conftest import COMPLETED, STAGED, Ask

TRACK = "/tracks/production"
HALTED = STAGED | {"status": "halted"}
HOTFIX = {"name": "4.12.0", "versionCodes": ["412"], "status": "inProgress", "userFraction": 0.5}
REFUSE = "?changesInReviewBehavior=ERROR_IF_IN_REVIEW"


def served(store: PlayStore) -> dict[int, float]:
    return {release.codes[0]: release.share for release in store.offered()}


def states(ask: Ask) -> dict[str, str]:
    listed = ask("GET", f"{TRACK}/releases")[1]["releases"]
    return {
        each["releaseName"]: each["releaseLifecycleState"].removeprefix("RELEASE_LIFECYCLE_STATE_") for each in listed
    }


def put(ask: Ask, edit: str, *releases: dict[str, Any]) -> tuple[int, Any]:
    return ask("PUT", edit + TRACK, {"track": "production", "releases": list(releases)})


def test_a_halt_should_hold_from_its_commit_on(ask: Ask, store: PlayStore, edit: str) -> None:
    assert ask("GET", edit + TRACK)[1] == {"track": "production", "releases": [STAGED, COMPLETED]}
    assert put(ask, edit, HALTED, COMPLETED)[0] == 200
    assert served(store) == {411: 0.1, 410: 1.0}, "an edit changes nothing before it is committed"
    assert ask("POST", f"{edit}:validate")[0] == 200
    assert ask("POST", f"{edit}:commit{REFUSE}")[0] == 200
    assert served(store) == {410: 1.0}
    assert states(ask) == {"4.11.0": "PUBLISHED", "4.10.0": "PUBLISHED"}


def test_what_an_update_does_not_send_should_be_gone(ask: Ask, store: PlayStore, edit: str) -> None:
    put(ask, edit, HALTED)
    ask("POST", f"{edit}:commit{REFUSE}")
    assert [release.codes for release in store.tracks["production"]] == [(411,)]


def test_a_patch_without_releases_should_keep_them(ask: Ask, edit: str) -> None:
    assert ask("PATCH", edit + TRACK, {"track": "production"})[1]["releases"] == [STAGED, COMPLETED]
    assert ask("PATCH", edit + TRACK, {"releases": [HALTED, COMPLETED]})[1]["releases"] == [HALTED, COMPLETED]


def test_a_fully_rolled_out_release_should_be_halted_too(ask: Ask, store: PlayStore, empty: InProcess) -> None:
    store.tracks["production"] = []
    store.publish(COMPLETED)
    store.publish(HOTFIX | {"status": "completed", "userFraction": None}, state=play.IN_REVIEW)
    store.tracks["production"].pop()
    store.earlier["production"].append(play.PlayRelease(dict(COMPLETED)))
    empty.world.clock.advance(7200)
    assert served(store) == {412: 1.0}
    edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
    assert put(ask, edit, {"name": "4.12.0", "versionCodes": ["412"], "status": "halted"})[0] == 200
    assert ask("POST", f"{edit}:commit{REFUSE}")[0] == 200
    assert served(store) == {410: 1.0}, "the one before is served on"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "inProgress", "userFraction": 1.0}, "range (0, 1)"),
        ({"status": "inProgress", "userFraction": 0}, "range (0, 1)"),
        ({"status": "inProgress", "userFraction": None}, "must have a user fraction"),
        ({"status": "completed"}, "must not have a user fraction"),
        ({"status": "draft"}, "must not have a user fraction"),
        ({"status": "paused"}, "releases[0].status"),
        ({"status": "halted", "countryTargeting": {"countries": ["DE"]}}, "Country targeting is only allowed"),
        ({"versionCodes": []}, "at least one version code"),
        ({"inAppUpdatePriority": 6}, "range [0, 5]"),
        ({"fraction": 0.2}, 'Unknown name "fraction"'),
    ],
)
def test_a_release_should_be_held_to_the_rules(ask: Ask, edit: str, change: dict[str, object], message: str) -> None:
    status, answer = put(ask, edit, STAGED | change, COMPLETED)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert message in answer["error"]["message"]
    assert ask("GET", edit + TRACK)[1]["releases"] == [STAGED, COMPLETED]


def test_a_country_should_be_named_in_production_only(ask: Ask, edit: str) -> None:
    targeted = STAGED | {"countryTargeting": {"countries": ["DE"], "includeRestOfWorld": False}}
    assert put(ask, edit, targeted, COMPLETED)[0] == 200
    assert ask("PUT", f"{edit}/tracks/beta", {"track": "beta", "releases": [targeted]})[0] == 400


@pytest.mark.parametrize(
    ("releases", "message"),
    [
        ([COMPLETED, STAGED | {"status": "completed", "userFraction": None}], "more than one completed"),
        ([STAGED, COMPLETED | {"status": "inProgress", "userFraction": 0.5}], "more than one inProgress"),
        ([COMPLETED | {"status": "inProgress", "userFraction": 0.5}], "cannot be staged again"),
        ([STAGED, STAGED | {"status": "halted"}, COMPLETED], "more than one release"),
        ([STAGED, COMPLETED, HOTFIX | {"status": "halted"}], "never rolled out"),
        ([HOTFIX | {"versionCodes": ["413"]}, COMPLETED], "413 was not found"),
        ([HOTFIX | {"versionCodes": ["409"]}, COMPLETED], "does not allow any existing users to upgrade"),
        ([{"versionCodes": ["411"], "status": "draft"}, COMPLETED], "cannot become a draft again"),
        ([STAGED | {"inAppUpdatePriority": 5}, COMPLETED], "inAppUpdatePriority can not be updated"),
    ],
)
def test_a_track_should_be_held_to_the_rules(
    ask: Ask, store: PlayStore, edit: str, releases: list[dict[str, Any]], message: str
) -> None:
    assert put(ask, edit, *releases)[0] == 200
    for action in ("validate", f"commit{REFUSE}"):
        status, answer = ask("POST", f"{edit}:{action}")
        assert (status, message in answer["error"]["message"]) == (400, True), answer
    assert served(store) == {411: 0.1, 410: 1.0}


def test_somebody_elses_change_should_end_an_edit(ask: Ask, store: PlayStore, edit: str) -> None:
    store.touch("the Console")
    for answer in (put(ask, edit, HALTED, COMPLETED), ask("POST", f"{edit}:validate"), ask("POST", f"{edit}:commit")):
        assert (answer[0], answer[1]["error"]["status"]) == (409, "ABORTED")
    assert served(store) == {411: 0.1, 410: 1.0}


def test_an_edit_should_be_over_when_it_is_deleted_committed_or_old(ask: Ask, edit: str, empty: InProcess) -> None:
    newer = f"/edits/{ask('POST', '/edits')[1]['id']}"
    assert "This Edit has been deleted." in ask("GET", edit)[1]["error"]["message"]
    assert ask("DELETE", newer) == (204, None)
    assert "This Edit has been deleted." in ask("POST", f"{newer}:commit")[1]["error"]["message"]
    third = f"/edits/{ask('POST', '/edits')[1]['id']}"
    assert ask("POST", f"{third}:commit{REFUSE}")[0] == 200
    assert "already been successfully committed" in ask("POST", f"{third}:commit")[1]["error"]["message"]
    fourth = f"/edits/{ask('POST', '/edits')[1]['id']}"
    empty.world.clock.advance(3590)
    assert ask("GET", fourth)[0] == 200
    empty.world.clock.advance(10)
    status, answer = ask("GET", fourth)
    assert (status, answer["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert "expired" in answer["error"]["message"]
    assert ask("GET", "/edits/1")[0] == 404


class TestReview:
    """A hotfix is in review, and somebody halts the release before it."""

    @pytest.fixture(autouse=True)
    def _hotfix(self, ask: Ask, store: PlayStore) -> None:
        edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
        put(ask, edit, HOTFIX, HALTED, COMPLETED)
        assert ask("POST", f"{edit}:commit{REFUSE}")[0] == 200
        assert states(ask) == {"4.12.0": "IN_REVIEW", "4.11.0": "PUBLISHED", "4.10.0": "PUBLISHED"}

    def test_what_is_in_review_should_reach_nobody_yet(self, store: PlayStore, empty: InProcess) -> None:
        assert served(store) == {410: 1.0}
        empty.world.clock.advance(7200)
        assert served(store) == {412: 0.5, 410: 1.0}

    def test_a_commit_that_refuses_should_leave_the_review_and_the_edit(self, ask: Ask, empty: InProcess) -> None:
        edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
        put(ask, edit, HALTED, COMPLETED)
        status, answer = ask("POST", f"{edit}:commit{REFUSE}")
        assert (status, answer["error"]["status"]) == (400, "FAILED_PRECONDITION")
        assert "4.12.0" in answer["error"]["message"]
        assert states(ask)["4.12.0"] == "IN_REVIEW"
        assert ask("GET", edit)[0] == 200

    @pytest.mark.parametrize("said", ["", "?changesInReviewBehavior=CANCEL_IN_REVIEW_AND_SUBMIT"])
    def test_the_default_should_kill_a_hotfix_that_the_edit_lacks(self, ask: Ask, said: str) -> None:
        edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
        put(ask, edit, HALTED, COMPLETED)
        assert ask("POST", f"{edit}:commit{said}")[0] == 200
        assert states(ask) == {"4.11.0": "PUBLISHED", "4.10.0": "PUBLISHED"}

    def test_the_default_should_send_a_kept_hotfix_to_the_end_of_the_queue(
        self, ask: Ask, store: PlayStore, empty: InProcess
    ) -> None:
        empty.world.clock.advance(7000)
        edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
        assert ask("POST", f"{edit}:commit")[0] == 200
        empty.world.clock.advance(300)
        assert states(ask)["4.12.0"] == "IN_REVIEW"
        empty.world.clock.advance(7000)
        assert states(ask)["4.12.0"] == "PUBLISHED"

    def test_a_rejection_should_need_a_person(self, ask: Ask, store: PlayStore, empty: InProcess) -> None:
        store.rejects = True
        empty.world.clock.advance(7200)
        assert states(ask)["4.12.0"] == "NOT_APPROVED"
        assert served(store) == {410: 1.0}
        edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
        status, answer = ask("POST", f"{edit}:commit{REFUSE}")
        assert (status, "changesNotSentForReview to true" in answer["error"]["message"]) == (400, True)
        assert ask("POST", f"{edit}:commit{REFUSE}&changesNotSentForReview=true")[0] == 200
        assert states(ask)["4.12.0"] == "NOT_SENT_FOR_REVIEW"

    def test_nothing_should_be_held_back_without_a_rejection(self, ask: Ask, empty: InProcess) -> None:
        empty.world.clock.advance(7200)
        edit = f"/edits/{ask('POST', '/edits')[1]['id']}"
        status, answer = ask("POST", f"{edit}:commit?changesNotSentForReview=true")
        assert (status, "must not be set" in answer["error"]["message"]) == (400, True)


def test_all_tracks_and_bundles_should_be_listed(ask: Ask, edit: str) -> None:
    tracks = ask("GET", f"{edit}/tracks")[1]["tracks"]
    assert [each["track"] for each in tracks] == ["production", "beta", "alpha", "internal"]
    assert [each["versionCode"] for each in ask("GET", f"{edit}/bundles")[1]["bundles"]] == [409, 410, 411, 412]
    assert ask("GET", f"{edit}/tracks/wear")[0] == 404
