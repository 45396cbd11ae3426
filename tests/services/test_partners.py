"""What a partner answers, and what its page says, is told apart: well, refused, throttled, no answer, no such page."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drcore.calls.http import Http
from drcore.errors import Busy, Rejected, Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.vendors.partners.pages import Manner, PartnerPage, PartnerPages
from drcore.sandbox.vendors.partners.state import PartnerHealth, Partners
from drcore.services import partners

API = f"{ENDPOINT}/partner/strideon/v1/read-activities"
PAGE = f"{ENDPOINT}/partner-status/strideon"
KEY = "emulated-strideon-key-1"


def become(world: InProcess, **health: float) -> None:
    world.world.state(Partners).become("strideon", PartnerHealth(**health))


def test_a_partner_that_is_well_answers_well(world: InProcess, http: Http) -> None:
    become(world, errors=0)
    partners.ask(http, API, KEY)


def test_a_key_that_is_not_ours_any_more_is_refused_by_its_status(world: InProcess, http: Http) -> None:
    become(world, errors=0)
    with pytest.raises(Rejected) as refused:
        partners.ask(http, API, "an old one")
    assert (refused.value.code, type(refused.value)) == ("401", Rejected)


@pytest.mark.parametrize("health", [{"errors": 1.0}, {"errors": 0.0, "timeouts": 1.0}], ids=["errors", "silence"])
def test_an_error_and_silence_are_no_answer(world: InProcess, http: Http, health: dict[str, float]) -> None:
    become(world, **health)
    with pytest.raises(Unknown):
        partners.ask(http, API, KEY)
    become(world, errors=0)


def test_too_many_calls_are_busy(world: InProcess, http: Http) -> None:
    become(world, errors=0)
    known = world.world.state(Partners).known["strideon"]
    known.a_minute, taken = 0, known.a_minute
    with pytest.raises(Busy) as busy:
        partners.ask(http, API, KEY)
    assert busy.value.after > 0
    known.a_minute = taken


def test_a_page_is_read_by_the_ids_of_its_components(world: InProcess, http: Http) -> None:
    world.world.state(PartnerPages).known["strideon"] = PartnerPage(lag=timedelta(0))
    become(world, errors=0.9)
    said = partners.page(http, PAGE)
    assert said.indicator == "critical"
    assert said.components["read-activities"] == "major_outage"
    become(world, errors=0)


@pytest.mark.parametrize("manner", [Manner.HTML, Manner.SILENT, Manner.BROKEN], ids=lambda each: each.name)
def test_a_page_that_is_no_summary_is_unknown(world: InProcess, http: Http, manner: Manner) -> None:
    world.world.state(PartnerPages).known["strideon"] = PartnerPage(manner)
    with pytest.raises(Unknown):
        partners.page(http, PAGE)
    world.world.state(PartnerPages).known["strideon"] = PartnerPage()
