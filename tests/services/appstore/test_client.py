"""Calls are counted and signed; refusals are told apart; no secret is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drcore.calls.gate import CallGate
from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.appstoreconnect.access import AppStoreKeys
from drcore.services.appstore.client import AppStoreConnect
from drcore.services.appstore.versions import (
    phased_release,
    store_versions,
    turn_phased_release,
)


def test_the_calls_that_are_left_should_be_kept_for_acts(apple: AppStoreConnect, world: InProcess) -> None:
    keys = world.world.state(AppStoreKeys)
    keys.an_hour = 22
    live = store_versions(apple)[0]
    phased_release(apple, live.id)
    assert apple.left == 20
    with pytest.raises(Busy, match="20 calls of this hour are left"):
        store_versions(apple)
    turn_phased_release(apple, live.id, live.phase, "PAUSED")
    world.world.clock.advance(3600)
    assert store_versions(apple), "an hour later they are all there again"


def test_too_many_calls_should_be_busy(apple: AppStoreConnect, world: InProcess) -> None:
    world.world.state(AppStoreKeys).an_hour = 0
    with pytest.raises(Busy, match="429, RATE_LIMIT_EXCEEDED"):
        store_versions(apple)


def test_each_call_should_have_a_token_that_holds(apple: AppStoreConnect, world: InProcess) -> None:
    store_versions(apple)
    world.world.clock.advance(1201)
    assert store_versions(apple)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key": "no key"}, "the private key 2X9R4HXF34: expected a P-256 key in PEM, seen something else"),
        ({"issuer": "somebody"}, "401, NOT_AUTHORIZED"),
        ({"app": "1"}, "404, NOT_FOUND: There is no resource of type 'apps' with id '1'"),
    ],
)
def test_what_is_wrong_should_be_named(apple: AppStoreConnect, change: dict[str, Any], message: str) -> None:
    apple.app = replace(apple.app, **change)
    with pytest.raises((Unknown, Rejected), match=message):
        store_versions(apple)


def test_no_secret_should_be_written(apple: AppStoreConnect, gate: CallGate, notes: list[dict[str, Any]]) -> None:
    live = store_versions(apple)[0]
    turn_phased_release(apple, live.id, live.phase, "PAUSED")
    written = f"{notes} {gate.made} {apple.app}"
    assert "eyJ" not in written
    assert [line for line in apple.app.key.splitlines()[1:-1] if line in written] == []
    assert [(note["call"], note["write"]) for note in notes] == [
        ("http:GET", False),
        ("http:GET", False),
        ("http:PATCH", True),
    ]


def test_another_shape_should_be_unknown(apple: AppStoreConnect, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"versionString": "4.11.0", "appStoreState": "READY_FOR_SALE"}
    row = {"id": "1", "type": "appStoreVersions", "attributes": said}
    monkeypatch.setattr(apple, "_ask", lambda *_, **__: {"data": [row], "links": {"self": ""}})
    with pytest.raises(Unknown, match=r"data\.0\.attributes\.appVersionState: expected a value, seen none"):
        store_versions(apple)
    phase = {"data": {"id": "1", "type": "x", "attributes": {"phasedReleaseState": "HALTED"}}}
    monkeypatch.setattr(apple, "_ask", lambda *_, **__: phase)
    with pytest.raises(Unknown, match=r"phasedReleaseState: expected 'INACTIVE', .*, seen 'HALTED'"):
        phased_release(apple, "1")
