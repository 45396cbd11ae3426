"""Whatever ends a run, the Execution and the notebook's metadata say the same, and it is the truth.

Each of papermill's false records (reference: "Papermill as a recorder") is a test with a real kernel.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drcore.headless import cells as headless
from drcore.headless.execute import run_notebook
from drcore.headless.execution import CellEvent, Ending, Execution
from drcore.headless.parameters_cell import Parameter, parameter_names
from drcore.record.files import write_whole
from drcore.signals import SIGNALS

PATIENCE = 30  # seconds until a wait that should have ended is given up; nothing waits for it to pass
FOREVER = "import threading; threading.Event().wait()"


@dataclass(frozen=True)
class Ran:
    """A run, and the notebook that it left."""

    execution: Execution
    text: str

    @property
    def notebook(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def about(self) -> dict[str, Any]:
        return dict(self.notebook["metadata"]["papermill"])

    @property
    def statuses(self) -> list[str]:
        return [cell["metadata"]["papermill"]["status"] for cell in self.notebook["cells"]]

    def output(self, cell: int) -> str:
        pieces = self.notebook["cells"][cell]["outputs"]
        return "".join("".join(piece.get("text", [])) for piece in pieces)


def write(folder: Path, *cells: str, **metadata: object) -> Path:
    """A notebook of code cells c0, c1, …; `#tag` at a cell's beginning tags it."""
    source = folder / "in.ipynb"
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    document = {
        "cells": [code(f"c{index}", text) for index, text in enumerate(cells)],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}} | metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    source.write_text(json.dumps(document))
    return source


def code(name: str, text: str) -> dict[str, object]:
    tag, _, rest = text.partition(" ") if text.startswith("#") else ("", "", text)
    tags = [tag[1:]] if tag else []
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": tags},
        "source": rest,
        "outputs": [],
        "execution_count": None,
    }


def run(folder: Path, *cells: str, **changes: Any) -> Ran:
    output = folder / "out.ipynb"
    arguments: dict[str, Any] = {
        "parameters": {},
        "cwd": folder,
        "redact": lambda text: text.replace("hunter2", "[redacted]").replace('pass"word', "[redacted]"),
        "timeout": 60,
        "cell_timeout": None,
        "progress": None,
        "environment": dict(os.environ),
    }
    execution = run_notebook(write(folder, *cells), output, **(arguments | changes))
    return Ran(execution, output.read_text() if output.exists() else "")


def wait_for_end_of(pipe: int) -> str:
    """What is written to a pipe until nobody has its other end open any more."""
    text = b""
    while True:
        readable, _, _ = select.select([pipe], [], [], PATIENCE)
        assert readable, "somebody still holds the pipe open"
        piece = os.read(pipe, 1000)
        if not piece:
            return text.decode()
        text += piece


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals that reached the handlers which this process had before the run."""
    numbers: list[int] = []

    def handler(number: int, _: object) -> None:
        numbers.append(number)

    before = {number: signal.signal(number, handler) for number in SIGNALS}
    yield numbers
    assert all(signal.getsignal(number) is handler for number in SIGNALS), "handlers are put back"
    for number, old in before.items():
        signal.signal(number, old)


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[int]:
    """The reading end of the named pipe `fifo` in the kernel's folder."""
    os.mkfifo(tmp_path / "fifo")
    pipe = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    yield pipe
    os.close(pipe)


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


def test_it_should_end_a_cell_that_takes_too_long_and_keep_its_output(tmp_path: Path) -> None:
    ran = run(tmp_path, f"print('partial', flush=True); {FOREVER}", "x = 1", "#always print('r')", cell_timeout=0.3)
    assert (ran.execution.ending, ran.execution.cell) == (Ending.TIMED_OUT, "c0")
    assert "The cell took longer than 0.3 s" in ran.about["failure"]
    assert ran.statuses == ["failed", "pending", "completed"]
    assert ran.output(0) == "partial\n"


def test_it_should_end_a_run_that_takes_too_long_whatever_its_cells_take(tmp_path: Path) -> None:
    ran = run(tmp_path, "x = 1", FOREVER, "#always print('r')", f"#always {FOREVER}", timeout=1.0, grace=1.0)
    assert (ran.execution.ending, ran.execution.cell) == (Ending.TIMED_OUT, "c1")
    assert "The run took longer than 1 s." in ran.execution.detail
    assert ran.statuses == ["completed", "failed", "completed", "failed"]


def test_it_should_kill_a_cell_that_does_not_heed_its_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "INTERRUPT_SECONDS", 0.2)
    deaf = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGINT}}); {FOREVER}"
    ran = run(tmp_path, deaf, "#always x = 1", cell_timeout=0.3)
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


def test_it_should_not_go_on_after_a_second_signal(
    tmp_path: Path, heard: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "REPEAT_SECONDS", 0)
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


