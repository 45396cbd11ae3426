"""`make proof` leaves no test out, goes on where it was ended, and says what did not pass."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.proof import __main__ as proof

ROOT = Path(__file__).parents[2]


def test_every_test_file_should_be_in_the_parts_once() -> None:
    """But for those of which a plan's tests are a part each, with a last one for the others."""
    paths = [word for part in proof.parts() for word in part.command if word.startswith("tests/")]
    times = Counter(
        str(file.relative_to(ROOT))
        for path in paths
        for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("test_*.py"))
    )
    every = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(times) == every
    assert {path for path, count in times.items() if count > 1} == {
        f"tests/plans/family/{name}" for name in proof.BY_PLAN
    }


def test_no_two_parts_should_have_one_name() -> None:
    names = [part.name for part in proof.parts()]
    assert len(names) == len(set(names))


def script(name: str, text: str) -> proof.Part:
    return proof.Part(name, (sys.executable, "-c", text))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(proof, "ROOT", tmp_path)
    monkeypatch.setattr(proof, "TIMES", tmp_path / "seconds.json")
    return tmp_path


def test_only_what_has_not_passed_should_be_run_again(folder: Path) -> None:
    good = script("good", "open('good', 'a').write('x'); print('seen')")
    bad = script("bad", "import sys; open('bad', 'a').write('x'); sys.exit(1)")
    for _ in range(2):
        assert proof.prove([good, bad], folder, 2) == ["bad"]
    assert ((folder / "good").read_text(), (folder / "bad").read_text()) == ("x", "xx")
    assert (folder / "good.log").read_text() == "seen\n"


def test_each_part_should_be_told_to_take_everything(folder: Path) -> None:
    told = script("told", "import os, sys; sys.exit(os.environ['EXHAUSTIVE'] != '1')")
    assert proof.prove([told], folder, 1) == []
