"""Whether a run can be gone on with, by its record alone."""

from __future__ import annotations

from pathlib import Path

from drcore.errors import Refused
from drcore.record.events import read_events
from drcore.record.files import JOURNAL
from drcore.record.format import begun_before_keys, see_format
from drcore.record.history import History
from drcore.record.proof import verify


def see_resumable(folder: Path) -> None:
    """Make sure that this drcore can go on with a run, and that its record is as it was written. Raises Refused.

    A record that was cut off by a kill is as it was written, as far as it goes.
    """
    see_format(folder)
    broken = verify(folder).problems if (folder / JOURNAL).is_file() else ()
    if broken:
        raise Refused(f"{folder}: the record is BROKEN, so nothing goes on from it: {broken[0]}. Nothing was touched.")
    if why := begun_before_keys(History(read_events(folder))):
        raise Refused(why)
