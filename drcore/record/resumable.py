"""Whether a run can be gone on with, by its record alone."""

from __future__ import annotations

from pathlib import Path

from drcore.errors import Refused
from drcore.record.files import JOURNAL
from drcore.record.format import begun_before_keys, see_format
from drcore.record.history import History
from drcore.record.proof import verify


def see_resumable(folder: Path) -> None:
    """Make sure that this drcore can go on with a run, and that its record is as it was written. Raises Refused.

    A record that was cut off by a kill is as it was written, as far as it goes.
    """
    see_format(folder)
    if not (folder / JOURNAL).is_file():
        return
    proof = verify(folder)
    if proof.problems:
        why = f"the record is BROKEN, so nothing goes on from it: {proof.problems[0]}"
        raise Refused(f"{folder}: {why}. Nothing was touched.")
    if old := begun_before_keys(History(list(proof.events))):
        raise Refused(old)
