"""How late metrics are is known only of those that have been published."""

from __future__ import annotations

from dataclasses import replace

from drcore.engine.outcome import Answer, Check
from drcore.parameters import Mode
from drcore.plans import f
from drcore.plans.f import health
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.services.cloudwatch import Metric
from tests.support.stage import Stage


def test_metrics_that_nobody_publishes_should_make_no_lateness_that_is_known(stage: Stage) -> None:
    run = stage.open(stage.prepare(f.PLAN, Mode.REHEARSE)).run
    metrics = tuple(health.api_metrics(run))
    nobody = replace(metrics[0], namespace="Nobody")

    def lateness(*asked: Metric) -> Check:
        ((_, check, _),) = metrics_in_time(run, {"us-west-2": asked})
        return check

    assert lateness(*metrics).answer is Answer.YES
    for asked in ([nobody], [*metrics, nobody]):
        assert lateness(*asked).answer is Answer.UNKNOWN
