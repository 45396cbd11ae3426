"""Record sets are written whole, health checks only as they were seen."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.services import route53
from tests.services.conftest import Edit
from tests.support.service_calls import NAME, ZONE

CHECK = "hc-syncwell-us-east-1"


def test_a_record_set_keeps_all_but_its_weight(aws: Aws) -> None:
    before = route53.records(aws, ZONE, NAME)
    route53.upsert(aws, ZONE, before[0].weighing(0), "x" * 300)  # AWS takes a comment of 256
    after = route53.records(aws, ZONE, NAME)
    assert after[0].weight == 0 and after[1] == before[1]
    assert after[0].health_check == before[0].health_check != ""
    assert after[0].weighing(before[0].weight) == before[0]
    route53.upsert(aws, ZONE, before[0], "back")
    assert route53.records(aws, ZONE, NAME) == before


def test_an_alias_record_is_repeated_as_it_is(aws: Aws, edit: Edit) -> None:
    target = {"HostedZoneId": "Z35SXDOTRQ7X7K", "DNSName": "lb.example.com.", "EvaluateTargetHealth": True}
    whole = {"Name": NAME, "Type": "A", "SetIdentifier": "one", "Weight": 10, "AliasTarget": target}
    edit("route53.ListResourceRecordSets", lambda answer: answer.update(ResourceRecordSets=[whole]))
    (found,) = route53.records(aws, ZONE, NAME)
    assert (found.values, found.ttl, found.weight) == (("alias of lb.example.com.",), None, 10)
    assert json.loads(found.weighing(90).whole) == whole | {"Weight": 90}


def test_a_check_that_was_changed_since_it_was_read_stays(aws: Aws) -> None:
    seen = route53.health_check(aws, CHECK)
    route53.set_health_check(aws, seen, disabled=True, inverted=True)
    with pytest.raises(Rejected) as refused:
        route53.set_health_check(aws, seen, disabled=False, inverted=False)
    assert refused.value.code == "HealthCheckVersionMismatch"
    now = route53.health_check(aws, CHECK)
    assert (now.disabled, now.inverted) == (True, True)
    route53.set_health_check(aws, now, disabled=False, inverted=False)
    assert route53.health_check(aws, CHECK) == seen


def test_a_checker_is_well_only_if_it_says_success(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        states = ("Success: HTTP Status Code 200, OK", "Failure: HTTP Status Code 500", "Failure: Connection timed out")
        answer["HealthCheckObservations"] = [{"StatusReport": {"Status": state}} for state in states]

    edit("route53.GetHealthCheckStatus", change)
    found = route53.checkers(aws, CHECK)
    assert (found.total, found.down, found.down_percent) == (3, 2, 66.7)


def test_no_checker_is_no_share(aws: Aws, edit: Edit) -> None:
    def change(answer: dict[str, Any]) -> None:
        answer["HealthCheckObservations"] = []

    edit("route53.GetHealthCheckStatus", change)
    assert route53.checkers(aws, CHECK).down_percent is None
