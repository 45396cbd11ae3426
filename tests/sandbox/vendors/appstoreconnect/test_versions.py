"""Versions, phased releases: what Apple allows in which state."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.store import APP, AppStore, IosVersion
from tests.sandbox.vendors.appstoreconnect.conftest import OF_APP, V1, Ask, body, problem

DAY = 86_400
PHASES = f"{V1}/appStoreVersionPhasedReleases"


def phase(ask: Ask, live: IosVersion) -> dict[str, Any]:
    row = ask("GET", f"{V1}/appStoreVersions/{live.id}/appStoreVersionPhasedRelease")[1]["data"]
    return dict(row["attributes"])


def turn(ask: Ask, live: IosVersion, state: str) -> tuple[int, Any]:
    assert live.phase is not None
    sent = body("appStoreVersionPhasedReleases", {"phasedReleaseState": state}, live.phase.id)
    return ask("PATCH", f"{PHASES}/{live.phase.id}", sent)


def create(ask: Ask, name: str, build: str = "") -> tuple[int, Any]:
    sent = body("appStoreVersions", {"platform": "IOS", "versionString": name}, app=("apps", APP))
    if build:
        sent["data"]["relationships"]["build"] = {"data": {"type": "builds", "id": build}}
    return ask("POST", f"{V1}/appStoreVersions", sent)


def test_versions_should_be_listed_newest_first(ask: Ask) -> None:
    document = ask("GET", f"{OF_APP}/appStoreVersions?include=appStoreVersionPhasedRelease")[1]
    states = [(row["attributes"]["versionString"], row["attributes"]["appVersionState"]) for row in document["data"]]
    assert states == [("4.11.0", "READY_FOR_DISTRIBUTION"), ("4.10.0", "REPLACED_WITH_NEW_VERSION")]
    assert "appStoreState" not in document["data"][0]["attributes"], "deprecated"
    assert {row["type"] for row in document["included"]} == {"appStoreVersionPhasedReleases"}
    filtered = ask("GET", f"{OF_APP}/appStoreVersions?filter[appVersionState]=READY_FOR_DISTRIBUTION")[1]
    assert [row["attributes"]["versionString"] for row in filtered["data"]] == ["4.11.0"]


def test_pages_should_follow_each_other(ask: Ask) -> None:
    first = ask("GET", f"{OF_APP}/appStoreVersions?limit=1")[1]
    assert first["meta"]["paging"]["total"] == 2 and len(first["data"]) == 1
    second = ask("GET", first["links"]["next"])[1]
    assert second["data"][0]["attributes"]["versionString"] == "4.10.0" and "next" not in second["links"]
    assert problem(ask("GET", f"{OF_APP}/appStoreVersions?limit=201")) == (400, "PARAMETER_ERROR.INVALID")
    assert problem(ask("GET", f"{OF_APP}/appStoreVersions?page=2")) == (400, "PARAMETER_ERROR.ILLEGAL")


def test_a_phased_release_should_go_on_day_by_day(
    ask: Ask, store: AppStore, live: IosVersion, empty: InProcess
) -> None:
    shares = []
    for day in range(1, 8):
        assert phase(ask, live)["currentDayNumber"] == day
        shares.append(store.automatic())
        empty.world.clock.advance(DAY)
    assert shares == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    assert phase(ask, live)["phasedReleaseState"] == "COMPLETE"


def test_a_pause_should_hold_the_day_and_be_counted(
    ask: Ask, store: AppStore, live: IosVersion, empty: InProcess
) -> None:
    empty.world.clock.advance(2 * DAY)
    assert turn(ask, live, "PAUSED")[0] == 200
    empty.world.clock.advance(3 * DAY)
    assert phase(ask, live) | {"startDate": ""} == {
        "phasedReleaseState": "PAUSED",
        "currentDayNumber": 3,
        "totalPauseDuration": 3,
        "startDate": "",
    }
    assert store.automatic() == 0
    assert turn(ask, live, "ACTIVE")[0] == 200
    assert store.automatic() == 0.05


def test_a_pause_should_end_by_itself_after_thirty_days(ask: Ask, live: IosVersion, empty: InProcess) -> None:
    turn(ask, live, "PAUSED")
    empty.world.clock.advance(30 * DAY)
    assert phase(ask, live)["phasedReleaseState"] == "ACTIVE"
    assert problem(turn(ask, live, "PAUSED")) == (409, "STATE_ERROR")


def test_complete_should_never_be_taken_back(ask: Ask, store: AppStore, live: IosVersion) -> None:
    assert turn(ask, live, "COMPLETE")[0] == 200
    assert store.automatic() == 1.0
    for state in ("PAUSED", "ACTIVE"):
        assert problem(turn(ask, live, state)) == (409, "STATE_ERROR")


def test_other_states_should_be_refused(ask: Ask, store: AppStore, live: IosVersion) -> None:
    assert problem(turn(ask, live, "HALTED")) == (409, "ENTITY_ERROR.ATTRIBUTE.INVALID")
    assert problem(turn(ask, live, "INACTIVE")) == (409, "STATE_ERROR")
    assert problem(turn(ask, store.versions[1], "PAUSED")) == (409, "STATE_ERROR")
    assert live.phase is not None
    assert problem(ask("DELETE", f"{PHASES}/{live.phase.id}")) == (409, "STATE_ERROR")
    assert problem(ask("GET", f"{V1}/appStoreVersions/none/appStoreVersionPhasedRelease")) == (404, "NOT_FOUND")


def test_a_new_version_should_be_higher_and_alone(ask: Ask, store: AppStore) -> None:
    assert problem(create(ask, "4.10.0")) == (409, "ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE")
    assert problem(create(ask, "4.9.9")) == (409, "ENTITY_ERROR.ATTRIBUTE.INVALID")
    assert problem(create(ask, "4.12.0-rc")) == (409, "ENTITY_ERROR.ATTRIBUTE.INVALID")
    build = store.upload("4120", "4.12.0")
    assert problem(create(ask, "4.12.1", build.id)) == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID")
    assert create(ask, "4.12.0", build.id)[0] == 201
    assert problem(create(ask, "4.13.0")) == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID")


def test_a_version_on_the_store_should_not_be_changed(ask: Ask, live: IosVersion) -> None:
    sent = body("appStoreVersions", {"versionString": "4.11.1"}, live.id)
    assert problem(ask("PATCH", f"{V1}/appStoreVersions/{live.id}", sent)) == (409, "STATE_ERROR")


def test_a_phased_release_should_be_planned_before_its_version_is_out(ask: Ask, store: AppStore) -> None:
    name = create(ask, "4.12.0")[1]["data"]["id"]
    planned = ask("POST", PHASES, body("appStoreVersionPhasedReleases", appStoreVersion=("appStoreVersions", name)))
    assert planned[1]["data"]["attributes"]["phasedReleaseState"] == "INACTIVE"
    assert ask("DELETE", f"{PHASES}/{planned[1]['data']['id']}") == (204, None)


def test_builds_should_be_found_by_version(ask: Ask) -> None:
    rows = ask("GET", f"{V1}/builds?filter[app]={APP}&filter[preReleaseVersion.version]=4.11.0")[1]["data"]
    assert [row["attributes"]["version"] for row in rows] == ["4110"]


@pytest.mark.parametrize("path", ["/v1/apps/1", "/v1/apps/1/appStoreVersions", "/v1/appStoreVersions/1"])
def test_what_is_not_there_should_be_said(ask: Ask, path: str) -> None:
    status, document = ask("GET", f"/appstoreconnect{path}")
    (error,) = document["errors"]
    assert (status, error["status"], error["code"]) == (404, "404", "NOT_FOUND")
    assert set(error) == {"id", "status", "code", "title", "detail"}


def test_there_should_be_no_crashes_of_app_store_users(ask: Ask) -> None:
    for path in ("crashes", "perfPowerMetrics", "crashRateMetricSet", "betaFeedbackCrashSubmissions"):
        assert ask("GET", f"{OF_APP}/{path}")[0] == 404
