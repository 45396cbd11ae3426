"""Many records made from a few real ones: the same lines at other times, with other seconds, under other names.

Each is a sound chain, sealed where the real one was, so that it is read and proved as a real one is.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from drcore.clock import iso, parse_time
from drcore.record.events import FIRST
from drcore.record.files import JOURNAL, MANIFEST, PARAMETERS, RECEIPT, digest
from drcore.record.manifest import manifest_of

PEOPLE = ("ada", "grace", "linus", "margaret")
WORN = {JOURNAL, MANIFEST, PARAMETERS, RECEIPT}  # made anew, or of the real run alone


def make(sources: Iterable[Path], into: Path, count: int, *, seed: int = 1, until: datetime) -> list[Path]:
    """Make `count` records below `into` from some real ones in turns, the last one begun at `until`, two a day."""
    real, chance = list(sources), random.Random(seed)  # noqa: S311 - the same seed makes the same records
    made = []
    for number in range(count):
        source = real[number % len(real)]
        begun = until - timedelta(hours=12 * (count - 1 - number))
        made.append(
            another(source, into / f"{source.name[0]}-drill-{begun:%Y%m%dT%H%M%SZ}-{number:04x}", begun, chance)
        )
    return made


def another(source: Path, folder: Path, begun: datetime, chance: random.Random, *, slower: str = "") -> Path:
    """A record like a real one, begun at another time; the step with the key `slower` takes four times as long."""
    folder.mkdir(parents=True)
    for path in source.rglob("*"):
        if path.is_file() and path.name not in WORN:
            (folder / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            os.link(path, folder / path.relative_to(source))
    old, new = source.name.encode(), folder.name.encode()
    (folder / PARAMETERS).write_bytes((source / PARAMETERS).read_bytes().replace(old, new))
    lines = (source / JOURNAL).read_bytes().replace(old, new).splitlines()
    events: list[dict[str, Any]] = []
    prev, usual = FIRST, chance.uniform(0.9, 1.2)
    with (folder / JOURNAL).open("wb") as journal:
        for line in lines:
            event = json.loads(line)
            _change(event, begun, usual, chance, folder, slower)
            event["prev"] = prev
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
            journal.write(text + b"\n")
            prev = digest(text)
            events.append(event)
    if (source / MANIFEST).exists():
        (folder / MANIFEST).write_bytes(manifest_of(folder.name, list(events), prev))
    return folder


def _change(
    event: dict[str, Any], begun: datetime, usual: float, chance: random.Random, folder: Path, slower: str
) -> None:
    match event["event"]:
        case "host":
            event["wall_time"], event["user"] = iso(begun), chance.choice(PEOPLE)
        case "step-ended":
            times = 4 if slower and slower in (event.get("key"), event["step"]) else 1
            event["seconds"] = {part: value * usual * times for part, value in event["seconds"].items()}
        case "verdict" if event["rto"] and event["rto"]["measured_s"]:
            event["rto"]["measured_s"] *= usual
        case "file" if event["name"] == PARAMETERS:
            event["sha256"] = digest((folder / PARAMETERS).read_bytes())


def begun_at(folder: Path) -> datetime:
    """When a real record was begun."""
    return parse_time(json.loads((folder / JOURNAL).read_bytes().splitlines()[0])["wall_time"])


def break_one(folder: Path, into: Path) -> Path:
    """A copy of a record in which one line was changed."""
    broken = shutil.copytree(folder, into)
    lines = (broken / JOURNAL).read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"true", b"false").replace(b"OK", b"KO")
    (broken / JOURNAL).write_bytes(b"".join(lines))
    return broken
