"""The work of plan G grows with the incident, not with what the account has behind it: its calls are counted."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.parameters import Mode
from drcore.plans.g import exported_changes, preflight, worker_releases
from drcore.plans.g.deployments import deployments
from drcore.plans.g.tables import recovery_region, table_configuration
from drcore.run.runbook import Runbook
from drcore.services import appconfig
from tests.support.data_corruption import PLAN, REGIONS, arn
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import Stage, client, lines, staged

RELEASES = {"faulty_release": "2026.01.1", "good_release": "2026.01.0"}
LITTLE, MUCH = 3, 30


def opened(stage: Stage) -> Runbook:
    return stage.open(stage.prepare(PLAN, Mode.REHEARSE, incident=RELEASES))


def history(stage: Stage, run: Runbook, count: int) -> None:
    """What an account does in a month: exports each hour, releases of the workers, alarms and logs of other teams."""
    now, region = stage.door.world.clock.now(), recovery_region(run.run)
    span = {"ExportFromTime": now - timedelta(minutes=40), "ExportToTime": now - timedelta(minutes=20)}
    for number in range(count):
        client(run, "dynamodb", region).export_table_to_point_in_time(
            TableArn=arn(run, region),
            S3Bucket=f"syncwell-exports-{region}",
            S3Prefix="hourly",
            ClientToken=f"{now:%H%M}-{number}",
            ExportType="INCREMENTAL_EXPORT",
            IncrementalExportSpecification=span,
        )
    for region in REGIONS:
        releases = [*(f"2025.{number}" for number in range(count)), *reversed(RELEASES.values())]
        for release in releases:
            container = {"name": "w", "image": "w", "environment": [{"name": "RELEASE", "value": release}]}
            client(run, "ecs", region).register_task_definition(
                family="syncwell-worker", containerDefinitions=[container]
            )
        for number in range(count):
            client(run, "logs", region).create_log_group(logGroupName=f"/of/others/{now:%H%M}/{number}")
            other_alarm(run, region, f"of-others-{now:%H%M}-{number}")


def other_alarm(run: Runbook, region: str, name: str) -> None:
    how: dict[str, Any] = {"EvaluationPeriods": 1, "Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold"}
    what = {"Namespace": "Others", "MetricName": "m", "Statistic": "Sum", "Period": 60}
    client(run, "cloudwatch", region).put_metric_alarm(AlarmName=name, **what, **how)


def asked(run: Runbook) -> Counter[str]:
    """The calls of all that is looked up of exports, releases, deployments, alarms, logs: as often as a drill does."""
    for _ in range(3):
        assert exported_changes.exports(run.run) == ()
    for name, check, *_ in preflight.must_exist(run.run):
        assert not (name in RELEASES and check.answer.value != "yes"), check.why
    for region in REGIONS:
        assert worker_releases.good(run.run, region).release == RELEASES["good_release"]
        appconfig.last_deployment(run.run.aws, region, table_configuration(run.run, region))
    deployments(run.run)
    return Counter(line["call"] for line in lines(run, "call"))


@pytest.mark.skipif(not EXHAUSTIVE, reason="a history is made twice, some seconds")
def test_ten_times_the_history_should_cost_no_more_calls(tmp_path: Path) -> None:
    """But for alarms: CloudWatch finds none by what it watches. They are read, a hundred a call, to a bound."""
    with staged(tmp_path) as stage:
        calls = list[Counter[str]]()
        for count in (LITTLE, MUCH):
            history(stage, opened(stage), count)
            stage.sleep(901)  # more than the clocks of a runner and of AWS can differ
            calls.append(asked(opened(stage)))
    little, much = calls
    more = much - little
    del more["cloudwatch:DescribeAlarms"]
    assert not more, more


def test_exports_of_others_that_were_begun_meanwhile_should_be_asked_for_once(tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        run = opened(stage)
        history(stage, run, LITTLE)
        stage.sleep(60)
        for _ in range(5):
            assert exported_changes.exports(run.run) == ()
        counted = Counter(line["call"] for line in lines(run, "call"))
    assert counted["dynamodb:DescribeExport"] == LITTLE
