"""The notebook alone, started by the tools that people know: its record is as whole as one of `drcore`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from drcore import plans
from drcore.launcher.notebook import executed_by
from drcore.record.events import Event, read_events
from drcore.record.files import NOTEBOOK, PAGE, RECEIPT
from drcore.record.proof import verify
from tests.support.command import left_over, worlds_of
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
SEED = 880_000_000 + os.getpid()
LONGEST = 120  # seconds for a record to be finished, which takes two


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A checkout as it lies there: notebooks, parameters, no records. No world is left behind."""
    for name in ("notebooks", "parameters"):
        shutil.copytree(ROOT / name, tmp_path / name)
    yield tmp_path
    for pid in worlds_of(SEED):
        psutil.Process(pid).kill()


def run(home: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DRCORE_"))}
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=home,
        env=inherited | {"DRCORE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def finished(home: Path) -> Path:
    """The one record, when the process that finishes it has ended."""
    (record,) = (home / "records").iterdir()
    finishers = [each for each in psutil.process_iter(["cmdline"]) if str(record) in (each.info["cmdline"] or [])]
    assert psutil.wait_procs(finishers, timeout=LONGEST)[1] == [], "the record was not finished"
    return record


def the_last(events: list[Event], kind: str) -> Event:
    return [line for line in events if line["event"] == kind][-1]


@pytest.mark.parametrize("plan", plans.ids() if EXHAUSTIVE else ("f",))
def test_papermill_should_drill_a_plan_and_leave_a_whole_record(plan: str, home: Path) -> None:
    notebook = home / "notebooks" / plans.find(plan).notebook
    ended = run(home, "papermill", notebook, home / "out.ipynb", "-p", "mode", "drill", "-p", "seed", str(SEED))
    assert ended.returncode == 0, ended.stderr
    record = finished(home)
    events = read_events(record)
    assert the_last(events, "verdict")["word"] == "goal reached"
    assert any(line["event"] == "moment" and "fault" in line.values() for line in events), "something was broken"
    assert the_last(events, "host")["run_by"] == "papermill"
    proof = verify(record)
    assert (proof.problems, proof.complete) == ((), True)
    assert any("run by papermill, not by drcore" in note for note in proof.notes)
    assert {NOTEBOOK, PAGE} <= {line["name"] for line in events if line["event"] == "file"}
    assert (record / RECEIPT).exists(), "a drill's record is archived"
    assert "run.close()" in (record / NOTEBOOK).read_text()
    assert left_over(SEED) == [], "its world has ended"


def test_a_notebook_whose_cell_fails_should_leave_a_record_that_holds(home: Path) -> None:
    """Nothing is known of the release, so the preflight refuses; papermill runs no further cell."""
    notebook = home / "notebooks" / plans.find("f").notebook
    asked = ("-p", "mode", "drill", "-p", "seed", str(SEED), "-p", "release", "2001.01.1")
    ended = run(home, "papermill", notebook, home / "out.ipynb", *asked)
    assert ended.returncode != 0
    record = finished(home)
    assert verify(record).problems == ()
    assert the_last(read_events(record), "refused")["what"] == "preflight"


@pytest.mark.skipif(not EXHAUSTIVE, reason="one tool is enough for a sample")
def test_nbconvert_should_rehearse_a_plan(home: Path) -> None:
    notebook = home / "notebooks" / plans.find("f").notebook
    ended = run(home, "nbconvert", "--execute", "--to", "notebook", "--output", home / "out.ipynb", notebook)
    assert ended.returncode == 0, ended.stderr
    assert verify(finished(home)).problems == ()


def test_only_papermill_should_be_taken_to_name_its_output() -> None:
    assert executed_by(["python", "-m", "papermill", "a.ipynb"]) is None
    assert executed_by(["/x/bin/papermill", "a.ipynb", "b.ipynb", "-p", "c", "d.ipynb"]) == Path("b.ipynb")
    assert executed_by(["papermill", "a.ipynb", "s3://bucket/b.ipynb"]) is None
    assert executed_by(["jupyter", "nbconvert", "--execute", "a.ipynb", "b.ipynb"]) is None
