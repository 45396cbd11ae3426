"""What is on disk when a file of a record was written, and what is left open or lying about."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.record.files import sync_folder, write_atomically
from tests.support.forgetful_disk import ForgetfulDisk


def test_a_file_that_was_written_should_outlast_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "t-1"
    folder.mkdir()
    disk = ForgetfulDisk(folder, monkeypatch)
    sync_folder(tmp_path)
    for content in (b"first", b"second"):
        write_atomically(folder / "page.html", content)
        assert disk.image() == {"page.html": content}


def test_a_file_that_was_written_should_be_for_all_to_read_whatever_this_process_makes_else(tmp_path: Path) -> None:
    write_atomically(tmp_path / "page.html", b"content")
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644


def test_no_file_should_be_left_open(tmp_path: Path) -> None:
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir()))
    write_atomically(tmp_path / "page.html", b"content")
    assert len(list(opened.iterdir())) == before
