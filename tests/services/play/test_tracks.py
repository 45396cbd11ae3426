"""A track is changed as it was seen, or not at all; all other releases stay; no review is ever cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drcore.calls.gate import CallGate, Writes, WriteStopped
from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay.store import PlayStore
from drcore.services.play.client import Play
from drcore.services.play.tracks import (
    IN_REVIEW,
    PlayTrack,
    ReviewedRelease,
    TrackRelease,
    bundle_codes,
    halt,
    read_track,
    resume,
    reviews,
    submit,
)
from tests.services.play.conftest import COMPLETED, STAGED

Fault = Callable[..., object]
OLD = TrackRelease((410,), "completed", None, "4.10.0")
NEW = TrackRelease((411,), "inProgress", 0.1, "4.11.0")
HOTFIX = TrackRelease((412,), "inProgress", 0.5, "4.12.0")


def said(store: PlayStore) -> list[dict[str, Any]]:
    return [release.body for release in store.tracks["production"]]


def test_a_track_should_be_read_and_nothing_be_left_open(play: Play, store: PlayStore) -> None:
    assert read_track(play) == PlayTrack("production", (NEW, OLD))
    assert all(edit.ended == "deleted" for edit in store.edits.values())
    assert store.version == 3, "two releases were published, and nothing was committed since"
    assert bundle_codes(play) == (410, 411, 412)


def test_a_halt_should_change_one_status_and_keep_the_rest(play: Play, store: PlayStore, gate: CallGate) -> None:
    halt(play, read_track(play), 411)
    assert {call.answer for call in gate.made} == {"OK"}, "an edit that is committed needs no throwing away"
    assert said(store) == [STAGED | {"status": "halted"}, COMPLETED], "the notes of others, and the fraction, too"


def test_a_release_for_everybody_should_be_halted_and_resumed(play: Play, store: PlayStore) -> None:
    halt(play, read_track(play), 411)
    halt(play, read_track(play), 410)
    assert [each["status"] for each in said(store)] == ["halted", "halted"]
    resume(play, read_track(play), 410, None)
    resume(play, read_track(play), 411, 0.2)
    assert said(store) == [STAGED | {"userFraction": 0.2}, COMPLETED]


def test_a_track_that_has_changed_should_not_be_written(play: Play, store: PlayStore) -> None:
    seen = read_track(play)
    store.tracks["production"][0].body["userFraction"] = 0.5
    store.touch("the Console")
    with pytest.raises(Busy, match=r"expected .*0\.1.*, seen .*0\.5"):
        halt(play, seen, 411)
    assert said(store)[0]["status"] == "inProgress"


def test_a_change_between_read_and_commit_should_be_busy(play: Play, store: PlayStore) -> None:
    seen = read_track(play)
    store.before_commit = lambda: store.touch("the Console")
    with pytest.raises(Busy, match="409, ABORTED"):
        halt(play, seen, 411)
    assert said(store)[0]["status"] == "inProgress"
    store.before_commit = None
    halt(play, read_track(play), 411)
    assert said(store)[0]["status"] == "halted"


def test_a_lost_answer_should_be_unknown_and_done(play: Play, store: PlayStore, fault: Fault) -> None:
    seen = read_track(play)
    fault("lost-response", operation="commit_edit")
    with pytest.raises(Unknown):
        halt(play, seen, 411)
    release = read_track(play).release(411)
    assert release is not None and release.status == "halted"


class TestReview:
    @pytest.fixture(autouse=True)
    def _hotfix(self, play: Play) -> None:
        halt(play, read_track(play), 411)
        submit(play, read_track(play), HOTFIX)

    def test_a_submitted_release_should_be_seen_in_review(self, play: Play, world: InProcess) -> None:
        assert reviews(play)[0] == ReviewedRelease("4.12.0", (412,), IN_REVIEW)
        world.world.clock.advance(7200)
        assert reviews(play)[0] == ReviewedRelease("4.12.0", (412,), "PUBLISHED")

    def test_a_halt_should_never_cancel_it(self, play: Play, store: PlayStore) -> None:
        before = said(store)
        with pytest.raises(Rejected, match=r"4\.12\.0 waits for its review") as refused:
            halt(play, read_track(play), 410)
        assert refused.value.code == IN_REVIEW
        assert said(store) == before and reviews(play)[0].state == IN_REVIEW

    def test_one_that_begins_meanwhile_should_not_be_cancelled_either(
        self, play: Play, store: PlayStore, world: InProcess, gate: CallGate
    ) -> None:
        world.world.clock.advance(7200)
        seen = read_track(play)

        def begin() -> None:
            store.tracks["production"][0].state, store.tracks["production"][0].submitted = (
                "IN_REVIEW",
                world.world.clock.now(),
            )

        store.before_commit = begin
        with pytest.raises(Rejected) as refused:
            halt(play, seen, 410)
        assert refused.value.code == IN_REVIEW
        commits = [call.parameters["url"] for call in gate.made if ":commit" in call.parameters["url"]]
        assert commits and all(url.endswith("?changesInReviewBehavior=ERROR_IF_IN_REVIEW") for url in commits)
        assert reviews(play)[0].state == IN_REVIEW


def test_a_new_completed_release_should_take_the_place_of_the_old(play: Play, store: PlayStore) -> None:
    halt(play, read_track(play), 411)
    submit(play, read_track(play), TrackRelease((412,), "completed", None, "4.12.0"))
    assert [each["name"] for each in said(store)] == ["4.12.0", "4.11.0"]
    assert [release.codes for release in store.offered()] == [(410,)], "until it is through its review"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda play, seen: halt(play, seen, 412), "NoSuchRelease"),
        (lambda play, seen: resume(play, seen, 411, 0.5), "NotHalted"),
        (lambda play, seen: submit(play, seen, NEW), "AlreadyThere"),
        (lambda play, seen: submit(play, seen, TrackRelease((499,), "inProgress", 0.1)), "INVALID_ARGUMENT"),
    ],
)
def test_what_makes_no_sense_should_be_refused(
    play: Play, store: PlayStore, change: Callable[[Play, PlayTrack], None], code: str
) -> None:
    with pytest.raises(Rejected) as refused:
        change(play, read_track(play))
    assert refused.value.code == code
    assert said(store) == [STAGED, COMPLETED]
    assert all(edit.ended == "deleted" for edit in store.edits.values())


def test_a_rehearsal_should_read_all_and_write_nothing(
    play: Play, store: PlayStore, gate: CallGate, notes: list[dict[str, Any]]
) -> None:
    gate.writes = Writes.FORBIDDEN
    seen = read_track(play)
    with gate.during(Writes.STOPPED), pytest.raises(WriteStopped) as stopped:
        halt(play, seen, 411)
    call = stopped.value.call
    assert call.parameters["url"].endswith(":commit?changesInReviewBehavior=ERROR_IF_IN_REVIEW")
    assert call.parameters["makes"]["releases"] == [STAGED | {"status": "halted"}, COMPLETED], "what would be the app"
    assert said(store) == [STAGED, COMPLETED]
    assert not any(note["write"] for note in notes) and len(notes) > 5, "each call is noted, as a read"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"releases": [{"status": "paused", "versionCodes": ["411"]}]},
            r"releases\.0\.status: expected 'draft', .*seen 'paused'",
        ),
        ({"releases": [{"versionCodes": ["411"]}]}, r"releases\.0\.status: expected a value, seen none"),
        (
            {"releases": [{"status": "draft", "versionCodes": [411]}]},
            r"releases\.0\.versionCodes\.0: expected a valid string, seen 411",
        ),
        ({"releases": [{"status": "draft", "versionCodes": ["x"]}]}, "versionCodes: expected numbers, seen 'x'"),
    ],
)
def test_another_shape_should_be_unknown(play: Play, store: PlayStore, document: dict[str, Any], message: str) -> None:
    store.tracks["production"] = []
    for release in document["releases"]:
        store.publish({"status": "draft"})
        store.tracks["production"][0].body = release
    with pytest.raises(Unknown, match=f"the track production in Google Play: {message}"):
        read_track(play)
