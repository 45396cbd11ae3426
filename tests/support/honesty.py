"""Whether the times that a run says it took are those of the simulation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drcore.clock import parse_time
from drcore.run.runbook import Runbook


def well_in_truth(truth: Any) -> tuple[datetime, datetime]:
    """Between which moments users got well, as the simulation knows it; both are the same where it knows one.

    Of an outage it knows when DNS stopped naming the region, before which users failed, and when the last client had
    moved; of one that flaps only when it began. AssertionError where somebody is not well at last.
    """
    regions = truth["region"]
    if truth["fault"]:
        assert truth["healthy_since"]
        since = parse_time(truth["healthy_since"])
        return since, since
    assert regions["down"] == [], "a region is away"
    assert truth["failover_at"] and truth["last_client_moved"], "not all users have moved"
    shares = [share for market in truth["traffic"].values() for share in market.values()]
    assert min(shares) > 0, f"a region serves nobody: {truth['traffic']}"
    return parse_time(truth["failover_at"]), parse_time(truth["last_client_moved"])


LATE = 300  # seconds by which health may be known later than it was there: a whole minute must be measured, and waits


def honest(run: Runbook, truth: Any) -> bool:
    """Whether the time that a run says it took is not flattered, and not much longer than in truth."""
    first, last = ((at - run.run.moments["fault"]).total_seconds() for at in well_in_truth(truth))
    assert run.verdict and run.verdict.rto.measured is not None
    flaps = run.run.setting.fault and run.run.setting.fault["name"] == "region-flapping"  # well in between, too
    return (flaps or first <= run.verdict.rto.measured) and run.verdict.rto.measured <= last + LATE
