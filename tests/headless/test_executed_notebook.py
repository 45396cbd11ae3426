"""The executed notebook is whole at every moment, saved in time, without a secret."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from drcore.headless.execution import Ending
from drcore.record.files import write_atomically
from tests.support.notebook_runs import PATIENCE, drive, run, write


def test_it_should_hide_secrets_wherever_they_turn_up(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        "#parameters word = ''",
        "print('hun', end='', flush=True); print('ter2', flush=True)",
        "from IPython.display import JSON, display; display(JSON({'hunter2': ['pass\"word', word]}))",
        "raise ValueError('hunter2 and pass\"word')",
        parameters={"word": "hunter2"},
    )
    assert ran.execution.ending is Ending.CELL_FAILED
    for where in (ran.text, ran.text.replace("\\", ""), ran.execution.detail):
        assert "hunter2" not in where and 'pass"word' not in where
    assert ran.output(2) == "[redacted]\n"
    assert "\x1b" not in ran.text and "\\u001b" not in ran.text


def test_it_should_write_text_that_utf8_cannot_hold(tmp_path: Path) -> None:
    ran = run(tmp_path, "print('\\udc80')")
    assert ran.execution.ending is Ending.COMPLETED and ran.statuses == ["completed"]


def test_it_should_not_begin_without_a_place_for_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("drcore.headless.executed_notebook.write_atomically", full)
    ran = run(tmp_path, "open('trace', 'w')")
    assert ran.execution.ending is Ending.NO_SPACE and "Nothing was run" in ran.execution.detail
    assert not (tmp_path / "trace").exists()


def test_it_should_leave_a_whole_file_when_there_is_no_space_for_the_last(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))"
    write(tmp_path, "print('x' * 100_000)", "print('y')")
    done = drive(tmp_path, limit)
    out, err = done.communicate(timeout=PATIENCE)
    assert out.split(",")[0] == "no space", err
    assert [path.name for path in tmp_path.glob("*out*")] == ["out.ipynb"]
    saved = json.loads((tmp_path / "out.ipynb").read_text())
    assert saved["metadata"]["papermill"]["end_time"] is None


def test_it_should_save_about_once_a_second_and_not_twice_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saves: list[bytes] = []
    monkeypatch.setattr(
        "drcore.headless.executed_notebook.write_atomically", lambda path, content: saves.append(content)
    )
    ran = run(tmp_path, *["print(1)"] * 60)
    assert ran.execution.ending is Ending.COMPLETED
    assert len(saves) <= 3 + ran.execution.seconds


def test_it_should_save_in_the_middle_of_a_long_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "go")
    seen: list[str] = []

    def watched(path: Path, content: bytes) -> None:
        write_atomically(path, content)
        if b"half way" in content.split(b'"source"')[0] and not seen:
            seen.append(json.loads(content)["cells"][0]["metadata"]["papermill"]["status"])
            (tmp_path / "go").write_text("go")

    monkeypatch.setattr("drcore.headless.executed_notebook.write_atomically", watched)
    ran = run(tmp_path, "print('half way', flush=True)\nprint(open('go').read())")
    assert seen == ["running"]
    assert ran.output(0) == "half way\ngo\n"
