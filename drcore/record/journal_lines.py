"""The lines of a journal as a run asks for them: read back from disk, but for the short ones that it asks for often.

Most lines are calls, and a sweep makes as many as there are secrets: what a run needs in memory does not hang on how
many lines there are. Of each line its kind is known, and where it begins; one that is not kept is read back.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from sys import intern
from typing import overload

from drcore.record.events import Event, Kind

_SHORT = 2_000
"""Bytes: a longer line, such as the intent of a batch with all its names, is read back when it is asked for."""


class JournalLines(Sequence[Event]):
    """What a journal's finished lines say, in their order; the file is read, never written.

    Raises ValueError for a line that is no JSON, or none of a journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begins = array("Q")
        self._kinds: list[str] = []
        self._kept: dict[int, Event] = {}
        self.last = b""
        """The text of the last line, without its end; empty where there is none."""
        self.catch_up()

    def catch_up(self) -> None:
        """Know of the lines that are on disk, and of no other."""
        self._begins, self._kinds, self._kept, self.last = array("Q", [0]), [], {}, b""
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    self.add(line[:-1])

    def add(self, text: bytes) -> Event:
        """Know of one line more, which is on disk. Raises ValueError."""
        event: Event = json.loads(text)
        if not isinstance(event, dict) or not isinstance(event.get("event"), str):
            raise ValueError(f"line {len(self._kinds) + 1}: expected an object that names its event")
        kind = intern(event["event"])
        if kind != Kind.CALL and len(text) < _SHORT:
            self._kept[len(self._kinds)] = event
        self._kinds.append(kind)
        self._begins.append(self._begins[-1] + len(text) + 1)
        self.last = text
        return event

    def kind(self, place: int) -> str:
        """What kind of line is at a place, from 0."""
        return self._kinds[place]

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[Event]:
        return self._read(range(len(self._kinds)))

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> list[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | list[Event]:
        every = range(len(self._kinds))
        if isinstance(place, slice):
            return [*self._read(every[place])]
        return self._kept.get(every[place]) or next(self._read([every[place]]))

    def _read(self, places: Iterable[int]) -> Iterator[Event]:
        with self._path.open("rb") as file:
            for place in places:
                if place not in self._kept:
                    file.seek(self._begins[place])
                    yield json.loads(file.read(self._begins[place + 1] - self._begins[place]))
                else:
                    yield self._kept[place]


def kind_at(events: Sequence[Event], place: int) -> str:
    """What kind of line is at a place, without reading it where that is known."""
    return events.kind(place) if isinstance(events, JournalLines) else str(events[place]["event"])


def of_kinds(events: Sequence[Event], kinds: Iterable[str]) -> Iterator[Event]:
    """The lines of some kinds, in their order."""
    wanted = frozenset(kinds)
    return (events[place] for place in range(len(events)) if kind_at(events, place) in wanted)
