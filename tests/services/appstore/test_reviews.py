"""Submissions: who has sent what, taken back where it must be."""

from __future__ import annotations

from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.services.appstore.client import AppStoreConnect
from drcore.services.appstore.reviews import (
    Submission,
    add_to_submission,
    cancel_submission,
    create_submission,
    send_submission,
    submissions,
)
from drcore.services.appstore.versions import (
    create_version,
    store_versions,
)


def test_a_submission_should_be_taken_back(apple: AppStoreConnect, store: AppStore) -> None:
    version = create_version(apple, "4.12.0", store.upload("4120", "4.12.0").id)
    submission = create_submission(apple)
    assert submissions(apple) == (Submission(submission, "READY_FOR_REVIEW"),)
    add_to_submission(apple, submission, version)
    send_submission(apple, submission)
    cancel_submission(apple, submission)
    assert submissions(apple)[0].state == "COMPLETE"
    assert store_versions(apple)[0].state == "DEVELOPER_REJECTED"
