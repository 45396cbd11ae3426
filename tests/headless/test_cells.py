"""Whatever ends a run, the Execution and the notebook's metadata say the same, and it is the truth."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from drcore.headless.execution import CellEvent, Ending
from drcore.headless.signals import SIGNALS
from tests.support.notebook_runs import FOREVER, PATIENCE, Ran, run


def test_it_should_record_a_run_that_went_well(tmp_path: Path) -> None:
    ran = run(tmp_path, "print('a')", "1 + 1")
    assert ran.execution.ending is Ending.COMPLETED
    assert (ran.execution.detail, ran.execution.cell, ran.execution.signal) == ("", None, None)
    assert ran.statuses == ["completed", "completed"]
    assert ran.about["exception"] is None and ran.about["end_time"] and ran.about["ending"] == "completed"
    for count, cell in enumerate(ran.notebook["cells"], 1):
        about = cell["metadata"]["papermill"]
        assert cell["execution_count"] == count and about["start_time"] and about["end_time"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.ipynb", "out.ipynb"]


def test_it_should_run_only_what_is_tagged_always_after_a_failed_cell(tmp_path: Path) -> None:
    ran = run(tmp_path, "x = 1", "1 / 0", "x = 2", "#always print(x)", "#always print('record')")
    assert (ran.execution.ending, ran.execution.cell) == (Ending.CELL_FAILED, "c1")
    assert "ZeroDivisionError: division by zero" in ran.execution.detail
    assert ran.statuses == ["completed", "failed", "pending", "completed", "completed"]
    assert ran.output(3) == "1\n"
    assert ran.about["exception"] is True and ran.about["failure"] == ran.execution.detail


def test_it_should_name_a_second_failure_without_hiding_the_first(tmp_path: Path) -> None:
    ran = run(tmp_path, "1 / 0", "#always [][0]", "#always print('record')")
    assert (ran.execution.ending, ran.execution.cell) == (Ending.CELL_FAILED, "c0")
    assert "After that, cell c1: IndexError" in ran.execution.detail
    assert ran.statuses == ["failed", "failed", "completed"]


def test_it_should_not_excuse_a_cell_for_its_tag(tmp_path: Path) -> None:
    ran = run(tmp_path, "#raises-exception 1 / 0", "x = 2")
    assert ran.execution.ending is Ending.CELL_FAILED
    assert ran.statuses == ["failed", "pending"]


def test_it_should_not_call_a_skipped_cell_completed(tmp_path: Path) -> None:
    ran = run(tmp_path, "#skip-execution x = 1", "'x' in dir()")
    assert ran.statuses == ["pending", "completed"]
    assert ran.notebook["cells"][1]["outputs"][0]["data"]["text/plain"] == ["False"]


def forever(text: str) -> str:
    """A cell that says when it has begun, and does not end."""
    return f"print('{text}', flush=True); {FOREVER}"


def test_it_should_end_a_cell_that_takes_too_long_and_keep_its_output(
    tmp_path: Path, jump: Callable[[str, float], None]
) -> None:
    jump("partial", 100)
    ran = run(tmp_path, forever("partial"), "x = 1", "#always print('r')", timeout=1000, cell_timeout=100)
    assert (ran.execution.ending, ran.execution.cell) == (Ending.TIMED_OUT, "c0")
    assert "The cell took longer than 100 s" in ran.about["failure"]
    assert ran.statuses == ["failed", "pending", "completed"]
    assert ran.output(0) == "partial\n"


def test_it_should_end_a_run_that_takes_too_long_whatever_its_cells_take(
    tmp_path: Path, jump: Callable[[str, float], None]
) -> None:
    jump("first", 100)
    jump("second", 50)
    cells = ("x = 1", forever("first"), "#always print('r')", f"#always {forever('second')}")
    ran = run(tmp_path, *cells, timeout=100, grace=50)
    assert (ran.execution.ending, ran.execution.cell) == (Ending.TIMED_OUT, "c1")
    assert "The run took longer than 100 s." in ran.execution.detail
    assert "What follows a failure took longer than 50 s." in ran.execution.detail
    assert ran.statuses == ["completed", "failed", "completed", "failed"]


def test_it_should_kill_a_cell_that_does_not_heed_its_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: Callable[[str, float], None]
) -> None:
    monkeypatch.setattr("drcore.headless.cells.INTERRUPT_SECONDS", 0.2)
    mask = "import signal, threading; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})"
    deaf = f"{mask}; print('deaf', flush=True); threading.Event().wait()"
    jump("deaf", 100)
    ran = run(tmp_path, deaf, "#always x = 1", timeout=1000, cell_timeout=100)
    assert ran.execution.ending is Ending.TIMED_OUT
    assert ran.statuses == ["failed", "pending"]


@pytest.mark.parametrize("way", ["import sys; sys.exit(0)", "exit()", "quit()", "get_ipython().ask_exit()"])
def test_it_should_not_take_an_exit_for_a_good_end(tmp_path: Path, way: str) -> None:
    ran = run(tmp_path, way, "x = 1")
    assert (ran.execution.ending, ran.execution.cell) == (Ending.EXITED, "c0")
    assert ran.statuses == ["failed", "pending"]
    assert ran.about["exception"] is True


def test_it_should_refuse_to_ask_where_nobody_can_answer(tmp_path: Path) -> None:
    ran = run(tmp_path, "input('Go?')", "x = 1")
    assert (ran.execution.ending, ran.execution.cell) == (Ending.CELL_FAILED, "c0")
    assert "StdinNotImplementedError" in ran.about["failure"]
    assert ran.statuses == ["failed", "pending"]


@pytest.mark.parametrize("number", SIGNALS)
def test_it_should_stop_at_a_signal_and_keep_what_was_printed(
    tmp_path: Path, heard: list[int], number: signal.Signals
) -> None:
    stop = f"import os; print('partial', flush=True); os.kill(os.getppid(), {int(number)}); {FOREVER}"
    ran = run(tmp_path, stop, "x = 1", "#always print('record')")
    assert (ran.execution.ending, ran.execution.signal) == (Ending.STOPPED, number)
    assert ran.execution.cell == "c0" and number.name in ran.about["failure"]
    assert ran.statuses == ["failed", "pending", "completed"]
    assert ran.output(0) == "partial\n"
    assert heard == []


def test_a_cell_that_has_not_begun_should_be_stopped_as_one_that_has(tmp_path: Path, heard: list[int]) -> None:
    """The kernel ignores an interrupt before it begins: the cell would run on, and the kernel be lost with it."""

    def stop(event: CellEvent) -> None:
        if (event.index, event.status) == (1, "running"):
            os.kill(os.getpid(), signal.SIGTERM)

    ran = run(tmp_path, "x = 1", FOREVER, "#always print('record', x)", progress=stop)
    assert ran.execution.ending is Ending.STOPPED
    assert ran.statuses == ["completed", "failed", "completed"]
    assert ran.output(2) == "record 1\n"


def test_a_signal_that_comes_too_late_should_be_handed_on(tmp_path: Path, heard: list[int]) -> None:
    """It stops no cell any more, and is not for the run to swallow."""

    def stop(event: CellEvent) -> None:
        if event.status == "completed":
            os.kill(os.getpid(), signal.SIGTERM)

    ran = run(tmp_path, "x = 1", progress=stop)
    assert (ran.execution.ending, heard) == (Ending.COMPLETED, [signal.SIGTERM])


def test_it_should_not_go_on_after_a_second_signal(
    tmp_path: Path, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drcore.headless.cells.REPEAT_SECONDS", 0)
    stop = f"import os; os.kill(os.getppid(), 15); {FOREVER}"
    ran = run(tmp_path, stop, f"#always {stop}", "#always print('record')")
    assert ran.execution.ending is Ending.STOPPED
    assert ran.statuses == ["failed", "failed", "pending"]


def test_it_should_take_a_signal_that_arrives_twice_for_one(tmp_path: Path, heard: list[int]) -> None:
    stop = f"import os; os.kill(os.getppid(), 2); os.kill(os.getppid(), 15); {FOREVER}"
    ran = run(tmp_path, stop, "#always print('record')")
    assert ran.execution.ending is Ending.STOPPED
    assert ran.statuses == ["failed", "completed"]


def test_it_should_go_on_when_the_signal_is_meant_to_be_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        ran = run(tmp_path, "import os; os.kill(os.getppid(), 1)")
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert ran.execution.ending is Ending.COMPLETED


def test_it_should_run_in_another_thread(tmp_path: Path) -> None:
    ran: list[Ran] = []
    thread = threading.Thread(target=lambda: ran.append(run(tmp_path, "print('a')", "1 / 0")))
    thread.start()
    thread.join(PATIENCE)
    assert ran[0].statuses == ["completed", "failed"]


def test_it_should_tell_of_each_cell_as_it_goes(tmp_path: Path) -> None:
    events: list[CellEvent] = []
    run(tmp_path, "x = 1", "1 / 0", "x = 2", progress=events.append)
    assert [(event.cell, event.index, event.status) for event in events] == [
        ("c0", 0, "running"),
        ("c0", 0, "completed"),
        ("c1", 1, "running"),
        ("c1", 1, "failed"),
    ]
    assert {event.total for event in events} == {3}


def test_it_should_tell_at_once_what_a_cell_says_is_to_be_told_at_once(tmp_path: Path) -> None:
    events: list[CellEvent] = []
    run(
        tmp_path,
        "from drcore import show; show.display('<p>a</p>', 'a'); show.tell_at_once('<p>b</p>', 'late'); print('c')",
        progress=events.append,
    )
    assert [(event.status, event.text) for event in events] == [("running", ""), ("told", "late"), ("completed", "")]


def test_it_should_go_on_when_nobody_looks_any_more(tmp_path: Path) -> None:
    def gone(event: CellEvent) -> None:
        raise BrokenPipeError

    assert run(tmp_path, "x = 1", progress=gone).execution.ending is Ending.COMPLETED


def test_it_should_record_a_fault_of_the_runner_before_raising_it(tmp_path: Path) -> None:
    def faulty(event: CellEvent) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        run(tmp_path, "x = 1", progress=faulty)
    assert "a bug" in json.loads((tmp_path / "out.ipynb").read_text())["metadata"]["papermill"]["failure"]
