"""The signals, the pipes, the time of a headless run."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drcore.headless.signals import SIGNALS
from drcore.record.files import write_atomically


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


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be set forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead

    def jump(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], None]:
    """`jump(text, seconds)`: so much time has passed once a cell has printed that.

    No limit has to be waited for, and none is reached early because the machine is slow.
    """
    loop = JumpingLoop()
    jumps: dict[str, float] = {}

    def watched(path: Path, content: bytes) -> None:
        write_atomically(path, content)
        outputs = [output for cell in json.loads(content)["cells"] for output in cell["outputs"]]
        for text in [text for text in jumps if text in str(outputs)]:
            loop.call_soon(loop.jump, jumps.pop(text))

    monkeypatch.setattr("drcore.headless.executed_notebook.write_atomically", watched)
    monkeypatch.setattr("asyncio.Runner", functools.partial(asyncio.Runner, loop_factory=lambda: loop))
    return jumps.__setitem__
