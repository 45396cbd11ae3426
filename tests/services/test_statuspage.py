"""The incident of a run is found however many were opened after it: Statuspage gives a hundred a page."""

from __future__ import annotations

from drcore.calls.http import Http
from drcore.sandbox.endpoints.in_process import ENDPOINT
from drcore.services import statuspage
from drcore.services.statuspage import PublicIncident

PAGE = statuspage.Page(f"{ENDPOINT}/statuspage/v1", "syncwell-page", "key")


def opened(http: Http, run_id: str) -> None:
    statuspage.open_incident(http, PAGE, run_id, "Some requests are failing", f"by {run_id}", {"api": "operational"})


def test_an_incident_is_found_behind_two_pages_of_newer_ones(http: Http) -> None:
    opened(http, "mine")
    for number in range(220):
        opened(http, f"other-{number}")

    assert statuspage.incident_of(http, PAGE, "mine").body == "by mine"
    assert statuspage.incident_of(http, PAGE, "other-219").body == "by other-219"
    assert statuspage.incident_of(http, PAGE, "nobody") == PublicIncident()


def test_a_full_last_page_is_not_taken_for_more_than_it_is(http: Http) -> None:
    for number in range(79):  # 300 with those above
        opened(http, f"more-{number}")
    assert statuspage.incident_of(http, PAGE, "nobody") == PublicIncident()
