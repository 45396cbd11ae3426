"""A routing control is read at the first endpoint that answers, and set where it answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.errors import Rejected, Unknown
from drcore.sandbox.endpoints.in_process import ENDPOINT
from drcore.services import arc
from tests.support.service_calls import CONTROL

ENDPOINTS = [(region, ENDPOINT) for region in ("us-east-1", "us-west-2", "eu-west-1")]
SERVICE = "route53-recovery-cluster"


def test_the_next_endpoint_is_asked_where_one_is_silent(aws: Aws, gate: CallGate, faulty: Callable[..., None]) -> None:
    faulty("dropped-connection", service=SERVICE, region="us-east-1")
    found = arc.control(aws, ENDPOINTS, CONTROL)
    assert (found.on, found.endpoint) == (True, "us-west-2")
    assert gate.made[-1].region == "us-west-2"


def test_where_all_are_silent_the_state_is_unknown_and_each_is_named(aws: Aws, faulty: Callable[..., None]) -> None:
    faulty("dropped-connection", service=SERVICE)
    with pytest.raises(Unknown) as silent:
        arc.control(aws, ENDPOINTS, CONTROL)
    assert all(region in str(silent.value) for region, _ in ENDPOINTS)


def test_a_refusal_of_one_endpoint_is_that_of_all(aws: Aws, gate: CallGate, faulty: Callable[..., None]) -> None:
    faulty("access-denied", service=SERVICE, region="us-east-1")
    with pytest.raises(Rejected):
        arc.control(aws, ENDPOINTS, CONTROL)
    assert {call.region for call in gate.made} == {"us-east-1"}


def test_it_is_set_to_a_state_so_that_twice_does_no_harm(aws: Aws) -> None:
    arc.control(aws, ENDPOINTS, CONTROL)  # which also says where the endpoints are
    for on in (False, False, True, True):
        arc.set_control(aws, "us-east-1", CONTROL, on=on)
        assert arc.control(aws, ENDPOINTS, CONTROL).on is on
