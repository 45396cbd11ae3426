"""A version is submitted, waits, is reviewed; our server is told."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.store import APP, AppStore
from drcore.sandbox.vendors.appstoreconnect.webhooks import STATE_UPDATED, IosWebhooks
from tests.sandbox.vendors.appstoreconnect.conftest import OF_APP, V1, Ask, body, problem

SECRET = "between us and Apple"  # noqa: S105 - of the emulated store
SUBMISSIONS = f"{V1}/reviewSubmissions"


@pytest.fixture
def version(ask: Ask, store: AppStore) -> str:
    build = store.upload("4120", "4.12.0")
    sent = body(
        "appStoreVersions",
        {"platform": "IOS", "versionString": "4.12.0"},
        app=("apps", APP),
        build=("builds", build.id),
    )
    return str(ask("POST", f"{V1}/appStoreVersions", sent)[1]["data"]["id"])


@pytest.fixture
def submission(ask: Ask, version: str) -> str:
    name = ask("POST", SUBMISSIONS, body("reviewSubmissions", {"platform": "IOS"}, app=("apps", APP)))[1]["data"]["id"]
    assert put_in(ask, name, version)[0] == 201
    return str(name)


def put_in(ask: Ask, submission: str, version: str) -> tuple[int, Any]:
    held, of = ("reviewSubmissions", submission), ("appStoreVersions", version)
    sent = body("reviewSubmissionItems", reviewSubmission=held, appStoreVersion=of)
    return ask("POST", f"{V1}/reviewSubmissionItems", sent)


def send(ask: Ask, name: str, **attributes: bool) -> tuple[int, Any]:
    return ask("PATCH", f"{SUBMISSIONS}/{name}", body("reviewSubmissions", attributes, name))


def state(ask: Ask, version: str) -> str:
    return str(ask("GET", f"{V1}/appStoreVersions/{version}")[1]["data"]["attributes"]["appVersionState"])


def test_a_version_should_wait_be_reviewed_and_go_on_sale(
    ask: Ask, store: AppStore, version: str, submission: str, empty: InProcess
) -> None:
    assert state(ask, version) == "READY_FOR_REVIEW"
    assert send(ask, submission, submitted=True)[1]["data"]["attributes"]["state"] == "WAITING_FOR_REVIEW"
    seen = []
    for _ in range(6):
        seen.append(state(ask, version))
        empty.world.clock.advance(3600)
    waiting, review, live = "WAITING_FOR_REVIEW", "IN_REVIEW", "READY_FOR_DISTRIBUTION"
    assert seen == [waiting, waiting, waiting, review, review, live]
    assert store.versions[1].state == "REPLACED_WITH_NEW_VERSION"


def test_who_has_submitted_should_be_told(ask: Ask, submission: str) -> None:
    send(ask, submission, submitted=True)
    document = ask("GET", f"{OF_APP}/reviewSubmissions?include=submittedByActor")[1]
    (row,) = document["data"]
    (actor,) = document["included"]
    assert row["relationships"]["submittedByActor"]["data"]["id"] == actor["id"]
    assert actor["attributes"]["actorType"] == "API_KEY"


def test_a_rejection_should_leave_the_old_version_on_sale(
    ask: Ask, store: AppStore, version: str, submission: str, empty: InProcess
) -> None:
    store.rejects = True
    send(ask, submission, submitted=True)
    empty.world.clock.advance(5 * 3600)
    assert state(ask, version) == "REJECTED"
    row = ask("GET", f"{SUBMISSIONS}/{submission}")[1]["data"]
    assert row["attributes"]["state"] == "UNRESOLVED_ISSUES"
    live = store.live()
    assert live is not None and live.name == "4.11.0"


def test_a_version_that_a_person_releases_should_wait_for_it(
    ask: Ask, version: str, submission: str, empty: InProcess
) -> None:
    released = body("appStoreVersionReleaseRequests", appStoreVersion=("appStoreVersions", version))
    assert problem(ask("POST", f"{V1}/appStoreVersionReleaseRequests", released)) == (409, "STATE_ERROR")
    ask("PATCH", f"{V1}/appStoreVersions/{version}", body("appStoreVersions", {"releaseType": "MANUAL"}, version))
    send(ask, submission, submitted=True)
    empty.world.clock.advance(5 * 3600)
    assert state(ask, version) == "PENDING_DEVELOPER_RELEASE"
    assert ask("POST", f"{V1}/appStoreVersionReleaseRequests", released)[0] == 201
    assert state(ask, version) == "READY_FOR_DISTRIBUTION"


def test_a_submission_should_be_taken_back(ask: Ask, version: str, submission: str) -> None:
    assert problem(ask("POST", SUBMISSIONS, body("reviewSubmissions", app=("apps", APP)))) == (409, "STATE_ERROR")
    send(ask, submission, submitted=True)
    assert problem(send(ask, submission, submitted=True)) == (409, "STATE_ERROR")
    assert send(ask, submission, canceled=True)[0] == 200
    assert state(ask, version) == "DEVELOPER_REJECTED"


def test_a_version_without_a_build_should_not_be_submitted(ask: Ask, store: AppStore) -> None:
    sent = body("appStoreVersions", {"platform": "IOS", "versionString": "4.12.0"}, app=("apps", APP))
    version = ask("POST", f"{V1}/appStoreVersions", sent)[1]["data"]["id"]
    name = ask("POST", SUBMISSIONS, body("reviewSubmissions", app=("apps", APP)))[1]["data"]["id"]
    assert problem(put_in(ask, name, version)) == (409, "ENTITY_ERROR.RELATIONSHIP.REQUIRED")
    assert problem(send(ask, name, submitted=True)) == (409, "STATE_ERROR")


class TestWebhook:
    """Apple posts to our server, signed with the secret that only both know."""

    @pytest.fixture
    def webhook(self, ask: Ask) -> str:
        sent = {"enabled": True, "eventTypes": [STATE_UPDATED], "name": "review", "secret": SECRET}
        url = {"url": "https://hooks.syncwell.example/appstore"}
        answer = ask("POST", f"{V1}/webhooks", body("webhooks", sent | url, app=("apps", APP)))
        assert answer[0] == 201 and SECRET not in json.dumps(answer[1])
        return str(answer[1]["data"]["id"])

    def deliveries(self, ask: Ask, webhook: str, more: str = "") -> Any:
        return ask("GET", f"{V1}/webhooks/{webhook}/deliveries?include=event{more}")[1]

    def ping(self, ask: Ask, webhook: str) -> int:
        return ask("POST", f"{V1}/webhookPings", body("webhookPings", webhook=("webhooks", webhook)))[0]

    def test_each_state_should_be_posted(
        self, ask: Ask, webhook: str, version: str, submission: str, empty: InProcess
    ) -> None:
        send(ask, submission, submitted=True)
        for _ in range(2):
            empty.world.clock.advance(3 * 3600)
            state(ask, version)
        payloads = [json.loads(each["attributes"]["payload"]) for each in self.deliveries(ask, webhook)["included"]]
        mine = [each["data"] for each in payloads if each["data"]["relationships"]["instance"]["data"]["id"] == version]
        assert [each["attributes"]["newValue"] for each in reversed(mine)] == [
            "READY_FOR_REVIEW",
            "WAITING_FOR_REVIEW",
            "IN_REVIEW",
            "READY_FOR_DISTRIBUTION",
        ]

    def test_a_post_should_be_signed(self, ask: Ask, webhook: str, empty: InProcess) -> None:
        assert self.ping(ask, webhook) == 201
        (delivery,) = empty.world.state(IosWebhooks).deliveries
        digest = hmac.new(SECRET.encode(), delivery.body, hashlib.sha256).hexdigest()
        assert delivery.signature == f"hmacsha256={digest}"

    def test_what_did_not_arrive_should_be_posted_again(self, ask: Ask, webhook: str, empty: InProcess) -> None:
        webhooks = empty.world.state(IosWebhooks)
        webhooks.down = True
        self.ping(ask, webhook)
        (row,) = self.deliveries(ask, webhook, "&filter[deliveryState]=FAILED")["data"]
        assert row["attributes"]["errorMessage"]
        webhooks.down = False
        again = ask(
            "POST", f"{V1}/webhookDeliveries", body("webhookDeliveries", template=("webhookDeliveries", row["id"]))
        )
        assert again[1]["data"]["attributes"]["deliveryState"] == "SUCCEEDED"
        assert again[1]["data"]["attributes"]["redelivery"] is True
        assert webhooks.deliveries[0].body == webhooks.deliveries[1].body

    def test_a_post_to_another_host_should_fail(self, ask: Ask, webhook: str) -> None:
        ask("PATCH", f"{V1}/webhooks/{webhook}", body("webhooks", {"url": "https://elsewhere.example/"}, webhook))
        self.ping(ask, webhook)
        assert self.deliveries(ask, webhook)["data"][0]["attributes"]["deliveryState"] == "FAILED"

    def test_a_webhook_should_be_whole(self, ask: Ask, webhook: str) -> None:
        answer = ask("POST", f"{V1}/webhooks", body("webhooks", {"name": "half"}, app=("apps", APP)))
        assert problem(answer) == (409, "ENTITY_ERROR.ATTRIBUTE.REQUIRED")
        assert [row["id"] for row in ask("GET", f"{OF_APP}/webhooks")[1]["data"]] == [webhook]
        assert ask("DELETE", f"{V1}/webhooks/{webhook}") == (204, None)
        assert problem(ask("GET", f"{V1}/webhooks/{webhook}/deliveries")) == (404, "NOT_FOUND")
