"""The status page answers as Statuspage does."""

from typing import Any

import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.exchange import Headers, Request

PAGE = "/statuspage/v1/pages/syncwell-page"
KEY = {"Authorization": "OAuth key"}


@pytest.fixture
def empty(empty: InProcess, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    """The same, where whoever asks takes a second for it."""
    ask = empty.request

    def slowly(*question: Any, **more: Any) -> tuple[int, Any]:
        empty.world.clock.advance(1)
        return ask(*question, **more)

    monkeypatch.setattr(empty, "request", slowly)
    return empty


def _post(sandbox: InProcess, **incident: object) -> dict[str, Any]:
    status, document = sandbox.request("POST", f"{PAGE}/incidents", {"incident": incident}, KEY)
    assert status == 201, document
    return dict(document)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "OAuth "}, {"Authorization": "Bearer key"}])
def test_it_should_want_a_key(empty: InProcess, headers: dict[str, str]) -> None:
    assert empty.request("GET", f"{PAGE}/incidents", headers=headers)[0] == 401
    assert empty.request("POST", f"{PAGE}/incidents", {"incident": {"name": "x"}}, headers)[0] == 401


def test_it_should_make_two_incidents_of_two_equal_posts(empty: InProcess) -> None:
    first, second = (_post(empty, name="down", metadata={"drcore": {"id": "1"}}) for _ in range(2))
    assert first["id"] != second["id"]
    listed = empty.request("GET", f"{PAGE}/incidents", headers=KEY)[1]
    assert [i["id"] for i in listed] == [second["id"], first["id"]]
    assert listed[0]["metadata"] == {"drcore": {"id": "1"}}


def test_it_should_keep_each_update_newest_first_and_take_resolved_ones_off_the_list(
    empty: InProcess,
) -> None:
    incident = _post(empty, name="down", status="identified", body="We know.", components={"api": "major_outage"})
    path = f"{PAGE}/incidents/{incident['id']}"
    change = {"incident": {"status": "resolved", "body": "Over.", "components": {"api": "operational"}}}
    status, changed = empty.request("PATCH", path, change, KEY)
    assert status == 200
    assert [update["body"] for update in changed["incident_updates"]] == ["Over.", "We know."]
    assert changed["resolved_at"] is not None
    assert empty.request("GET", path, headers=KEY)[1] == changed
    assert empty.request("GET", f"{PAGE}/incidents/unresolved", headers=KEY)[1] == []


def test_it_should_leave_a_component_as_it_is_until_it_is_set(empty: InProcess) -> None:
    incident = _post(empty, name="down", components={"sync": "partial_outage"})
    empty.request("PATCH", f"{PAGE}/incidents/{incident['id']}", {"incident": {"status": "resolved"}}, KEY)
    statuses = {c["id"]: c["status"] for c in empty.request("GET", f"{PAGE}/components", headers=KEY)[1]}
    assert statuses == {"api": "operational", "sync": "partial_outage"}
    change = {"component": {"status": "operational"}}
    assert empty.request("PATCH", f"{PAGE}/components/sync", change, KEY)[1]["status"] == "operational"


@pytest.mark.parametrize(
    ("incident", "status", "message"),
    [
        ({}, 422, "incident.name: can't be blank"),
        ({"name": "x", "status": "over"}, 422, "incident.status: expected investigating, "),
        ({"name": "x", "components": {"api": "down"}}, 422, "components.api: expected operational, "),
        ({"name": "x", "components": {"web": "operational"}}, 404, "component: expected api, sync; saw web"),
    ],
)
def test_it_should_refuse_what_the_real_page_refuses(
    empty: InProcess, incident: dict[str, object], status: int, message: str
) -> None:
    answered, document = empty.request("POST", f"{PAGE}/incidents", {"incident": incident}, KEY)
    assert (answered, document["error"].startswith(message)) == (status, True), document
    assert empty.request("GET", f"{PAGE}/incidents", headers=KEY)[1] == []


def test_it_should_not_know_other_pages_or_paths(empty: InProcess) -> None:
    assert empty.request("GET", "/statuspage/v1/pages/other/incidents", headers=KEY)[0] == 404
    assert empty.request("GET", f"{PAGE}/incidents/none", headers=KEY)[0] == 404
    assert empty.request("GET", "/elsewhere")[0] == 404


def listing(key: dict[str, str]) -> Request:
    return Request("GET", f"{PAGE}/incidents", Headers(key.items()))


def test_it_should_refuse_a_key_that_asks_twice_within_a_second(empty: InProcess) -> None:
    with empty.world.clock.frozen():
        first, second = (empty.exchange(listing(KEY)) for _ in range(2))
    other = empty.exchange(listing({"Authorization": "OAuth another"}))
    assert (first.status, second.status, other.status) == (200, 420, 200)
