"""One token an hour, refusals told apart, and no secret in anything that is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from drcore.calls.gate import CallGate
from drcore.calls.http import Http
from drcore.errors import Busy, NoAnswer, Rejected, Unknown
from drcore.record.redact import HIDDEN, Redactor
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.vendors.googleplay.accounts import EMAIL, PlayAccounts, service_account
from drcore.services.play.client import Play
from drcore.services.play.tracks import read_track, reviews
from tests.support.world_clock import WorldClock

Fault = Callable[..., object]


@pytest.fixture
def play(signing: Play) -> Play:
    """Here the client signs."""
    return signing


def tokens(gate: CallGate) -> int:
    return sum(call.parameters["url"].endswith("/token") for call in gate.made)


def test_a_token_should_be_used_until_it_is_nearly_over(play: Play, gate: CallGate, world: InProcess) -> None:
    reviews(play)
    world.world.clock.advance(3290)
    reviews(play)
    assert tokens(gate) == 1
    world.world.clock.advance(15)
    reviews(play)
    assert tokens(gate) == 2


def test_a_token_that_was_revoked_should_be_asked_for_anew(play: Play, gate: CallGate, world: InProcess) -> None:
    reviews(play)
    world.world.state(PlayAccounts)._tokens.clear()
    with pytest.raises(Rejected) as refused:
        reviews(play)
    assert refused.value.code == "UNAUTHENTICATED"
    assert reviews(play) and tokens(gate) == 2


def test_calls_should_be_spread(play: Play, gate: CallGate) -> None:
    read_track(play)
    clock = play.clock
    assert clock.slept >= 0.05 * (len(gate.made) - 1), "a tenth of a second apart, of which each call takes half"


@pytest.mark.parametrize(
    ("name", "count", "error", "code"),
    [
        ("throttling", 1, Busy, "RESOURCE_EXHAUSTED"),
        ("access-denied", 1, Rejected, "PERMISSION_DENIED"),
        ("dropped-connection", 2, NoAnswer, ""),  # a read is tried twice
    ],
)
def test_refusals_should_be_told_apart(
    play: Play, fault: Fault, name: str, count: int, error: type[Exception], code: str
) -> None:
    fault(name, operation="list_releases", count=count)
    with pytest.raises(error) as raised:
        reviews(play)
    assert raised.type is error
    assert not isinstance(raised.value, Rejected) or raised.value.code == code
    assert reviews(play)


def test_an_account_without_the_permission_should_be_told_so(play: Play, world: InProcess) -> None:
    world.world.state(PlayAccounts).granted.clear()
    with pytest.raises(Rejected, match="The caller does not have permission"):
        reviews(play)


def test_nothing_that_is_written_should_hold_a_secret(play: Play, gate: CallGate, notes: list[dict[str, Any]]) -> None:
    read_track(play)
    secrets = [play._token, json.loads(service_account())["private_key"], "eyJ"]
    written = f"{notes} {gate.made} {[call.command for call in gate.made]} {play.app} {play.app!r}"
    assert [each for each in secrets if each in written or repr(each)[1:-1] in written] == []
    assert '"Authorization: Bearer $KEY"' in gate.made[-1].command


def test_the_redactor_should_know_the_secrets_by_their_form() -> None:
    """Should one get into a text all the same: by an error of a library, a dump, a person."""
    redact = Redactor(environment={})
    key = json.loads(service_account())["private_key"]
    for text in (service_account(), key, repr(key), f"assertion=eyJhbGciOiJSUzI1NiJ9.{'a' * 40}.{'b' * 40}"):
        hidden = redact(text)
        assert HIDDEN in hidden
        assert not any(line in hidden for line in key.splitlines()[1:-1]), hidden


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("not JSON", "the key file of the service account .*expected a valid dictionary.*, seen NoneType"),
        (json.dumps({"client_email": EMAIL}), "privateKey: expected a value, seen none"),
        (service_account().replace("MII", "NII"), "expected an RSA key in PEM, seen something else"),
    ],
)
def test_a_key_that_is_none_should_not_be_shown(
    http: Http, world: InProcess, play: Play, key: str, message: str
) -> None:
    other = Play(http, WorldClock(world), replace(play.app, key=key))
    with pytest.raises(Unknown, match=message) as unknown:
        reviews(other)
    body = json.loads(service_account())["private_key"].splitlines()[2]
    assert body not in str(unknown.value)
    assert unknown.value.__cause__ is None and unknown.value.__suppress_context__


def test_a_key_of_another_account_should_be_rejected(http: Http, world: InProcess, play: Play) -> None:
    document = json.loads(service_account()) | {"client_email": "other@example.iam.gserviceaccount.com"}
    with pytest.raises(Rejected, match="invalid_grant: Invalid grant: account not found"):
        reviews(Play(http, WorldClock(world), replace(play.app, key=json.dumps(document))))
