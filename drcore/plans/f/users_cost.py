"""What a bad release has cost users: the requests to the API that failed, from the begin of harm until it was well."""

from __future__ import annotations

from datetime import timedelta

from drcore.engine.metric_minutes import ONE, minute_of
from drcore.errors import Rejected, Unknown
from drcore.plans.f.facts import FRun
from drcore.plans.f.health import api_metrics


def users_cost(run: FRun) -> str:
    """In words, with how it was counted; empty where there was no harm. What cannot be counted is said, too."""
    moments = run.moments
    begun = moments.get("harm") or moments.get("fault") or moments.get("detected")
    well = moments.get("healthy")
    if not begun or not well:
        return ""
    since, until = minute_of(begun), minute_of(well + ONE - timedelta(microseconds=1))
    span = f"from {since:%H:%M} to {until:%H:%M}"
    requests = errors = 0.0
    try:
        for region in run.service.regions:
            asked, failed = run.metrics.read(region, api_metrics(run)[:2], since, until)
            requests, errors = requests + (asked.total or 0), errors + (failed.total or 0)
    except (Unknown, Rejected) as error:
        return f"users: how many requests failed {span} could not be counted: {error}"
    counted = "by CloudWatch, 5XXError of Count in all regions; usual errors are among them, whom they hit is not known"
    return f"users: {errors:,.0f} of {requests:,.0f} requests to the API failed {span} ({counted})"
