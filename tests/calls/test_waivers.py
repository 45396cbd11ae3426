"""A region that has failed is called by a waiver only: the rule of the gate, alone."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.gate import Call, CallGate, Plane, Waiver

EAST, WEST = "us-east-1", "us-west-2"


def calls() -> tuple[CallGate, list[dict[str, Any]]]:
    noted: list[dict[str, Any]] = []
    return CallGate(lambda event, **fields: noted.append(fields)), noted


def a_read(service: str, region: str) -> Call:
    return Call(service, "Describe", region, False, Plane.CONTROL)


@pytest.mark.parametrize(("service", "region"), [("dynamodb", EAST), ("route53", EAST), ("iam", EAST)])
def test_what_is_away_should_not_be_called_without_a_waiver(service: str, region: str) -> None:
    gate, _ = calls()
    gate.admit(a_read(service, region))
    gate.failed_region = EAST
    with pytest.raises(RuntimeError, match="has failed"):
        gate.admit(a_read(service, region))
    gate.admit(a_read("dynamodb", WEST))


def test_a_global_control_plane_should_need_a_waiver_when_any_region_is_away() -> None:
    gate, _ = calls()
    gate.failed_region = WEST
    gate.admit(a_read("dynamodb", EAST))
    with pytest.raises(RuntimeError, match="has failed"):
        gate.admit(a_read("route53", EAST))


def test_a_waiver_should_stand_beside_each_call_that_it_lets_through_and_cover_no_other_service() -> None:
    gate, noted = calls()
    gate.failed_region = EAST
    with gate.under(Waiver("only there can it be asked", ("route53",))):
        gate.admit(a_read("route53", EAST))
        gate.note(a_read("route53", EAST), "OK")
        gate.note(a_read("sqs", WEST), "OK")
        with pytest.raises(RuntimeError, match="has failed"):
            gate.admit(a_read("sqs", EAST))
    with pytest.raises(RuntimeError, match="has failed"):
        gate.admit(a_read("route53", EAST))
    assert [each.get("waiver") for each in noted] == ["only there can it be asked", None]
