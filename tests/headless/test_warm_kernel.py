"""A kernel that warms up while something else is done: it is the one that runs, and none is left when it is not."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from drcore.headless.execute import run_notebook
from drcore.headless.execution import Ending, Execution
from drcore.headless.kernel import Kernel
from drcore.headless.nbformat_light import nbformat


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path, dict(os.environ), first="import colorsys, os; os.environ['WAS'] = 'warm'")
    kernel.warm_up()
    yield kernel
    kernel.discard()


def ran(folder: Path, kernel: Kernel) -> tuple[Execution, str]:
    """How a notebook went that says what its kernel is, with what it said."""
    cell = nbformat.v4.new_code_cell(
        "import os, sys\nprint(os.getpid(), os.environ.get('WAS'), 'colorsys' in sys.modules)"
    )
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": spec}), folder / "in.ipynb")
    execution = run_notebook(
        folder / "in.ipynb",
        folder / "out.ipynb",
        {},
        cwd=folder,
        redact=str,
        timeout=60,
        cell_timeout=None,
        progress=None,
        environment=dict(os.environ),
        kernel=kernel,
    )
    outputs = nbformat.read(folder / "out.ipynb", as_version=4).cells[0].outputs
    return execution, "".join(output.text for output in outputs)


def pid_of(kernel: Kernel) -> int:
    pid: int = kernel._provisioner.pid
    return pid


def test_the_notebook_should_run_in_it(tmp_path: Path, warm: Kernel) -> None:
    pid = pid_of(warm)
    execution, said = ran(tmp_path, warm)
    assert execution.ending is Ending.COMPLETED
    assert said.split() == [str(pid), "warm", "True"]
    assert not psutil.pid_exists(pid)


def test_one_that_died_meanwhile_should_be_told_not_replaced(tmp_path: Path, warm: Kernel) -> None:
    os.kill(pid_of(warm), signal.SIGKILL)
    execution, said = ran(tmp_path, warm)
    assert (execution.ending, said) == (Ending.START_FAILED, "")


def test_nothing_should_be_left_of_one_that_was_not_needed(tmp_path: Path, warm: Kernel) -> None:
    pid, private = pid_of(warm), warm._private("log").parent
    assert private.exists()
    warm.discard()
    assert not psutil.pid_exists(pid)
    assert not private.exists()
    warm.discard()  # once more does no harm
