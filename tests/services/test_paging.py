"""Readers of lists that were whole already stay whole: each is given more entries than its service puts on a page."""

from __future__ import annotations

from typing import Any

from drcore.calls.aws import Aws
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.services import apigateway, appconfig, events, lambda_, route53

EAST = "us-east-1"


def test_deployments_of_an_api(aws: Aws) -> None:
    (api,) = aws.call("apigateway", EAST, "get_rest_apis")["items"]
    before = len(apigateway.deployments(aws, EAST, api["id"]))
    for _ in range(30):  # 25 a page
        aws.call("apigateway", EAST, "create_deployment", restApiId=api["id"])
    assert len(apigateway.deployments(aws, EAST, api["id"])) == before + 30


def test_rules_that_fire(aws: Aws) -> None:
    for number in range(60):
        aws.call("events", EAST, "put_rule", Name=f"many-{number:02}", ScheduleExpression="rate(1 hour)")
    aws.call("events", EAST, "disable_rule", Name="many-59")
    assert len(events.enabled_rules(aws, EAST, "many-")) == 59


def test_record_sets_of_a_name_behind_many_others(aws: Aws) -> None:
    zone = aws.call("route53", EAST, "list_hosted_zones")["HostedZones"][0]
    name = zone["Name"]
    records = [
        {
            "Action": "CREATE",
            "ResourceRecordSet": {
                "Name": f"a{number:03}.{name}",
                "Type": "A",
                "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.1"}],
            },
        }
        for number in range(320)  # 300 a page
    ]
    aws.call("route53", EAST, "change_resource_record_sets", HostedZoneId=zone["Id"], ChangeBatch={"Changes": records})
    assert len(route53.records(aws, zone["Id"], f"api.{name}")) == 2


def test_the_newest_hosted_version(aws: Aws) -> None:
    where = _some_profile(aws)
    last = appconfig.newest(aws, EAST, where).number
    for number in range(last, last + 60):  # 50 a page
        appconfig.add_version(aws, EAST, where, {"number": number}, number, "one more")
    assert appconfig.newest(aws, EAST, where).number == last + 60


def _some_profile(aws: Aws) -> appconfig.Profile:
    application = aws.call("appconfig", EAST, "list_applications")["Items"][0]
    of: dict[str, Any] = {"ApplicationId": application["Id"]}
    environment = aws.call("appconfig", EAST, "list_environments", **of)["Items"][0]
    profile = aws.call("appconfig", EAST, "list_configuration_profiles", **of)["Items"][0]
    return appconfig.profile(aws, EAST, application["Name"], environment["Name"], profile["Name"])


def test_versions_of_a_function(aws: Aws, world: InProcess) -> None:
    made = []
    for number in range(60):  # 50 a page
        code = lambda_.code(aws, EAST, "syncwell-api")
        lambda_.describe(aws, EAST, "syncwell-api", f"version {number}", code)
        world.request("POST", "/_sandbox/clock", {"sleep": 10})
        made.append(lambda_.publish(aws, EAST, "syncwell-api", lambda_.code(aws, EAST, "syncwell-api")))
    assert lambda_.newest_versions(aws, EAST, "syncwell-api", 60) == tuple(reversed(made))
