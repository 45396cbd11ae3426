"""Runs tests in children of a process that has loaded what no mutant is in, so that a start costs next to nothing.

Started in a copy of the tree, as a file and not as a module, so that `tests` are the copy's. It reads jobs from its
input, a line of JSON each, and answers with the child's process id at once and with its exit status at the end.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

OPTIONS = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", "--assert=plain"]


class Chosen:
    """A plugin of pytest: these tests alone, in this order, where any are named; the first that fails is kept."""

    def __init__(self, tests: list[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._places:
            items[:] = [item for item in items if item.nodeid in self._places]
            items.sort(key=lambda item: self._places[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._keep(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._keep(report)

    def _keep(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"FAILED {report.nodeid}"


def main() -> None:
    """Carry out jobs until the input ends."""
    _load()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _carry_out(json.loads(line))
        _answer(child)
        _, status = os.waitpid(child, 0)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what a test that was ended has left
        _answer(os.waitstatus_to_exitcode(status))


def _load() -> None:
    """The sandbox, which has no mutants, with the past that most worlds share."""
    from drcore.sandbox.endpoints.in_process import InProcess
    from tests.support import kept_past

    kept_past.share()
    InProcess(1, 1000, 800)  # as tests.support.stage has them


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _carry_out(job: dict[str, Any]) -> None:
    """In the child: stage after stage, until a test fails. Its name goes into the file `job["result"]`."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CPU, (job["cpu_seconds"], job["cpu_seconds"]))
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, file in enumerate((nothing, output, output)):
        os.dup2(file, number)
    if job["module"] in sys.modules:  # the mutant is in what is loaded: a fresh process is needed
        Path(f"{job['result']}.stages").write_text(json.dumps(job["stages"]))
        subprocess.run([sys.executable, __file__, job["result"]], check=True)
        os._exit(0)
    _stages(job["stages"], job["result"])


def _stages(stages: list[list[str]], result: str) -> None:
    for words in stages:  # of pytest's command line; what has "::" in it is the name of a test
        chosen = Chosen([word for word in words if "::" in word])
        files = dict.fromkeys(word.partition("::")[0] for word in words)
        try:
            code = pytest.main([*OPTIONS, *files], plugins=[chosen])
        except pytest.PytestUnraisableExceptionWarning:  # what a test has left open, told when all have ended
            code = pytest.ExitCode.TESTS_FAILED
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            Path(result).write_text(chosen.failed or f"FAILED {words[0]}: exit {int(code)}")
            break
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1:]:
        _stages(json.loads(Path(f"{sys.argv[1]}.stages").read_text()), sys.argv[1])
    main()
