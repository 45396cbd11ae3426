"""What binds the files of a record to the last line of its journal."""

from __future__ import annotations

import json
from collections.abc import Sequence

from drcore.record.events import Event, Kind
from drcore.record.journal_lines import of_kinds

_BINDING = frozenset({Kind.FILE, Kind.FILE_OPEN})


def bound_files(events: Sequence[Event]) -> dict[str, Event]:
    """The files that the journal binds, each with the line that did it last."""
    bound: dict[str, Event] = {}
    for line in of_kinds(events, _BINDING):
        if line["event"] == Kind.FILE:
            bound[line["name"]] = line
        else:
            bound.pop(line.get("name", ""), None)
    return bound


def manifest_of(name: str, events: Sequence[Event], last: str) -> bytes:
    """What the manifest holds; `name` is the run's where no line of the journal says which run it is."""
    run_id = next((line["run_id"] for line in of_kinds(events, (Kind.OPENED,)) if "run_id" in line), name)
    files = {name: line["sha256"] for name, line in bound_files(events).items()}
    manifest = {"run_id": run_id, "lines": len(events), "head": last, "files": files}
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
