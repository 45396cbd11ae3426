"""`python -m drcore.launcher.finisher RECORD KERNEL [TOOL OUTPUT]`: finish a record when its kernel has ended.

For a notebook that `drcore` has not started. KERNEL, TOOL are process ids; OUTPUT is the notebook that the tool writes,
which is bound into the record when the tool has ended too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from drcore import plans
from drcore.clock import WallClock
from drcore.headless.nbformat_light import as_text, nbformat, redacted
from drcore.launcher.finish import finish
from drcore.launcher.secrets import redactor
from drcore.record.files import NOTEBOOK, write_atomically
from drcore.record.run_parameters import RunParameters

_EVERY = 0.25  # seconds between two looks at a process


def main() -> None:
    """Wait, then bind what was executed, write the page, seal and archive the record, and end its world."""
    folder, kernel, *rest = sys.argv[1:]
    _wait_for(int(kernel))
    if rest:
        _wait_for(int(rest[0]))
    record = Path(folder)
    setting = RunParameters.read(record)
    redact = redactor(setting)
    if rest and (executed := _read(Path(rest[1]))):
        write_atomically(record / NOTEBOOK, as_text(redacted(executed, redact)))
    finish(plans.find(setting.plan), setting, record, None, redact, 0, lambda text: None)


def _wait_for(pid: int) -> None:
    clock = WallClock()
    while _runs(pid):
        clock.sleep(_EVERY)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # one that has ended, and that nobody has asked after yet
        return " Z " not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return True


def _read(path: Path) -> nbformat.NotebookNode | None:
    try:
        read: nbformat.NotebookNode = nbformat.read(path, as_version=4)
    except (OSError, ValueError):
        return None
    return read


if __name__ == "__main__":
    main()