def test_it_should_say_why_a_kernel_did_not_start(tmp_path: Path) -> None:
    ran = run(tmp_path, "x = 1", environment={"PYTHONHOME": "/nonexistent"})
    assert (ran.execution.ending, ran.execution.cell) == (Ending.START_FAILED, None)
    assert "No module named 'encodings'" in ran.about["failure"]
    assert ran.statuses == ["pending"]


def test_it_should_say_that_a_broken_notebook_was_not_run(tmp_path: Path) -> None:
    source = write(tmp_path, "x = 1", kernelspec={})
    execution = run_notebook(
        source,
        tmp_path / "out.ipynb",
        {},
        cwd=tmp_path,
        redact=str,
        timeout=60,
        cell_timeout=None,
        progress=None,
        environment={},
    )
    assert execution.ending is Ending.START_FAILED and "Nothing was run" in execution.detail


@pytest.mark.parametrize("parameters", [{"reigon": "us-west-2"}, {"region": float("nan")}, {"region": object()}])
def test_it_should_refuse_parameters_that_papermill_would_let_pass(
    tmp_path: Path, parameters: dict[str, object]
) -> None:
    ran = run(tmp_path, "#parameters region = 'us-east-1'", parameters=parameters)
    assert ran.execution.ending is Ending.START_FAILED and ran.text == ""


def test_it_should_hand_parameters_over_and_show_them(tmp_path: Path) -> None:
    given = {"account": "012345678901", "fast": True}
    ran = run(tmp_path, "#parameters account = ''\nfast = False", "print(account, fast)", parameters=given)
    assert [cell["id"] for cell in ran.notebook["cells"]] == ["c0", "injected-parameters", "c1"]
    assert ran.output(2) == "012345678901 True\n"
    assert ran.about["parameters"] == given


def test_it_should_give_the_kernel_the_named_environment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    ran = run(tmp_path, "import os; print(os.environ.get('AWS_PROFILE'), os.environ['A'])", environment={"A": "b"})
    assert ran.output(0) == "None b\n"


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

    monkeypatch.setattr("drcore.headless.executed_notebook.write_whole", full)
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
    monkeypatch.setattr("drcore.headless.executed_notebook.write_whole", lambda path, content: saves.append(content))
    ran = run(tmp_path, *["print(1)"] * 60)
    assert ran.execution.ending is Ending.COMPLETED
    assert len(saves) <= 3 + ran.execution.seconds


def test_it_should_save_in_the_middle_of_a_long_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "go")
    seen: list[str] = []

    def watched(path: Path, content: bytes) -> None:
        write_whole(path, content)
        if b"half way" in content.split(b'"source"')[0] and not seen:
            seen.append(json.loads(content)["cells"][0]["metadata"]["papermill"]["status"])
            (tmp_path / "go").write_text("go")

    monkeypatch.setattr("drcore.headless.executed_notebook.write_whole", watched)
    ran = run(tmp_path, "print('half way', flush=True)\nprint(open('go').read())")
    assert seen == ["running"]
    assert ran.output(0) == "half way\ngo\n"


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


def test_importing_it_should_cost_nothing_and_papermill_no_unused_parsers() -> None:
    script = """if True:
        import sys, drcore.headless.execute
        assert not {"papermill", "nbformat", "nbclient", "urllib3"} & set(sys.modules)
        import drcore.headless.papermill_engine, drcore.headless.page
        assert "rfc3987_syntax" not in sys.modules
        from importlib.util import find_spec
        assert find_spec('rfc3987_syntax')
    """
    subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", script], check=True)


def test_parameter_names_should_be_what_the_parameters_cell_declares(tmp_path: Path) -> None:
    text = """#parameters mode = "rehearse"  # rehearse, drill or execute
# the region
# that failed
region: str = "us-east-1"
limits = {
    "a": 1,
}  # per region
print(mode)"""
    assert parameter_names(write(tmp_path, "x = 1", text)) == {
        "mode": Parameter("mode", '"rehearse"', "rehearse, drill or execute"),
        "region": Parameter("region", '"us-east-1"', "the region that failed"),
        "limits": Parameter("limits", '{\n    "a": 1,\n}', "per region"),
    }
    assert parameter_names(write(tmp_path, "x = 1")) == {}


@pytest.mark.parametrize("text", ["#parameters x = ", "#parameters %magic"])
def test_parameter_names_should_refuse_a_cell_that_is_not_plain(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="plain parameters cell"):
        parameter_names(write(tmp_path, text))


def drive(folder: Path, first: str = "") -> subprocess.Popen[str]:
    """A launcher of its own, which prints how `in.ipynb` ended."""
    script = f"""if True:
        import os
        from pathlib import Path
        from drcore.headless.execute import run_notebook
        {first}
        done = run_notebook(Path("in.ipynb"), Path("out.ipynb"), {{}}, cwd=Path("."), redact=str, timeout=60,
                            cell_timeout=None, progress=None, environment=dict(os.environ))
        print(done.ending, done.detail, sep=",")
    """
    # A launcher that is killed leaves its temporary folder: here, then.
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **own},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
