"""A kernel is gone when its run is over, with all that it started, and says why where it died."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from drcore.headless.execution import Ending, Execution
from tests.support.notebook_runs import FOREVER, PATIENCE, Ran, drive, run, wait_for_end_of, write


def test_it_should_say_that_the_kernel_was_killed(tmp_path: Path) -> None:
    ran = run(tmp_path, "import os; os.kill(os.getpid(), 9)", "x = 1", "#always x = 2")
    assert (ran.execution.ending, ran.execution.cell) == (Ending.KERNEL_DIED, "c0")
    assert ran.execution.signal == signal.SIGKILL
    assert "SIGKILL" in ran.execution.detail
    assert ran.statuses == ["failed", "pending", "pending"]
    assert ran.about["exception"] is True and "SIGKILL" in ran.about["failure"]


def test_it_should_keep_the_crash_report_of_a_kernel_that_crashed(tmp_path: Path) -> None:
    ran = run(tmp_path, "import faulthandler, os, sys; faulthandler.enable(sys.__stderr__); os.abort()")
    assert (ran.execution.ending, ran.execution.signal) == (Ending.KERNEL_DIED, signal.SIGABRT)
    assert "<module>" in ran.execution.detail


def test_it_should_say_why_a_kernel_did_not_start(tmp_path: Path) -> None:
    ran = run(tmp_path, "x = 1", environment={"PYTHONHOME": "/nonexistent"})
    assert (ran.execution.ending, ran.execution.cell) == (Ending.START_FAILED, None)
    assert "No module named 'encodings'" in ran.about["failure"]
    assert ran.statuses == ["pending"]


def test_it_should_give_the_kernel_the_named_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    ran = run(tmp_path, "import os; print(os.environ.get('AWS_PROFILE'), os.environ['A'])", environment={"A": "b"})
    assert ran.output(0) == "None b\n"


CHILD = "import subprocess; fifo = open('fifo', 'w'); subprocess.Popen(['sleep', '600'], stdout=fifo)\n"


@pytest.mark.parametrize(
    "last",
    [
        "x = 1",
        "1 / 0",
        "import os; os.kill(os.getpid(), 9)",
        f"import os; os.kill(os.getppid(), 15); {FOREVER}",
    ],
)
def test_it_should_leave_no_process_behind(tmp_path: Path, heard: list[int], fifo: int, last: str) -> None:
    run(tmp_path, CHILD + last)
    assert wait_for_end_of(fifo) == ""  # neither the kernel nor its child has it open


def test_it_should_leave_no_file_open_behind(tmp_path: Path) -> None:
    run(tmp_path, "x = 1")
    before = len(list(Path("/dev/fd").iterdir()))
    run(tmp_path, "x = 1")
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_the_kernel_should_end_when_the_launcher_is_killed(tmp_path: Path, fifo: int) -> None:
    write(tmp_path, f"import os; pipe = open('fifo', 'w'); os.kill(os.getppid(), 9); {FOREVER}", "x = 1")
    launcher = drive(tmp_path)
    launcher.communicate(timeout=PATIENCE)
    assert launcher.returncode == -signal.SIGKILL
    assert wait_for_end_of(fifo) == ""
    ran = Ran(Execution(Ending.STOPPED, "", None, 9, 0), (tmp_path / "out.ipynb").read_text())
    assert ran.about["end_time"] is None and "completed" not in ran.statuses
