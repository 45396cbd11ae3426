"""A run is gone on with only from a record that is as it was written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drcore.errors import Refused
from drcore.record.events import Kind
from drcore.record.files import JOURNAL, MANIFEST
from drcore.record.resumable import see_resumable
from tests.support.sealed_records import change_lines, open_record


def test_a_record_that_was_changed_should_be_refused_with_the_line_and_stay_as_it_is(sealed: Path) -> None:
    def forge(lines: list[bytes]) -> None:
        lines[1] = lines[1].replace(b'"time":"2026', b'"time":"2025')

    change_lines(sealed, forge)
    before = (sealed / JOURNAL).read_bytes()
    said = re.escape(f"{sealed}: the record is BROKEN, so nothing goes on from it: line 2: ")
    with pytest.raises(Refused, match=rf"^{said}[^\n]*\. Nothing was touched\.$"):
        see_resumable(sealed)
    assert (sealed / JOURNAL).read_bytes() == before and (sealed / MANIFEST).exists()


def test_a_record_that_was_cut_off_by_a_kill_should_be_gone_on_with(tmp_path: Path) -> None:
    record = open_record(tmp_path)
    record.append(Kind.NOTE, text="before the kill")
    record.close()
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(b'{"n":2,"ti')
    see_resumable(tmp_path)


def test_a_record_of_a_later_format_should_be_refused_for_that_and_not_as_broken(tmp_path: Path) -> None:
    record = open_record(tmp_path)
    record.append(Kind.NOTE, text="the first line")
    record.close()
    journal = tmp_path / JOURNAL
    journal.write_bytes(re.sub(rb'"format":\d+', b'"format":99', journal.read_bytes(), count=1))
    before = journal.read_bytes()
    with pytest.raises(Refused, match=r"99.*Nothing was changed"):
        see_resumable(tmp_path)
    assert journal.read_bytes() == before
