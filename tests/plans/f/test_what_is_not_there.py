"""A list that is empty where the parameters name something is a finding, then UNKNOWN; so is too little traffic."""

from __future__ import annotations

import pytest

from drcore.engine.outcome import Outcome
from drcore.errors import Exit, StepFailed
from drcore.parameters import Mode
from drcore.plans import f
from drcore.plans.f import health
from drcore.run.runbook import Runbook
from tests.support.stage import SHORT, Scene, Stage, carry_out, client, ended, lines

BAD = Scene(f.PLAN, "bad-release")


def found(run: Runbook, what: str) -> list[str]:
    return [line["why"] for line in lines(run, "finding") if line["what"].startswith(what) and line["check"] == "no"]


def test_no_alarm_should_not_be_taken_for_no_alarm_that_is_on(stage: Stage) -> None:
    facts = {**SHORT, "alarms": {"prefix": "synkwell-"}, "detection_minutes": 3}
    run = stage.open(stage.prepare(BAD, facts=facts))
    carry_out(run)
    assert found(run, "alarms in") == ["no alarm begins with synkwell-"] * 2
    assert run.results[f.DETECT.key].outcome in (Outcome.DONE, Outcome.ALREADY), "the errors are seen"
    assert run.results[f.VERIFY.key].outcome is Outcome.UNKNOWN
    assert "no alarm begins with synkwell-" in run.results[f.VERIFY.key].why
    assert ended(run).exit == Exit.MISSED


def test_an_alarm_without_data_should_not_be_taken_for_one_that_is_off(stage: Stage) -> None:
    """In a world in which nothing is wrong: what would tell is named, and *Detect* does not say that all is well."""
    run = stage.open(stage.prepare(f.PLAN, Mode.REHEARSE))
    prefix = run.run.facts.alarms.prefix
    client(run, "cloudwatch", "us-west-2").put_metric_alarm(
        AlarmName=f"{prefix}dark", Namespace="Nobody", MetricName="Publishes", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    run.preflight()
    assert found(run, "alarms in") == [f"alarm {prefix}dark is INSUFFICIENT_DATA"]
    with pytest.raises(StepFailed):
        run.step(f.DETECT)
    detected = run.results[f.DETECT.key]
    assert detected.outcome is Outcome.UNKNOWN
    assert f"nothing is wrong, but alarm {prefix}dark is INSUFFICIENT_DATA" in detected.why


def test_the_preflight_should_say_that_todays_traffic_cannot_prove_the_goal(stage: Stage) -> None:
    """Enough in a window of five minutes, by which trouble is seen, and too little in one, by which health is."""
    run = stage.open(stage.prepare(f.PLAN, Mode.REHEARSE, facts={"minimum_sample": 4000}))
    run.preflight()
    for why in (few := found(run, "traffic in")):
        assert "Verify wants at least 4000 in each: with today's traffic it will be UNKNOWN" in why
    assert len(few) == 2
    other = stage.open(stage.prepare(f.PLAN, Mode.REHEARSE))
    other.preflight()
    assert found(other, "traffic in") == []


def test_an_api_that_nobody_has_measured_should_be_found(stage: Stage) -> None:
    api = stage.prepare(f.PLAN, Mode.REHEARSE).facts["api"] | {"name": "synkwell"}
    run = stage.open(stage.prepare(f.PLAN, Mode.REHEARSE, facts={"api": api}))
    run.preflight()
    assert all("no request to the API synkwell was measured" in why for why in found(run, "traffic in"))
    assert len(found(run, "traffic in")) == 2
    for chart in health.charts(run.run, "any", run.run.service.regions):
        unknown = [each for each in chart.series if each.label == health.API]
        assert [each.panel for each in unknown] == list(run.run.service.regions), "each region has its panel"
        assert {value for each in unknown for value in each.values} == {None}
        assert "all stayed below" not in chart.title or chart.series != tuple(unknown)
