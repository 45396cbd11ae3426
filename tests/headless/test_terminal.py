"""A question of a cell is asked on the terminal, and answered by what is typed after it is there."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drcore.headless.execution import Ending
from drcore.headless.kernel import Kernel
from drcore.headless.terminal import Terminal, is_there
from tests.support.notebook_runs import run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Let somebody type on the terminal that this process stands on."""
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        yield lambda text: void(os.write(master, text))
    os.close(master)


def void(_: int) -> None:
    """What it returns nobody needs."""


class Person:
    """Somebody who is shown questions, and does something at each as soon as it is there."""

    def __init__(self, *does: Callable[[], object]) -> None:
        self._does, self.shown, self.open = list(does), list[str](), 0

    @contextmanager
    def question(self, prompt: str) -> Iterator[None]:
        self.shown.append(prompt)
        self.open += 1
        self._does.pop(0)()
        try:
            yield
        finally:
            self.open -= 1


ASK = "print(repr(input('Type it: ')))"


def test_each_question_is_answered_by_a_line_that_is_typed_after_it(
    tmp_path: Path, typed: Callable[[bytes], None]
) -> None:
    """And whoever leaves (Ctrl-D), or stops the run, answers nothing; who has stopped it is asked nothing more."""
    person = Person(
        lambda: typed("roll back → 41\n".encode()),
        lambda: typed(b"\x04"),
        lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    typed(b"typed before it was asked\n")
    ends = (
        "try:\n    input('Go on? ')\nexcept EOFError:\n    print('nobody')",
        "input('Stop? ')",
        "#always try:\n    input('Go back? ')\nexcept EOFError:\n    print('nobody')",
    )
    kernel = Kernel(tmp_path, {}, keyboard=Terminal(person.question))
    ran = run(tmp_path, ASK, *ends, kernel=kernel)
    assert (ran.output(0), ran.output(1), ran.output(3)) == ("'roll back → 41'\n", "nobody\n", "nobody\n")
    assert person.shown == ["Type it: ", "Go on? ", "Stop? "]
    assert person.open == 0
    assert ran.execution.ending is Ending.STOPPED


def test_without_a_terminal_a_cell_is_told_that_nobody_is_there(tmp_path: Path) -> None:
    ran = run(tmp_path, "input('? ')")
    assert ran.execution.ending is Ending.CELL_FAILED and "StdinNotImplementedError" in ran.execution.detail


@pytest.mark.parametrize("away", ["stdin", "stderr"])
def test_a_question_that_is_not_seen_or_cannot_be_answered_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, away: str
) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        for name in ("stdin", "stderr"):
            monkeypatch.setattr(sys, name, terminal)
        assert is_there()
        monkeypatch.setattr(sys, away, io.StringIO())
        assert not is_there()
    os.close(master)
