"""What is asked of a run of a notebook, what happens in it, how it ended."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drcore.headless.kernel import Kernel


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk that takes no more."""


class Ending(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    CELL_FAILED = "cell failed"
    KERNEL_DIED = "kernel died"
    TIMED_OUT = "timed out"
    START_FAILED = "start failed"
    EXITED = "exited"  # a cell called sys.exit or exit, even with 0: the rest did not run
    STOPPED = "stopped"  # SIGTERM, SIGHUP or SIGINT to this process
    NO_SPACE = "no space"  # the notebook could not be saved


@dataclass(frozen=True, slots=True)
class Execution:
    """What happened. `cell` is the id of the cell that failed, None when it was none of them.

    `signal` killed the kernel (KERNEL_DIED) or stopped the run (STOPPED). `seconds` are of wall time.
    """

    ending: Ending
    detail: str
    cell: str | None
    signal: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class CellEvent:
    """A code cell began (`status` "running") or ended ("completed", "failed"). `index` counts from 0.

    "told": it goes on, and has something to say at once, the `text`.
    """

    cell: str
    index: int
    total: int
    status: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What `run_notebook` was asked for."""

    source: Path
    output: Path
    parameters: dict[str, object]
    cwd: Path
    redact: Callable[[str], str]
    timeout: float
    cell_timeout: float | None
    progress: Callable[[CellEvent], None] | None
    environment: Mapping[str, str]
    grace: float
    kernel: Kernel | None
