"""Submissions for review (App Store Connect): who has sent what, how far Apple is."""

from __future__ import annotations

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.vendors.appstoreconnect.access import KEY_ID
from drcore.sandbox.vendors.appstoreconnect.answers import (
    Row,
    attributes,
    listed,
    not_there,
    one,
    related,
    state_error,
    to,
)
from drcore.sandbox.vendors.appstoreconnect.store import (
    APP,
    IN_REVIEW,
    PREPARE,
    READY,
    REJECTED,
    WAIT,
    AppStore,
    IosActor,
    IosSubmission,
)
from drcore.sandbox.vendors.appstoreconnect.versions import V1, app_store, of_the_app

_KIND = "reviewSubmissions"
_UNDER_WAY = (READY, WAIT, IN_REVIEW, "UNRESOLVED_ISSUES")


@http_route("GET", f"{V1}/apps/<app>/reviewSubmissions")
def list_review_submissions(call: HttpCall) -> JsonReply:
    """The submissions of the app, newest first, with who has sent each (`include=submittedByActor`)."""
    store = of_the_app(call)
    states = list(filter(None, call.query.get("filter[state]", "").split(",")))
    rows = [each for each in reversed(store.submissions) if not states or each.state in states]
    included = dict[str, Row]()
    if "submittedByActor" in call.query.get("include", ""):
        included = {each.id: _actor(store.actors[each.actor]) for each in rows if each.actor}
    known = ("filter[state]", "filter[platform]", "include")
    return listed(call, [_submission(each) for each in rows], known, included)


@http_route("POST", f"{V1}/reviewSubmissions")
def create_review_submission(call: HttpCall) -> JsonReply:
    """A submission without items; only one that is not over at a time."""
    store = app_store(call)
    attributes(call, _KIND, ("platform",))
    if related(call, "app", "apps") != APP:
        raise AwsError("ENTITY_ERROR.RELATIONSHIP.INVALID", "The app is not known", 409)
    if any(each.state in _UNDER_WAY for each in store.submissions):
        raise state_error("There is another submission of this app that is not over")
    store.submissions.append(IosSubmission(store.new_id("submission")))
    return one(call, _submission(store.submissions[-1]), status=201)


@http_route("GET", f"{V1}/reviewSubmissions/<submission>")
def get_review_submission(call: HttpCall) -> JsonReply:
    """One submission."""
    store = app_store(call)
    submission = _found(store, call.args["submission"])
    included = [_actor(store.actors[submission.actor])] if submission.actor else []
    return one(call, _submission(submission), included=included)


@http_route("POST", f"{V1}/reviewSubmissionItems")
def create_review_submission_item(call: HttpCall) -> JsonReply:
    """Put a version, which must have a build, into a submission that is not sent yet."""
    store = app_store(call)
    attributes(call, "reviewSubmissionItems", ())
    submission = _found(store, related(call, "reviewSubmission", _KIND))
    name = related(call, "appStoreVersion", "appStoreVersions")
    version = next((each for each in store.versions if each.id == name), None)
    if version is None:
        raise not_there("appStoreVersions", name)
    if submission.state != READY or version.state not in (PREPARE, REJECTED, "DEVELOPER_REJECTED"):
        raise state_error(f"The submission is {submission.state}, the version is {version.state}")
    if not version.build:
        raise AwsError("ENTITY_ERROR.RELATIONSHIP.REQUIRED", "The version has no build", 409)
    submission.items[version.id] = READY
    store.turn(version, READY)
    return one(call, _item(submission, version.id), status=201)


@http_route("GET", f"{V1}/reviewSubmissions/<submission>/items")
def list_review_submission_items(call: HttpCall) -> JsonReply:
    """What a submission holds."""
    submission = _found(app_store(call), call.args["submission"])
    return listed(call, [_item(submission, name) for name in submission.items])


@http_route("PATCH", f"{V1}/reviewSubmissions/<submission>")
def update_review_submission(call: HttpCall) -> JsonReply:
    """Send a submission to Apple (`submitted`), or take it back (`canceled`), after which the version is open again."""
    store = app_store(call)
    submission = _found(store, call.args["submission"])
    sent = attributes(call, _KIND, ("platform", "submitted", "canceled"), name=submission.id)
    versions = [each for each in store.versions if each.id in submission.items]
    if sent.get("submitted") is True:
        if submission.state != READY or not versions:
            raise state_error(f"The submission is {submission.state}, with {len(versions)} items: it cannot be sent")
        submission.state, submission.submitted = WAIT, store.world.clock.now()
        submission.actor = f"key-{KEY_ID}"
        for version in versions:
            store.turn(version, WAIT)
    elif sent.get("canceled") is True:
        if submission.state not in _UNDER_WAY:
            raise state_error(f"The submission is {submission.state}: it cannot be taken back")
        submission.state = "COMPLETE"
        for version in versions:
            submission.items[version.id] = "REMOVED"
            store.turn(version, "DEVELOPER_REJECTED")
    else:
        raise AwsError("ENTITY_ERROR.ATTRIBUTE.REQUIRED", "'submitted' or 'canceled' must be true", 409)
    return one(call, _submission(submission))


def _found(store: AppStore, name: str) -> IosSubmission:
    for submission in store.submissions:
        if submission.id == name:
            return submission
    raise not_there(_KIND, name)


def _submission(submission: IosSubmission) -> Row:
    attributes: Row = {"platform": "IOS", "state": submission.state}
    relations: Row = {"app": to("apps", APP)}
    if submission.submitted is not None:
        attributes["submittedDate"] = iso(submission.submitted)
    if submission.actor:
        relations["submittedByActor"] = to("actors", submission.actor)
    for version in submission.items:
        relations["appStoreVersionForReview"] = to("appStoreVersions", version)
    row: Row = {"type": _KIND, "id": submission.id, "attributes": attributes, "relationships": relations}
    return row | {"links": {"self": f"{V1}/{_KIND}/{submission.id}"}}


def _item(submission: IosSubmission, version: str) -> Row:
    return {
        "type": "reviewSubmissionItems",
        "id": f"{submission.id}:{version}",
        "attributes": {"state": submission.items[version]},
        "relationships": {"appStoreVersion": to("appStoreVersions", version)},
    }


def _actor(actor: IosActor) -> Row:
    attributes = {"actorType": actor.kind} | ({"apiKeyId": KEY_ID} if actor.kind == "API_KEY" else {})
    return {"type": "actors", "id": actor.id, "attributes": attributes}
