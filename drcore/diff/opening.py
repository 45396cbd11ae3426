"""Which reader opens which source."""

from __future__ import annotations

from pathlib import Path

from drcore.diff.export import open_export
from drcore.diff.source import Opened, Role, Source, TableSource
from drcore.diff.table import open_table
from drcore.diff.workers import JobPool


def open_source(source: Source, role: Role, folder: Path, workers: JobPool) -> Opened:
    """Find out what there is. `folder` is for what must lie on disk meanwhile. Raises BadInput."""
    if isinstance(source, TableSource):
        return open_table(source, role, folder)
    return open_export(source, role, folder, workers)
