"""The gateway in front of the LLM: its order as it is, as it is to be; a key that it does not take."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.http import Http
from drcore.errors import Rejected, Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.syncwell.company.names import LLM_KEY
from drcore.sandbox.vendors.llm import Llm
from drcore.services import llm_gateway
from drcore.services.llm_gateway import Gateway

OURS = Gateway(f"{ENDPOINT}/llm", LLM_KEY)


def test_an_order_that_is_set_is_the_one_that_is_read(http: Http) -> None:
    assert llm_gateway.order(http, OURS) == ("primary",)
    llm_gateway.set_order(http, OURS, ("secondary", "primary"))
    assert llm_gateway.order(http, OURS) == ("secondary", "primary")
    llm_gateway.set_order(http, OURS, ("primary",))


def test_a_model_that_the_gateway_does_not_know_is_refused_and_changes_nothing(http: Http) -> None:
    with pytest.raises(Rejected, match="nobodys") as refused:
        llm_gateway.set_order(http, OURS, ("nobodys",))
    assert not llm_gateway.refuses_key(refused.value)
    assert llm_gateway.order(http, OURS) == ("primary",)


def test_a_key_that_is_wrong_or_has_expired_is_told_from_any_other_refusal(http: Http, world: InProcess) -> None:
    llm = world.world.state(Llm)
    for gateway, expires in ((Gateway(OURS.url, "another"), llm.expires), (OURS, world.world.clock.now())):
        before, llm.expires = llm.expires, expires
        try:
            with pytest.raises(Rejected) as refused:
                llm_gateway.order(http, gateway)
        finally:
            llm.expires = before
        assert llm_gateway.refuses_key(refused.value)


@pytest.mark.parametrize("targets", [None, [], "primary", [1]])
def test_an_order_that_is_none_is_unknown(
    http: Http, world: InProcess, monkeypatch: pytest.MonkeyPatch, targets: Any
) -> None:
    monkeypatch.setattr(Http, "ask", lambda *_, **__: {"targets": targets})
    with pytest.raises(Unknown, match="expected names of models"):
        llm_gateway.order(http, OURS)


def test_the_key_stands_in_no_text() -> None:
    assert LLM_KEY not in repr(OURS)
