"""How late CloudWatch's metrics are now, measured before a plan leans on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from drcore.engine.context import Run
from drcore.engine.metric_minutes import ONE, minute_of
from drcore.engine.outcome import Check, no, unknown, yes
from drcore.engine.preflight import checked
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric

_LOOKED_AT = timedelta(minutes=20)


def metrics_in_time(run: Run[Any], needed: Mapping[str, Sequence[Metric]]) -> Iterator[tuple[str, Check, bool]]:
    """Preflight: of each metric that the goal needs, how long ago its newest minute ended. Stops nothing.

    `needed`: by region.
    """
    for region, metrics in needed.items():
        if region != run.calls.failed_region:
            yield f"metrics in {region}", checked(_in_time, run, region, metrics), False


def _in_time(run: Run[Any], region: str, metrics: Sequence[Metric]) -> Check:
    now = run.clock.now()
    read = cloudwatch.minutes(run.aws, region, metrics, minute_of(now - _LOOKED_AT), minute_of(now))
    newest = {metric: points.times[-1] for metric, points in zip(metrics, read, strict=True) if points.times}
    delay = f"metric_delay_s = {run.metrics.delay_s:g}"
    # The minute after the newest one is not there yet, though it has ended: so late are they at least.
    late = {metric: (now - at - 2 * ONE).total_seconds() for metric, at in newest.items()}
    too_late = [f"{_name(each)} {seconds:.0f} s" for each, seconds in late.items() if seconds > run.metrics.delay_s]
    if too_late:
        text = f"later than {delay}, at least: {', '.join(too_late)}"
        return no(f"{text}. Steps that judge them will be UNKNOWN: raise it in service.yaml")
    if not newest:
        return unknown(f"their lateness cannot be measured: no point in {_LOOKED_AT // ONE} minutes of any of them")
    silent = [_name(metric) for metric in metrics if metric not in newest]
    text = f"the newest minute of {len(newest)} metrics ended {_span(newest.values(), now)} s ago; {delay}"
    if silent:
        return unknown(f"{text}; not measured, no point in {_LOOKED_AT // ONE} minutes: {', '.join(silent)}")
    return yes(text)


def _span(began: Iterable[datetime], now: datetime) -> str:
    ages = sorted((now - at - ONE).total_seconds() for at in began)
    return f"{ages[0]:.0f}" if round(ages[0]) == round(ages[-1]) else f"{ages[0]:.0f} to {ages[-1]:.0f}"


def _name(metric: Metric) -> str:
    return f"{metric.namespace} {metric.name}"
