"""Tracks of Google Play with their releases: looked at, or changed so that all other releases stay as they are.

Each change is an edit of its own: the track as it is by then, compared with what was seen, one release changed, all
others sent back as they came; committed only if nothing waits for its review, as a commit would cancel that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from drcore.errors import Busy, Rejected, Unknown
from drcore.services.answers import VendorAnswer, understood
from drcore.services.play.client import Play

PRODUCTION = "production"
IN_REVIEW = "IN_REVIEW"  # the code of a change that was refused, as it would cancel a review
_COMMIT = "changesInReviewBehavior=ERROR_IF_IN_REVIEW"
_LIFECYCLE = "RELEASE_LIFECYCLE_STATE_"

Status = Literal["draft", "inProgress", "halted", "completed"]
Releases = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TrackRelease:
    """One release of a track. `fraction` is the share of users who are offered it, where the rollout is staged."""

    codes: tuple[int, ...] = field(metadata={"label": "version codes"})
    status: Status
    fraction: float | None = field(default=None, metadata={"label": "share of users"})
    name: str = ""


@dataclass(frozen=True, slots=True)
class PlayTrack:
    """A track with all of its releases, as they are live."""

    track: str
    releases: tuple[TrackRelease, ...]

    def release(self, code: int) -> TrackRelease | None:
        """The release that holds a version code."""
        return next((each for each in self.releases if code in each.codes), None)


@dataclass(frozen=True, slots=True)
class ReviewedRelease:
    """A release with where its review stands: IN_REVIEW, PUBLISHED, NOT_APPROVED, as Google names it."""

    name: str
    codes: tuple[int, ...]
    state: str


class _Release(VendorAnswer):
    status: Status
    version_codes: tuple[str, ...] = ()
    user_fraction: float | None = None
    name: str = ""


class _Track(VendorAnswer):
    track: str
    releases: tuple[_Release, ...] = ()


class _Edit(VendorAnswer):
    id: str


@dataclass(slots=True)
class _OpenEdit:
    path: str
    committed: bool = False


class _UploadedBundle(VendorAnswer):
    version_code: int


class _UploadedBundles(VendorAnswer):
    bundles: tuple[_UploadedBundle, ...] = ()


class _ReleaseSummary(VendorAnswer):
    release_name: str = ""
    release_lifecycle_state: str
    active_artifacts: tuple[_UploadedBundle, ...] = ()


class _Summaries(VendorAnswer):
    releases: tuple[_ReleaseSummary, ...] = ()


def read_track(play: Play, track: str = PRODUCTION) -> PlayTrack:
    """A track as it is live. Raises Unknown, Rejected.

    An edit is opened for it, as there is no other way to a release's status, and thrown away.
    """
    with _edit(play) as edit:
        return _read(play, edit, track)[0]


def bundle_codes(play: Play) -> tuple[int, ...]:
    """The version codes of all bundles that were ever uploaded, the lowest first. Raises Unknown, Rejected."""
    with _edit(play) as edit:
        uploaded = understood(
            play.publish("GET", f"{edit.path}/bundles"), _UploadedBundles, "the bundles in Google Play"
        )
        return tuple(sorted(each.version_code for each in uploaded.bundles))


def reviews(play: Play, track: str = PRODUCTION) -> tuple[ReviewedRelease, ...]:
    """The releases of a track with the states of their reviews; no edit is opened. Raises Unknown, Rejected."""
    answer = play.publish("GET", f"/tracks/{track}/releases")
    summaries = understood(answer, _Summaries, f"the reviews of the track {track} in Google Play")
    return tuple(
        ReviewedRelease(
            each.release_name,
            tuple(artifact.version_code for artifact in each.active_artifacts),
            each.release_lifecycle_state.removeprefix(_LIFECYCLE),
        )
        for each in summaries.releases
    )


def halt(play: Play, seen: PlayTrack, code: int) -> None:
    """Stop a release: nobody new gets it, who has it keeps it. One that is for everybody can be stopped too.

    Raises Busy where the track is not as it was seen any more, or somebody changes the app meanwhile (nothing was
    changed: look again); Rejected (IN_REVIEW) where it would cancel a review; Rejected, Unknown.
    """

    def halted(release: dict[str, Any]) -> None:
        if release["status"] not in ("inProgress", "completed"):
            raise Rejected(f"{code} in {seen.track} is {release['status']}: it cannot be halted", "NotRunning")
        release["status"] = "halted"

    _change(play, seen, lambda releases: halted(_holding(releases, code, seen.track)))


def resume(play: Play, seen: PlayTrack, code: int, fraction: float | None) -> None:
    """Go on with a release that was halted, for a share of users, or for everybody (None). Raises as `halt`."""

    def resumed(release: dict[str, Any]) -> None:
        if release["status"] != "halted":
            raise Rejected(f"{code} in {seen.track} is {release['status']}: it is not halted", "NotHalted")
        release.pop("userFraction", None)
        release["status"] = "completed" if fraction is None else "inProgress"
        if fraction is not None:
            release["userFraction"] = fraction

    _change(play, seen, lambda releases: resumed(_holding(releases, code, seen.track)))


def submit(play: Play, seen: PlayTrack, new: TrackRelease) -> None:
    """Put a new release on a track, and send it for review. Raises as `halt`.

    All others stay; but one that is for everybody gives way to a new one that is, as Google allows one only.
    """
    sent: dict[str, Any] = {"status": new.status, "versionCodes": [str(code) for code in new.codes]}
    sent |= {"name": new.name} if new.name else {}
    sent |= {"userFraction": new.fraction} if new.fraction is not None else {}

    def added(releases: Releases) -> None:
        if any(set(sent["versionCodes"]) & set(each.get("versionCodes", ())) for each in releases):
            raise Rejected(f"{new.codes} is on the track {seen.track} already", "AlreadyThere")
        if new.status == "completed":
            releases[:] = [each for each in releases if each["status"] != "completed"]
        releases.insert(0, sent)

    _change(play, seen, added)


def _change(play: Play, seen: PlayTrack, change: Callable[[Releases], None]) -> None:
    """Read the track, compare it with what was seen, change it, write all of it, commit."""
    waiting = [each for each in reviews(play, seen.track) if each.state == IN_REVIEW]
    if waiting:
        raise _in_review(waiting)
    with _edit(play) as edit:
        now, releases = _read(play, edit, seen.track)
        if now != seen:
            raise Busy(f"the track {seen.track} has changed: expected {seen}, seen {now}", "Changed")
        change(releases)
        wanted = {"track": seen.track, "releases": releases}
        # A draft that nobody sees: what it holds becomes the app by the commit, with which the journal keeps it.
        play.publish("PUT", f"{edit.path}/tracks/{seen.track}", body=wanted, reads=True)
        play.publish("POST", f"{edit.path}:validate", reads=True)
        try:
            play.publish("POST", f"{edit.path}:commit?{_COMMIT}", makes=wanted)
            edit.committed = True
        except Busy:
            raise
        except Rejected as error:
            # Google's own words for it are not documented: it is asked what waits.
            waiting = [each for each in reviews(play, seen.track) if each.state == IN_REVIEW]
            if waiting:
                raise _in_review(waiting) from error
            raise


@contextmanager
def _edit(play: Play) -> Iterator[_OpenEdit]:
    """An edit, thrown away in the end unless it was committed.

    To open one changes nothing of the app, so that a look may do it.
    """
    made = understood(play.publish("POST", "/edits", body={}, reads=True), _Edit, "an edit of Google Play")
    edit = _OpenEdit(f"/edits/{made.id}")
    try:
        yield edit
    finally:
        if not edit.committed:
            with suppress(Rejected, Unknown):  # it is over already, or ends by itself within the hour
                play.publish("DELETE", edit.path, reads=True)


def _read(play: Play, edit: _OpenEdit, track: str) -> tuple[PlayTrack, Releases]:
    """A track as we know it, with its releases as they came."""
    what = f"the track {track} in Google Play"
    document = play.publish("GET", f"{edit.path}/tracks/{track}")
    answer = understood(document, _Track, what)
    releases = tuple(
        TrackRelease(_codes(each.version_codes, what), each.status, each.user_fraction, each.name)
        for each in answer.releases
    )
    return PlayTrack(answer.track, releases), list(document.get("releases", []))


def _codes(texts: tuple[str, ...], what: str) -> tuple[int, ...]:
    if wrong := [each for each in texts if not each.isdecimal()]:
        raise Unknown(f"{what}: versionCodes: expected numbers, seen {wrong[0]!r}")
    return tuple(map(int, texts))


def _holding(releases: Releases, code: int, track: str) -> dict[str, Any]:
    for release in releases:
        if str(code) in release.get("versionCodes", ()):
            return release
    raise Rejected(f"the track {track} has no release with the version code {code}", "NoSuchRelease")


def _in_review(waiting: list[ReviewedRelease]) -> Rejected:
    names = ", ".join(each.name or "/".join(map(str, each.codes)) for each in waiting)
    return Rejected(
        f"{names} waits for its review, which this change would cancel: wait for it, or let a person decide in the "
        "Play Console",
        IN_REVIEW,
    )
