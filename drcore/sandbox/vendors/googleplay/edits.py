"""Edits of the app in Google Play (androidpublisher v3: edits, edits.tracks, edits.bundles)."""

from __future__ import annotations

import hashlib
from typing import Any

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.vendors.googleplay.accounts import PUBLISHER, PlayAccounts
from drcore.sandbox.vendors.googleplay.answers import SERVICE, invalid, not_found, precondition
from drcore.sandbox.vendors.googleplay.store import DRAFT, PACKAGE, PlayEdit, PlayStore, edit_answer
from drcore.sandbox.vendors.googleplay.track_rules import check_release, check_track

APP = f"/{SERVICE}/androidpublisher/v3/applications/<package>"
_EDIT = f"{APP}/edits/<edit>"
_TRACK = f"{_EDIT}/tracks/<track>"
CANCEL, REFUSE = "CANCEL_IN_REVIEW_AND_SUBMIT", "ERROR_IF_IN_REVIEW"
_BEHAVIORS = {"": CANCEL, "CHANGES_IN_REVIEW_BEHAVIOR_TYPE_UNSPECIFIED": CANCEL, CANCEL: CANCEL, REFUSE: REFUSE}


def publisher(call: HttpCall) -> tuple[PlayStore, str]:
    """The store, for a caller who may come in, with who calls. Raises AwsError 401, 403, 404."""
    user = call.world.state(PlayAccounts).caller(call, PUBLISHER)
    if call.args["package"] != PACKAGE:
        raise not_found(f"No application was found for the given package name: {call.args['package']}.")
    return call.world.state(PlayStore), user


@http_route("POST", f"{APP}/edits")
def insert_edit(call: HttpCall) -> JsonReply:
    """A new edit: a copy of what is live; the caller's earlier one is gone."""
    store, user = publisher(call)
    return JsonReply(200, edit_answer(store.open_edit(user)))


@http_route("GET", _EDIT)
def get_edit(call: HttpCall) -> JsonReply:
    """The edit, as long as it is open."""
    return JsonReply(200, edit_answer(_edit(call)[1]))


@http_route("DELETE", _EDIT)
def delete_edit(call: HttpCall) -> JsonReply:
    """Throw an edit away: 204, nothing of it stays."""
    _edit(call)[1].ended = "deleted"
    return JsonReply(204, None)


@http_route("POST", f"{_EDIT}:validate")
def validate_edit(call: HttpCall) -> JsonReply:
    """Whether the edit could be committed as things are; it stays open."""
    store, edit = _edit(call)
    _check(store, edit)
    return JsonReply(200, edit_answer(edit))


@http_route("POST", f"{_EDIT}:commit")
def commit_edit(call: HttpCall) -> JsonReply:
    """Make the edit the app.

    Without `changesInReviewBehavior=ERROR_IF_IN_REVIEW` what waits for its review loses its place; with it the answer
    is an error, and the edit stays valid.
    """
    store, edit = _edit(call)
    behavior = _BEHAVIORS.get(call.query.get("changesInReviewBehavior", ""))
    hold = call.query.get("changesNotSentForReview", "false")
    if behavior is None or hold not in ("true", "false"):
        raise invalid(f"Invalid value at 'changes_in_review_behavior': {dict(call.query)}")
    if store.before_commit is not None:
        store.before_commit()
    _check(store, edit)
    if behavior == REFUSE and store.in_review():
        names = ", ".join(str(release.body.get("name", "")) for release in store.in_review())
        raise precondition(
            f"There are changes already in review ({names}). Committing this edit would cancel that review. To do so, "
            f"set changesInReviewBehavior to {CANCEL}."
        )
    if store.rejected and hold == "false":
        raise invalid(
            "Changes cannot be sent for review automatically. Please set the query parameter changesNotSentForReview "
            "to true. Once committed, the changes in this edit can be sent for review from the Google Play Console UI."
        )
    if not store.rejected and hold == "true":
        raise invalid(
            "Changes are sent for review automatically. The query parameter changesNotSentForReview must not be set."
        )
    store.apply(edit, cancel=behavior == CANCEL, hold=hold == "true")
    return JsonReply(200, edit_answer(edit))


@http_route("GET", f"{_EDIT}/tracks")
def list_tracks(call: HttpCall) -> JsonReply:
    """All tracks, those without a release too."""
    _, edit = _edit(call)
    tracks = [{"track": track, "releases": releases} for track, releases in edit.tracks.items()]
    return JsonReply(200, {"kind": "androidpublisher#tracksListResponse", "tracks": tracks})


@http_route("GET", _TRACK)
def get_track(call: HttpCall) -> JsonReply:
    """One track as it stands in the edit."""
    _, edit, track = _track(call)
    return JsonReply(200, {"track": track, "releases": edit.tracks[track]})


@http_route("PUT", _TRACK)
def update_track(call: HttpCall) -> JsonReply:
    """Put other releases in place of all that are there: what is not sent is gone."""
    return _changed(call, call.json().get("releases", []))


@http_route("PATCH", _TRACK)
def patch_track(call: HttpCall) -> JsonReply:
    """As the update, but a track whose releases are not named keeps them."""
    _, edit, track = _track(call)
    return _changed(call, call.json().get("releases", edit.tracks[track]))


@http_route("GET", f"{_EDIT}/bundles")
def list_bundles(call: HttpCall) -> JsonReply:
    """The app's bundles, with their version codes."""
    store, _ = _edit(call)
    bundles = []
    for code, bundle in sorted(store.bundles.items()):
        content = f"{bundle.name} {code}".encode()
        sums = {
            "sha1": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        bundles.append({"versionCode": code} | sums)
    return JsonReply(200, {"kind": "androidpublisher#bundlesListResponse", "bundles": bundles})


@http_route("GET", f"{APP}/tracks/<track>/releases")
def list_releases(call: HttpCall) -> JsonReply:
    """The releases of a track with the states of their reviews, at most 20. No edit is needed, none is disturbed."""
    store, _ = publisher(call)
    track = call.args["track"]
    if track not in store.tracks:
        raise not_found(f"Track not found: {track}.")
    store.settle()
    listed = [
        {
            "releaseName": release.body.get("name", ""),
            "track": track,
            "releaseLifecycleState": f"RELEASE_LIFECYCLE_STATE_{release.state}",
            "activeArtifacts": [{"versionCode": code} for code in release.codes],
        }
        for release in store.tracks[track]
        if release.state != DRAFT
    ]
    return JsonReply(200, {"releases": listed[:20]})


def _edit(call: HttpCall) -> tuple[PlayStore, PlayEdit]:
    store, user = publisher(call)
    return store, store.edit(call.args["edit"], user)


def _track(call: HttpCall) -> tuple[PlayStore, PlayEdit, str]:
    store, edit = _edit(call)
    track = call.args["track"]
    if track not in edit.tracks:
        raise not_found(f"Track not found: {track}.")
    return store, edit, track


def _changed(call: HttpCall, releases: Any) -> JsonReply:
    store, edit, track = _track(call)
    named = call.json().get("track", track)
    if named != track:
        raise invalid(f"track: expected {track}, as in the address; saw {named!r}")
    if not isinstance(releases, list):
        raise AwsError("INVALID_ARGUMENT", "Invalid value at 'track.releases', expected a list.", 400)
    store.check_base(edit)
    edit.tracks[track] = [check_release(body, track) for body in releases]
    return JsonReply(200, {"track": track, "releases": edit.tracks[track]})


def _check(store: PlayStore, edit: PlayEdit) -> None:
    store.settle()
    store.check_base(edit)
    for track, releases in edit.tracks.items():
        check_track(store, track, releases)
