"""When a plan was drilled last, how that went, by what the archive holds."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from drcore.engine.context import Run
from drcore.errors import Rejected, Unknown
from drcore.record.history import History
from drcore.services import s3


def last_drill(run: Run[Any]) -> datetime | None:
    """The newest drill of this plan in the archive, by the time in its run id."""
    store, region = run.service.evidence, run.service.runner_region
    stamps = [
        name.split("-")[2] for name in s3.folders(run.aws, region, store.buckets[region], f"records/{run.plan}-drill-")
    ]
    return max((datetime.strptime(stamp, "%Y%m%dT%H%M%S%z") for stamp in stamps), default=None)


def last_drill_history(run: Run[Any]) -> History:
    """The journal of that drill; empty where there was none, or it cannot be read: an estimate is worth no failure."""
    store, region = run.service.evidence, run.service.runner_region
    try:
        last = last_drill(run)
        names = s3.folders(run.aws, region, store.buckets[region], f"records/{run.plan}-drill-{last:%Y%m%dT%H%M%SZ}")
        name = next(iter(names), "") if last else ""
        journal = s3.body(run.aws, region, store.buckets[region], f"records/{name}/journal.jsonl") if name else b""
        return History([*map(json.loads, journal.splitlines())])
    except (Unknown, Rejected, ValueError, TypeError):
        return History(())


def drill_due_text(last: datetime | None, due: datetime | None, now: datetime) -> str:
    """`last drill 2025-10-14, next due 2026-01-13`, with OVERDUE where it is."""
    overdue = ", OVERDUE" if due is None or due < now else ""
    return (
        f"last drill {f'{last:%Y-%m-%d}' if last else 'never'}, next due {f'{due:%Y-%m-%d}' if due else 'now'}{overdue}"
    )
