"""Which versions of a record this drcore can read."""

from __future__ import annotations

from pathlib import Path

from drcore.errors import Refused
from drcore.record.events import FORMAT, Event, Kind, lines_of, parsed
from drcore.record.files import JOURNAL
from drcore.record.history import History


def see_format(folder: Path) -> None:
    """Make sure that this drcore knows the format of a record, before anything is added to it. Raises Refused."""
    first = lines_of(folder / JOURNAL)[:1] if (folder / JOURNAL).is_file() else []
    if needed := newer(folder, [event for line in first if (event := parsed(line))]):
        raise Refused(f"{needed} Nothing was changed.")


def begun_before_keys(history: History) -> str:
    """Why a run is not gone on with whose journal does not say by which steps it was begun; empty where it does."""
    opened, host = history.last(Kind.OPENED, Kind.OPENED_AGAIN), history.last(Kind.HOST)
    if opened is None or "steps" in opened:
        return ""
    revision = host.get("revision", "not known") if host else "not known"
    return (
        "this run was begun before steps had keys, so nothing can tell which of its acts are those of today's plan. It "
        f"can be proved (drcore verify), and gone on with by revision {revision} only. Nothing was changed."
    )


def newer(folder: Path, first: list[Event]) -> str:
    """Which drcore a record needs whose first line is of a format unknown here; empty where this one will do."""
    number = first[0].get("format", 1) if first else FORMAT
    if number in range(1, FORMAT + 1):
        return ""
    packages = first[0].get("packages")
    written_by = packages.get("drcore") if isinstance(packages, dict) else None
    needed = f"drcore {written_by}, which has written it, or a newer one" if written_by else "a newer drcore"
    return f"{folder}: expected a record of format {FORMAT} or lower, seen format {number}. To read it takes {needed}."
