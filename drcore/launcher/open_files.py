"""How many files a run may have open at once: each of its processes has sockets of its own."""

from __future__ import annotations

import resource

from drcore.errors import RunnerFailed

NEEDED = 128
"""Of a process, with some to spare: a rehearsal of plan F ends with 96, and does not with 64."""
ENOUGH = 1024


def see_to_open_files() -> None:
    """Allow this process, and those that it starts, as many as they need. Raises RunnerFailed where that is refused.

    Beforehand: in the middle of a run any of them could be the one that cannot be opened any more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    if soft != resource.RLIM_INFINITY and soft < NEEDED:
        raise RunnerFailed(
            f"this machine allows {soft} open files, a run needs {NEEDED}: ulimit -n {ENOUGH}. Nothing was touched."
        )
