"""When a plan was drilled last, by what the archive holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drcore.engine.context import Run
from drcore.services import s3


def last_drill(run: Run[Any]) -> datetime | None:
    """The newest drill of this plan in the archive, by the time in its run id."""
    store, region = run.service.evidence, run.service.runner_region
    stamps = [
        name.split("-")[2] for name in s3.folders(run.aws, region, store.buckets[region], f"records/{run.plan}-drill-")
    ]
    return max((datetime.strptime(stamp, "%Y%m%dT%H%M%S%z") for stamp in stamps), default=None)


def drill_due_text(last: datetime | None, due: datetime | None, now: datetime) -> str:
    """`last drill 2025-10-14, next due 2026-01-13`, with OVERDUE where it is."""
    overdue = ", OVERDUE" if due is None or due < now else ""
    return (
        f"last drill {f'{last:%Y-%m-%d}' if last else 'never'}, next due {f'{due:%Y-%m-%d}' if due else 'now'}{overdue}"
    )
