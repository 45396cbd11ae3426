"""Submissions: what is sent to Apple, by whom."""

from __future__ import annotations

from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.services.appstore.client import AppStoreConnect
from drcore.services.appstore.reviews import (
    Submission,
    add_to_submission,
    create_submission,
    send_submission,
    submissions,
)
from drcore.services.appstore.versions import create_version, store_versions


def test_a_submission_should_be_sent_once_its_version_is_in_it(apple: AppStoreConnect, store: AppStore) -> None:
    version = create_version(apple, "4.12.0", store.upload("4120", "4.12.0").id)
    submission = create_submission(apple)
    assert submissions(apple) == (Submission(submission, "READY_FOR_REVIEW"),)
    add_to_submission(apple, submission, version)
    send_submission(apple, submission)
    (sent,) = submissions(apple)
    assert (sent.state, sent.version) == ("WAITING_FOR_REVIEW", version)
    assert store_versions(apple)[0].state == "WAITING_FOR_REVIEW"
