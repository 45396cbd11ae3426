"""Which lines of a journal are on disk when they are written, by what a power cut may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcore.record.events import Kind
from drcore.record.files import JOURNAL, MANIFEST
from tests.support.forgetful_disk import ForgetfulDisk
from tests.support.sealed_records import writing

MAY_BE_LOST = {
    *(Kind.HOST, Kind.FINDING, Kind.STEP, Kind.LOOK),  # told again when the run is gone on with
    *(Kind.CALL, Kind.ACT_FAILED),  # between an intent and what came of it
    *(Kind.IF_NEEDED, Kind.NO_EVIDENCE, Kind.FORECAST),  # words to people
}


def test_a_power_cut_should_take_no_line_that_an_act_may_stand_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = ForgetfulDisk(tmp_path / "t-1", monkeypatch)
    lost = set[Kind]()
    with writing(tmp_path / "t-1") as record:
        for kind in Kind:
            line = record.append(kind)
            if f'"n":{line["n"]},' not in disk.image().get(JOURNAL, b"").decode():
                lost.add(kind)
    assert lost == MAY_BE_LOST


def test_all_lines_should_be_on_disk_when_a_record_was_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = ForgetfulDisk(tmp_path / "t-1", monkeypatch)
    with writing(tmp_path / "t-1") as record:
        record.append(Kind.LOOK)
    assert disk.image()[JOURNAL] == (tmp_path / "t-1" / JOURNAL).read_bytes() != b""


def test_a_power_cut_should_not_bring_back_the_seal_of_a_record_that_is_gone_on_with(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would look as if lines were added to what had been sealed."""
    disk = ForgetfulDisk(sealed, monkeypatch)
    with writing(sealed) as record:
        assert MANIFEST in disk.image()
        record.append(Kind.OPENED_AGAIN)
        assert MANIFEST not in disk.image()
