"""The command itself, killed and stopped: what it says at its end, what goes on, how the run is taken up again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from drcore import plans
from drcore.engine.prepare import HOME
from drcore.engine.step import Step
from drcore.errors import Exit
from drcore.record.events import Event, read_events
from drcore.record.proof import verify
from tests.support.command import COMMAND
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import of_the_lock

PLAN = plans.find("f")  # one is enough, the shortest: all of this is above the plans
PATIENCE = 120  # seconds until a wait that should have ended is given up; nothing waits for it to pass


@dataclass
class Launched:
    """A drill that was started by the command and stands in the middle: its first act has just begun."""

    process: subprocess.Popen[str]
    folder: Path

    @property
    def events(self) -> list[Event]:
        return read_events(self.folder)

    @property
    def address(self) -> str:
        return str(json.loads((self.folder / "parameters.json").read_text())["world"]["address"])

    @property
    def kernel(self) -> psutil.Process:
        return psutil.Process(next(line["pid"] for line in self.events if line["event"] == "host"))

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def resume(self) -> tuple[int, dict[str, Any]]:
        """The exit code of `drcore resume`, and what it says of the end."""
        command = [*COMMAND, "resume", self.folder.name, "--records", str(self.folder.parent), "--json"]
        done = subprocess.run(
            command, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False
        )
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return done.returncode, said


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launched]:
    run_id = f"{PLAN.id}-1"
    command = [
        *COMMAND,
        "drill",
        PLAN.id,
        "--fault",
        PLAN.faults[-1],
        "--records",
        str(tmp_path),
        "-p",
        f"run_id={run_id}",
    ]
    process = subprocess.Popen(
        command, cwd=HOME, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    launched = Launched(process, tmp_path / run_id)
    try:
        assert process.stderr
        acting, said = cell_of(next(step for step in PLAN.steps if step.act and step.undo)), ""
        for line in process.stderr:
            said += line
            if line.rstrip().endswith(f" {acting}"):
                break
        else:
            pytest.fail(f"it ended before the cell {acting!r}: {said}")
        yield launched
    finally:
        process.kill()
        process.wait()
        assert process.stderr
        process.stderr.close()
        with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
            urllib3.request("POST", f"{launched.address}/_sandbox/stop", timeout=5, retries=False)


def cell_of(step: Step[Any, Any]) -> str:
    """The name by which the command tells that a step's cell begins."""
    notebook = json.loads((HOME / "notebooks" / PLAN.notebook).read_text())
    cells = [cell["id"] for cell in notebook["cells"] if "".join(cell["source"]).startswith("run.step(")]
    return str(cells[PLAN.steps.index(step)]).replace("-", " ")


def goes_on(launched: Launched) -> None:
    """The run is taken up again, reaches its goal, and has done nothing twice."""
    before = len([line for line in launched.events if line["event"] in ("opened", "opened-again")])
    code, said = launched.resume()
    assert (code, said["verdict"]) == (Exit.REACHED, "goal reached")
    assert [step["title"] for step in said["steps"]] == [step.title for step in PLAN.steps]
    events = launched.events
    assert len([line for line in events if line["event"] in ("opened", "opened-again")]) == before + 1
    made = Counter(
        (line["call"], line["region"], json.dumps(line["parameters"], sort_keys=True))
        for line in events
        if line["event"] == "call" and line["write"] and line["answer"] == "OK" and not of_the_lock(line)
    )
    assert [call for call, times in made.items() if times > 1] == []
    assert verify(launched.folder).holds


def test_a_launcher_that_is_killed_leaves_the_world_but_no_kernel_and_can_be_resumed(launched: Launched) -> None:
    kernel = launched.kernel
    assert launched.end(signal.SIGKILL) == -signal.SIGKILL

    _, alive = psutil.wait_procs([kernel], timeout=PATIENCE)
    assert not alive, "the kernel must end with its launcher"
    assert urllib3.request("GET", f"{launched.address}/_sandbox/clock", retries=False).status == 200
    assert verify(launched.folder).holds
    goes_on(launched)


def test_a_kernel_that_is_killed_is_a_failure_of_the_runner_and_can_be_resumed(launched: Launched) -> None:
    os.kill(launched.kernel.pid, signal.SIGKILL)
    assert launched.process.wait(PATIENCE) == Exit.RUNNER_FAILED
    assert verify(launched.folder).holds
    goes_on(launched)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGINT, Exit.INTERRUPTED)][: None if EXHAUSTIVE else 1],
)
def test_a_launcher_that_is_stopped_says_so_and_the_run_can_be_resumed(
    launched: Launched, number: signal.Signals, code: Exit
) -> None:
    kernel = launched.kernel
    assert launched.end(number) == code
    assert not kernel.is_running()
    assert not [line for line in launched.events if line["event"] == "intent" and line["step"] == PLAN.goal.title]
    assert verify(launched.folder).holds
    goes_on(launched)
