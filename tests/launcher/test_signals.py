"""A signal ends any command at any moment, in time, with its code, and nothing is left running.

In `make test` at a moment of each kind; with EXHAUSTIVE=1 at moments all over the life of every process of a command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from drcore.headless import signals
from drcore.launcher import lab
from drcore.record.events import read_events
from drcore.record.proof import verify
from tests.support import exports
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stopped import Moment, Stopped, ended_at

INT, TERM, HUP = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
RUN = ("-p", "run_id=f-1", "--json")
Words = tuple[str | Path, ...]


def drill(folder: Path) -> Words:
    return ("drill", "f", *RUN, "--records", folder / "records")


def rehearse(folder: Path) -> Words:
    return ("rehearse", "f", *RUN, "--records", folder / "records")


def in_lab(folder: Path) -> Words:
    return ("lab", "f", *RUN, "--records", folder / "records", "--no-browser")


def sandbox(folder: Path) -> Words:
    return ("sandbox", "--seed", "7")


def diff(folder: Path) -> Words:
    sides = []
    for side in ("a", "b"):
        items = [{"pk": {"S": str(number)}, "of": {"S": side * (number % 2)}} for number in range(2000)]
        sides.append(exports.full(folder / side, items))
    return ("diff", *sides, "--key", "pk", "--out", folder / "out", "--json")


COMMANDS = (drill, rehearse, in_lab, sandbox, diff)

# Of each command: where it is easy to lose a child, a record or a signal.
KINDS: tuple[tuple[Callable[[Path], Words], Moment], ...] = (
    (drill, Moment("command")),
    (drill, Moment("command", "import", "typer", signals=(INT,))),
    (drill, Moment("command", "os.mkdir", "f-1")),
    (drill, Moment("command", "subprocess.Popen", signals=(HUP,))),  # the world
    (drill, Moment("command", "subprocess.Popen", number=1, signals=(INT, TERM))),  # the kernel
    (drill, Moment("world", "socket.bind", signals=(INT,))),
    (drill, Moment("command", "os.rename", "parameters.json")),
    (drill, Moment("kernel", "open", "journal.jsonl", signals=(INT, INT))),
    (rehearse, Moment("kernel", "import", "drcore.plans")),
    (rehearse, Moment("command", "os.rename", "manifest.json")),  # the record is finished
    (in_lab, Moment("server", "import", "tornado", signals=(HUP,))),  # it dies of it
    (sandbox, Moment("command", "subprocess.Popen", signals=(INT,))),
    (sandbox, Moment("world", "import", "moto")),
    (diff, Moment("command", "import", "duckdb", signals=(INT,))),
    (diff, Moment("command", "open", "data/", number=1)),
)


@pytest.mark.parametrize(
    ("command", "moment"), KINDS, ids=[f"{command.__name__}: {moment}" for command, moment in KINDS]
)
def test_a_signal_should_end_it_at_a_moment_of_each_kind(
    tmp_path: Path, command: Callable[[Path], Words], moment: Moment
) -> None:
    with ended_at(moment, *command(tmp_path), scratch=tmp_path / "scratch") as stopped:
        has_ended(stopped, moment, tmp_path)


def test_a_signal_should_end_what_resumes_a_run_and_the_run_can_be_resumed_again(tmp_path: Path) -> None:
    opens = Moment("command", "tempfile.mkdtemp", "drcore-lab-")
    words = ("resume", "f-1", "--records", tmp_path / "records")
    with ended_at(opens, *in_lab(tmp_path), scratch=tmp_path / "opens") as stopped:
        has_ended(stopped, opens, tmp_path)
        serves = Moment("server", "open", "jpserver-")  # it hears it, and does not run yet
        with ended_at(serves, *words, "--lab", "--no-browser", scratch=tmp_path / "serves") as served:
            has_ended(served, serves, tmp_path)
        runs = Moment("kernel", "open", "journal.jsonl", signals=(INT,))
        with ended_at(runs, *words, scratch=tmp_path / "runs") as ran:
            has_ended(ran, runs, tmp_path)
        assert "resume f-1" in ran.out


LAST: dict[Callable[[Path], Words], Moment] = {
    drill: Moment("command", "os.rename", "manifest.json"),
    rehearse: Moment("command", "os.rename", "manifest.json"),
    in_lab: Moment("server", "open", "jpserver-", 1),
    sandbox: Moment("world", "socket.bind"),
    diff: Moment("command", "open", "report.json"),
}


@pytest.mark.skipif(not EXHAUSTIVE, reason="a run for each moment: only with EXHAUSTIVE=1")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.__name__))
def test_a_signal_should_end_it_wherever_it_arrives(tmp_path: Path, command: Callable[[Path], Words]) -> None:
    first = tmp_path / "first"
    first.mkdir()
    with ended_at(LAST[command], *command(first), scratch=first / "scratch") as stopped:
        events = stopped.events
    for process, count in events.items():
        for part in range(20):
            number = (TERM, INT, HUP)[part % 3]
            moment = Moment(process, number=count * part // 20, signals=(number,) * (1 + part % 2))
            folder = tmp_path / f"{process}-{part}"
            folder.mkdir()
            with ended_at(moment, *command(folder), scratch=folder / "scratch") as stopped:
                has_ended(stopped, moment, folder)


def has_ended(stopped: Stopped, moment: Moment, folder: Path) -> None:
    """With the code of the first signal; and either there is a run with its world, to be taken up, or there is none."""
    assert stopped.code in {128 + number for number in moment.signals}, stopped.err
    assert "Traceback" not in stopped.err
    record = folder / "records" / "f-1"
    if not record.exists():
        assert stopped.left() == set()
        return
    assert (record / "parameters.json").exists()
    assert stopped.left("world") <= {"world"}
    if any(line["event"] == "sealed" for line in read_events(record)):
        assert verify(record).holds


# ── what can go wrong on the way ─────────────────────────────────────────────────────────────────────────────────────

LOST = """
import os, signal, sys, time
from drcore.headless import signals
signals.UNWIND_SECONDS = 0.2
signals.listen()
child = signals.start([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(1)
except BaseException:
    pass
time.sleep(600)
"""


def test_a_command_should_end_although_a_library_has_swallowed_the_signal() -> None:
    ended = subprocess.run([sys.executable, "-c", LOST], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 128 + TERM, ended.stderr
    wait_for_end_of(int(ended.stdout))


HELD = """
import os, signal, sys
from drcore.headless import signals
signals.listen()
with signals.held():
    os.kill(os.getpid(), signal.SIGTERM)
    print("done", flush=True)
print("never")
"""


def test_a_signal_should_wait_while_it_is_held() -> None:
    ended = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (128 + TERM, "done\n"), ended.stderr


def test_a_signal_that_is_ignored_should_stay_ignored() -> None:
    """As under nohup."""
    words = [sys.executable, "-c", HELD.replace("SIGTERM", "SIGHUP")]
    before = signal.signal(HUP, signal.SIG_IGN)
    try:
        ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    finally:
        signal.signal(HUP, before)
    assert (ended.returncode, ended.stdout) == (0, "done\nnever\n"), ended.stderr


DEAF = "import os, signal, time; signal.signal(15, signal.SIG_IGN); os.kill(os.getppid(), 15); time.sleep(600)"


def test_a_server_that_loses_the_signal_should_be_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JupyterLab loses it while it writes its address: it logs the signal, and a stream is not written to twice."""
    monkeypatch.setattr(lab, "_ENDING", 1)
    server = lab._Server()
    with signals.given_to(server.stop):
        status = server.run([sys.executable, "-c", DEAF], os.environ, tmp_path, None)
    assert (status, server.heard) == (-signal.SIGKILL, [TERM])


def wait_for_end_of(pid: int) -> None:
    _, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=30)
    assert alive == []
