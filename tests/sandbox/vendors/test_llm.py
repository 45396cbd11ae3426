"""An LLM's API: errors that are told apart by name, a gateway that falls back for some of them."""

import json
from datetime import timedelta
from typing import Any

import botocore.session
import pytest

from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.protocol.exchange import Headers, Request
from drcore.sandbox.vendors.llm import FALLS_BACK, GATEWAY, RETRIED, STATUSES, Llm

KEY = {"Authorization": "Bearer llm-key"}
BODY = {"messages": [{"role": "user", "content": [{"text": "merge"}]}]}


@pytest.fixture
def llm(empty: InProcess) -> Llm:
    llm = empty.world.state(Llm)
    for model in ("primary", "secondary"):
        llm.become(model)
    return llm


def ask(empty: InProcess, model: str = "primary", headers: dict[str, str] = KEY) -> tuple[int, str, Any]:
    """Status, name of the error, document."""
    request = Request("POST", f"/llm/model/{model}/converse", Headers(headers.items()), json.dumps(BODY).encode())
    answer = empty.exchange(request)
    return answer.status, answer.headers.get("x-amzn-ErrorType", ""), json.loads(answer.body)


def test_an_answer_should_name_the_model_that_gave_it(empty: InProcess, llm: Llm) -> None:
    status, error, document = ask(empty, "secondary")
    assert (status, error) == (200, "")
    assert document["trace"]["promptRouter"]["invokedModelId"] == "secondary"
    assert empty.request("POST", "/llm/model/primary/converse", {}, KEY)[0] == 400


def test_errors_should_have_bedrocks_names_and_statuses(empty: InProcess, llm: Llm) -> None:
    model = botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("InvokeModel")
    theirs = {each.name: each.metadata["error"]["httpStatusCode"] for each in model.error_shapes}
    assert {name: theirs[name] for name in STATUSES} == STATUSES
    for name, status in STATUSES.items():
        llm.become("primary", **{name: 1.0})
        assert ask(empty)[:2] == (status, name)


def test_one_status_should_stand_for_two_errors_which_only_the_name_tells_apart() -> None:
    assert STATUSES["ThrottlingException"] == STATUSES["ModelNotReadyException"] == 429
    assert STATUSES["ServiceQuotaExceededException"] == 400 and "ServiceQuotaExceededException" not in RETRIED


@pytest.mark.parametrize("error", sorted(STATUSES.keys() - {"AccessDeniedException", "ResourceNotFoundException"}))
def test_the_gateway_should_fall_back_for_want_of_capacity_only(empty: InProcess, llm: Llm, error: str) -> None:
    llm.rule = ("primary", "secondary")
    llm.become("primary", **{error: 1.0})
    status, seen, _ = ask(empty, GATEWAY)
    assert (status, seen) == ((200, "") if error in FALLS_BACK else (STATUSES[error], error))
    assert llm.asked["secondary", ""] == (error in FALLS_BACK)


def test_a_fallback_that_fails_too_should_be_the_answer(empty: InProcess, llm: Llm) -> None:
    llm.rule = ("primary", "secondary")
    llm.become("primary", ThrottlingException=1.0)
    llm.become("secondary", ModelErrorException=1.0)
    assert ask(empty, GATEWAY)[:2] == (424, "ModelErrorException")


def test_the_order_should_be_written_and_read_back(empty: InProcess, llm: Llm) -> None:
    llm.become("primary", ModelErrorException=1.0)
    assert ask(empty, GATEWAY)[0] == 424
    assert empty.request("PUT", "/llm/gateway/rule", {"targets": ["secondary", "primary"]}, KEY)[0] == 200
    assert empty.request("GET", "/llm/gateway/rule", headers=KEY)[1] == {"targets": ["secondary", "primary"]}
    assert ask(empty, GATEWAY)[0] == 200
    for wrong in ([], ["nobody"], ["primary", "primary"], "primary"):
        assert empty.request("PUT", "/llm/gateway/rule", {"targets": wrong}, KEY)[0] == 400
    assert empty.request("PUT", "/llm/gateway/rule", {"targets": ["primary"]})[0] == 403
    assert llm.rule == ("secondary", "primary")


def test_a_key_may_expire_or_be_another(empty: InProcess, llm: Llm) -> None:
    assert ask(empty)[0] == 200
    llm.expires = empty.world.clock.now() + timedelta(minutes=5)
    assert ask(empty)[0] == 200
    empty.request("POST", "/_sandbox/clock", {"sleep": 301})
    assert ask(empty)[:2] == (403, "AccessDeniedException")
    assert ask(empty, headers={"Authorization": "Bearer other"})[0] == 403
    assert llm.asked["primary", "AccessDeniedException"] == 2


def test_an_error_without_a_name_should_not_be_taken(llm: Llm) -> None:
    with pytest.raises(ValueError, match="expected names of"):
        llm.become("primary", Trouble=1.0)
