"""Partners whose APIs fail by operation, whose pages lag, lie, or give no JSON."""

import random
from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.exchange import Headers, Request
from drcore.sandbox.vendors.partners.pages import Manner, PartnerPages
from drcore.sandbox.vendors.partners.state import OPERATIONS, PartnerHealth, Partners

NAME, KEY = "fitbit", "partner-key"
READ, WRITE, _ = OPERATIONS
DOWN = PartnerHealth(errors=1.0)


@pytest.fixture
def partners(empty: InProcess) -> Partners:
    partners = empty.world.state(Partners)
    partners.create(NAME)
    return partners


def rng(empty: InProcess) -> random.Random:
    return empty.world.rng("test")


def ask(empty: InProcess, operation: str = READ, key: str = KEY) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    return empty.request("GET", f"/partner/{NAME}/v1/{operation}", headers=headers)[0]


def told(empty: InProcess, part: str = "summary") -> Any:
    status, document = empty.request("GET", f"/partner-status/{NAME}/api/v2/{part}.json")
    assert status == 200
    return document


def sleep(empty: InProcess, minutes: float) -> None:
    empty.request("POST", "/_sandbox/clock", {"sleep": minutes * 60})


def test_one_operation_may_fail_and_the_others_be_well(empty: InProcess, partners: Partners) -> None:
    partners.become(NAME, DOWN, WRITE)
    assert (ask(empty, READ), ask(empty, WRITE)) == (200, 503)
    partners.become(NAME, PartnerHealth(errors=0), WRITE)
    assert ask(empty, WRITE) == 200
    assert ask(empty, "nothing") == 404


def test_a_call_that_times_out_should_get_no_answer(empty: InProcess, partners: Partners) -> None:
    partners.become(NAME, PartnerHealth(timeouts=1.0))
    with pytest.raises(TimeoutError):
        ask(empty)


def test_a_key_that_is_not_the_partners_should_look_like_an_outage_and_be_a_401(
    empty: InProcess, partners: Partners
) -> None:
    partners.rotate(NAME, "another")
    done = partners.call(NAME, READ, 50, rng(empty), KEY)
    assert (done.failed, done.unauthorized, done.errors) == (50, 50, 0)
    assert (ask(empty), ask(empty, key="another")) == (401, 200)


def test_calls_above_the_rate_should_be_throttled_until_the_next_minute(empty: InProcess, partners: Partners) -> None:
    partners.known[NAME].a_minute = 100
    done = partners.call(NAME, READ, 130, rng(empty), KEY)
    assert (done.throttled, done.ok + done.errors) == (30, 100)
    assert ask(empty) == 429
    sleep(empty, 1)
    assert ask(empty) == 200
    assert partners.known[NAME].asked[READ] == 132


def test_bulk_calls_should_fail_in_their_share(empty: InProcess, partners: Partners) -> None:
    partners.become(NAME, PartnerHealth(errors=0.3, timeouts=0.2))
    done = partners.call(NAME, READ, 1000, rng(empty), KEY)
    assert done.ok + done.failed == 1000
    assert 250 < done.errors < 350 and 150 < done.timeouts < 250


def test_a_page_should_tell_late_what_was_so(empty: InProcess, partners: Partners) -> None:
    partners.become(NAME, DOWN, WRITE)
    sleep(empty, 11)
    assert told(empty)["status"]["indicator"] == "none"
    sleep(empty, 2)
    seen = told(empty)
    assert seen["status"] == {"indicator": "major", "description": "Partial System Outage"}
    states = {each["name"]: each["status"] for each in seen["components"]}
    assert states == dict.fromkeys(OPERATIONS, "operational") | {WRITE: "major_outage"}
    (incident,) = told(empty, "incidents/unresolved")["incidents"]
    assert [each["name"] for each in incident["components"]] == [WRITE]
    partners.become(NAME, PartnerHealth(errors=0), WRITE)
    assert told(empty)["status"]["indicator"] == "major"  # over, and not yet told
    sleep(empty, 13)
    assert told(empty)["incidents"] == []


@pytest.mark.parametrize(
    ("health", "manner", "indicator"),
    [(DOWN, Manner.SAYS_WELL, "none"), (PartnerHealth(), Manner.SAYS_DOWN, "critical")],
)
def test_a_page_may_lie_both_ways(
    empty: InProcess, partners: Partners, health: PartnerHealth, manner: Manner, indicator: str
) -> None:
    partners.become(NAME, health)
    empty.world.state(PartnerPages).known[NAME].manner = manner
    sleep(empty, 30)
    assert told(empty, "status")["status"]["indicator"] == indicator


def test_a_page_may_give_no_json_or_no_answer(empty: InProcess, partners: Partners) -> None:
    page = empty.world.state(PartnerPages).known[NAME]
    path = f"/partner-status/{NAME}/api/v2/summary.json"
    page.manner = Manner.HTML
    answer = empty.exchange(Request("GET", path, Headers()))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.body.startswith(b"<!doctype html>")
    page.manner = Manner.BROKEN
    assert empty.request("GET", path)[0] == 500
    page.manner = Manner.SILENT
    with pytest.raises(TimeoutError):
        empty.request("GET", path)


def test_degraded_should_be_less_than_down(empty: InProcess, partners: Partners) -> None:
    empty.world.state(PartnerPages).known[NAME].lag = timedelta(0)
    partners.become(NAME, PartnerHealth(latency_ms=5000), READ)
    assert told(empty)["status"]["indicator"] == "minor"
    partners.become(NAME, DOWN)
    assert told(empty)["status"]["indicator"] == "critical"
