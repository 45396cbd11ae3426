"""A journal's lines are read back as they were written: what a run holds of them does not grow with its calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcore.calls.gate import Call, CallGate
from drcore.clock import WallClock
from drcore.errors import Refused
from drcore.record.events import Kind, read_events
from drcore.record.files import JOURNAL
from drcore.record.history import History
from drcore.record.journal import Record
from drcore.record.journal_lines import JournalLines
from drcore.record.redact import Redactor


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    opened = Record(tmp_path, WallClock(), Redactor((), {}))
    yield opened
    opened.close()


def test_lines_should_be_read_back_as_they_stand_on_disk_short_or_long(tmp_path: Path, record: Record) -> None:
    history = History(record.events)
    for number in range(40):
        kind = (Kind.CALL, Kind.LOOK, Kind.INTENT)[number % 3]
        record.append(kind, target="all", state=["ü\u2028" * (number * 30)])
    assert [*record.events] == read_events(tmp_path) == [record.events[place] for place in range(40)]
    assert record.events[-3:] == read_events(tmp_path)[-3:] and record.events[-1]["n"] == 40
    assert [line["n"] for line in history.lines(Kind.INTENT, Kind.LOOK)] == [n for n in range(1, 41) if n % 3 != 1]
    last = history.last(Kind.CALL)
    assert last and last["n"] == 40
    record.append(Kind.LOOK, target="all")
    assert [*history.lines(Kind.LOOK)][-1]["n"] == 41
    assert [*JournalLines(tmp_path / JOURNAL)] == read_events(tmp_path)


@pytest.mark.parametrize("line", [b"{", b"5", b"[]", b'{"n":1}', b'{"event":7}'])
def test_a_line_that_is_none_of_a_journal_should_be_refused(tmp_path: Path, line: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(line + b"\n")
    with pytest.raises(Refused, match="drcore verify"):
        Record(tmp_path, WallClock(), Redactor((), {}))


def test_what_is_held_of_many_calls_and_batches_should_not_grow_with_them(record: Record) -> None:
    """As a sweep makes them: a call a secret, an intent for a hundred."""
    gate = CallGate(record.append)

    def held(secrets: int) -> int:
        for number in range(secrets):
            name = f"secret-{number}"
            gate.note(Call("secretsmanager", "PutSecretValue", "us-east-1", True, parameters={"Name": name}), "OK")
            if number % 100 == 0:
                record.append(Kind.INTENT, target="all", before=[f"{name}-{each}" for each in range(200)])
        return _size(record.events.__dict__) + _size(gate.made)

    first = held(400)
    more = held(2_000)
    assert more - first < 2_000 * 20, "a sixth of a kilobyte would be a name alone"
    kept = [call for call in gate.made if not call.command]
    assert len(kept) == 300 and gate.made[-1].command.startswith("# and more of secretsmanager:PutSecretValue")
    assert sum(line["event"] == Kind.CALL for line in record.events) == 2_400, "the journal has each"


def test_what_is_kept_of_calls_should_be_counted_for_each_step_and_answer(record: Record) -> None:
    gate = CallGate(record.append)
    call = Call("secretsmanager", "PutSecretValue", "us-east-1", True)
    for _ in range(2):
        with gate.under(None):
            for _ in range(400):
                gate.note(call, "OK")
            gate.note(call, "AccessDenied")
    assert [each.answer for each in gate.made].count("AccessDenied") == 2
    assert len(gate.made) == 2 * (300 + 1 + 1)


def _size(value: object, seen: set[int] | None = None) -> int:
    seen = set() if seen is None else seen
    if id(value) in seen:
        return 0
    seen.add(id(value))
    inner: list[object] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        inner = [*value]
    elif hasattr(value, "__slots__"):
        inner = [getattr(value, name) for name in value.__slots__]
    return sys.getsizeof(value) + sum(_size(each, seen) for each in inner)
