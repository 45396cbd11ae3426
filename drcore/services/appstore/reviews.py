"""Submissions of an app for Apple's review: who has sent what, how far it is."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.services.answers import VendorAnswer, understood
from drcore.services.appstore.client import AppStoreConnect, Relationship, ResourcePage, resource

UNDER_WAY = ("READY_FOR_REVIEW", "WAITING_FOR_REVIEW", "IN_REVIEW", "UNRESOLVED_ISSUES", "COMPLETING", "CANCELING")
_KIND = "reviewSubmissions"


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission: its state in Apple's words, the version in it, the kind of actor who has sent it.

    `actor` is USER, API_KEY, XCODE_CLOUD or APPLE; empty: nobody has sent it.
    """

    id: str
    state: str
    version: str = ""
    actor: str = ""
    submitted: str = ""


class _SubmissionRelations(VendorAnswer):
    app_store_version_for_review: Relationship = Relationship()
    submitted_by_actor: Relationship = Relationship()


class _SubmissionSaid(VendorAnswer):
    state: str
    submitted_date: str = ""


class _Submission(VendorAnswer):
    id: str
    attributes: _SubmissionSaid
    relationships: _SubmissionRelations = _SubmissionRelations()


class _ActorSaid(VendorAnswer):
    actor_type: str


class _Actor(VendorAnswer):
    id: str
    type: str
    attributes: _ActorSaid


class _Submissions(ResourcePage):
    data: tuple[_Submission, ...]
    included: tuple[_Actor, ...] = ()


class _SubmissionAnswer(VendorAnswer):
    data: _Submission


def submissions(store: AppStoreConnect) -> tuple[Submission, ...]:
    """All submissions of the app, the newest first, with who has sent each. Raises Unknown, Rejected."""
    path, what = f"/v1/apps/{store.app.app}/{_KIND}", "the submissions for review"
    rows = []
    for page in store.pages(path, _Submissions, what, include="submittedByActor"):
        actors = {each.id: each.attributes.actor_type for each in page.included}
        for row in page.data:
            version = row.relationships.app_store_version_for_review.data
            actor = row.relationships.submitted_by_actor.data
            attributes = row.attributes
            kind = actors.get(actor.id, "") if actor is not None else ""
            name = version.id if version is not None else ""
            rows.append(Submission(row.id, attributes.state, name, kind, attributes.submitted_date))
    return tuple(rows)


def create_submission(store: AppStoreConnect) -> str:
    """A submission without items; returns its id. Raises Rejected where another one is under way."""
    asked = resource(_KIND, attributes={"platform": "IOS"}, app=("apps", store.app.app))
    return understood(store.write("POST", f"/v1/{_KIND}", asked), _SubmissionAnswer, "the new submission").data.id


def add_to_submission(store: AppStoreConnect, submission: str, version: str) -> None:
    """Put a version into a submission that is not sent yet. Raises Rejected, Unknown."""
    held, of = (_KIND, submission), ("appStoreVersions", version)
    store.write(
        "POST",
        "/v1/reviewSubmissionItems",
        resource("reviewSubmissionItems", reviewSubmission=held, appStoreVersion=of),
    )


def send_submission(store: AppStoreConnect, submission: str) -> None:
    """Send a submission to Apple. Raises Rejected, Unknown."""
    store.write("PATCH", f"/v1/{_KIND}/{submission}", resource(_KIND, submission, attributes={"submitted": True}))
