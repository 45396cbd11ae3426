"""Versions of the app with their phased releases: as they are, changed only as they were seen."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.gate import CallGate, Writes, WriteStopped
from drcore.errors import Busy, Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.store import TERRITORIES, AppStore
from drcore.services.appstore import client as client_module
from drcore.services.appstore.availability import territories
from drcore.services.appstore.client import AppStoreConnect
from drcore.services.appstore.reviews import (
    add_to_submission,
    create_submission,
    send_submission,
    submissions,
)
from drcore.services.appstore.versions import (
    LIVE,
    PhasedRelease,
    builds,
    create_version,
    phased_release,
    store_versions,
    turn_phased_release,
)


def test_versions_should_come_with_their_phased_release(apple: AppStoreConnect) -> None:
    live, old = store_versions(apple)
    assert (live.name, live.state, live.phase.state, live.phase.day, live.phase.percent) == (
        "4.11.0",
        LIVE,
        "ACTIVE",
        3,
        5,
    )
    assert (old.name, old.state) == ("4.10.0", "REPLACED_WITH_NEW_VERSION")
    assert phased_release(apple, live.id) == live.phase


def test_all_pages_should_be_read(apple: AppStoreConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (store_versions(apple), territories(apple))
    monkeypatch.setattr(client_module, "_LIMIT", 1)
    assert (store_versions(apple), territories(apple)) == whole
    assert {each.code for each in whole[1]} == set(TERRITORIES)


def test_a_pause_should_be_seen_with_its_days(apple: AppStoreConnect, world: InProcess, store: AppStore) -> None:
    live = store_versions(apple)[0]
    turn_phased_release(apple, live.id, live.phase, "PAUSED")
    world.world.clock.advance(3 * 86_400)
    paused = phased_release(apple, live.id)
    assert (paused.state, paused.day, paused.days_paused, paused.percent) == ("PAUSED", 3, 3, 0)
    turn_phased_release(apple, live.id, paused, "ACTIVE")
    assert store.automatic() == 0.05


def test_a_phased_release_that_has_changed_should_not_be_written(apple: AppStoreConnect, store: AppStore) -> None:
    live = store_versions(apple)[0]
    assert store.versions[0].phase is not None
    store.versions[0].phase.state = "COMPLETE"
    with pytest.raises(Busy, match=r"expected .*ACTIVE.*, seen .*COMPLETE"):
        turn_phased_release(apple, live.id, live.phase, "PAUSED")


def test_complete_should_not_be_sent(apple: AppStoreConnect, gate: CallGate) -> None:
    live = store_versions(apple)[0]
    everybody: Any = "COMPLETE"
    with pytest.raises(Rejected, match="cannot be taken back"):
        turn_phased_release(apple, live.id, live.phase, everybody)
    assert not any(call.write for call in gate.made)


def test_a_version_without_a_phased_release_should_reach_everybody(apple: AppStoreConnect, store: AppStore) -> None:
    store.versions[0].phase = None
    live = store_versions(apple)[0]
    assert live.phase == phased_release(apple, live.id) == PhasedRelease()
    assert live.phase.percent == 100


def test_a_version_should_go_from_its_build_to_the_store(
    apple: AppStoreConnect, world: InProcess, store: AppStore
) -> None:
    store.upload("4119", "4.12.0")
    world.world.clock.advance(60)
    uploaded = store.upload("4120", "4.12.0")
    newest, older = builds(apple, "4.12.0")
    assert (newest.id, newest.number, newest.state, older.number) == (uploaded.id, "4120", "VALID", "4119")
    version = create_version(apple, "4.12.0", newest.id)
    with pytest.raises(Rejected, match="cannot create a new version of the App in the current state"):
        create_version(apple, "4.13.0", newest.id)
    submission = create_submission(apple)
    add_to_submission(apple, submission, version)
    send_submission(apple, submission)
    (sent,) = submissions(apple)
    assert (sent.state, sent.version, sent.actor) == ("WAITING_FOR_REVIEW", version, "API_KEY")
    world.world.clock.advance(5 * 3600)
    live = store_versions(apple)[0]
    assert (live.state, live.phase.percent) == (LIVE, 100)


def test_a_rehearsal_should_write_nothing(apple: AppStoreConnect, gate: CallGate, store: AppStore) -> None:
    gate.writes = Writes.FORBIDDEN
    live = store_versions(apple)[0]
    with gate.during(Writes.STOPPED), pytest.raises(WriteStopped) as stopped:
        turn_phased_release(apple, live.id, live.phase, "PAUSED")
    assert stopped.value.call.parameters["json"]["data"]["attributes"] == {"phasedReleaseState": "PAUSED"}
    assert store.automatic() == 0.05
