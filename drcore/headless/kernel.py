"""One IPython kernel in a process group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty
from typing import Any

from drcore.headless import signals
from drcore.headless.nbformat_light import nbformat  # before nbclient: see there
from drcore.headless.terminal import Keyboard

# isort: split
import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

LONGEST_SOCKET = 100  # bytes of path; a unix socket's address holds 104 (macOS) or 108 (Linux)
_OPTIONS = (
    "--HistoryManager.enabled=False",
    # Colours would put escape codes inside a secret and so past the redactor, and mean nothing in grey.
    "--InteractiveShell.colors=nocolor",
    # IPython's own exit() lets the cell pass and stops the kernel some time later.
    "--IPKernelApp.exec_lines=import sys; exit = quit = sys.exit; del sys",
)

_NOTHING = "\x04"  # to a kernel's question: the end of input
_REPLY = 0.5  # seconds; a reply and the news that the kernel is idle come by two sockets

_log = logging.getLogger("drcore.headless.kernel")
_log.addHandler(logging.NullHandler())  # nbclient logs what it raises anyway


class Kernel:
    """A kernel that is gone after `end`, with every process that it started in its group.

    It also ends by itself, within a second or so, when this process is killed: ipykernel watches its parent.
    """

    def __init__(
        self,
        cwd: Path,
        environment: Mapping[str, str],
        *,
        first: str = "pass",
        keyboard: Keyboard | None = None,
    ) -> None:
        """`first` is a statement that it carries out before it answers, such as an import that takes long.

        `keyboard` answers what its cells ask; without one they are told that nobody is there.
        """
        self._cwd, self._environment, self._first, self._keyboard = cwd, environment, first, keyboard
        self._folder = tempfile.TemporaryDirectory(prefix="drcore-", ignore_cleanup_errors=True)
        self._manager = AsyncKernelManager(kernel_spec_manager=_ThisInterpreter())
        self._manager.connection_file = str(self._private("kernel.json"))
        # Sockets in a private folder: no port to race for, no other user to keep out. Loopback where it is
        # too deep.
        sockets = str(self._private("socket"))
        if len(os.fsencode(sockets)) + len("-1") < LONGEST_SOCKET:
            self._manager.transport, self._manager.ip = "ipc", sockets
        self._client: AsyncKernelClient | None = None
        self._notebook: _Client | None = None
        self._reply: Mapping[str, Any] = {}
        self._ended = False
        self._interrupted = False  # who has pressed Ctrl-C is not asked any more

    def warm_up(self) -> None:
        """Start its process while something else is done. A failure shows in `start`, which tries once more."""
        with signals.held(), contextlib.suppress(OSError, RuntimeError):
            asyncio.run(self._spawn())

    async def start(self, nb: nbformat.NotebookNode, changed: Callable[[], None]) -> None:
        """Start it, unless it is warm; returns when it answers. `changed` is called at each output of a cell of `nb`.

        Raises OSError or RuntimeError when it does not come up.
        """
        if not self._manager.has_kernel:
            await self._spawn()
        self._client = self._manager.client()
        self._client.start_channels(stdin=False)
        self._client.allow_stdin = self._keyboard is not None
        await self._answer(self._client)
        if self._keyboard:
            await self._hear_questions(self._client)
        self._notebook = _Client(
            nb,
            km=self._manager,
            log=_log,
            allow_errors=True,  # the caller judges the reply, and no tag excuses an error
            skip_cells_with_tag="",  # the caller skips, so that nothing skipped is taken for completed
            record_timing=False,
            store_widget_state=False,
            raise_on_iopub_timeout=True,
            iopub_timeout=30,
            on_cell_executed=self._replied,
        )
        self._notebook.kc, self._notebook.changed = self._client, changed

    async def execute(self, cell: nbformat.NotebookNode, index: int) -> Mapping[str, Any]:
        """Execute a code cell of the notebook; the kernel's reply (`execute_reply` of the Jupyter protocol).

        Raises nbclient's DeadKernelError, or its CellTimeoutError when the outputs do not arrive after the
        reply.
        """
        assert self._notebook
        self._notebook.begun.clear()
        self._notebook.idle.clear()
        self._reply = {"status": "ok"}  # for an empty cell, which nobody replies to
        questions = asyncio.ensure_future(self._answer_questions())
        try:
            await self._notebook.async_execute_cell(cell, index)
        finally:
            questions.cancel()
            await asyncio.wait({questions})
        return self._reply

    async def _answer_questions(self) -> None:
        """What the running cell asks of a person, until it has ended."""
        assert self._client
        while self._keyboard:
            asked = await self._client.get_stdin_msg()
            typed = None if self._interrupted else await self._keyboard.ask(asked["content"]["prompt"])
            self._client.input(_NOTHING if typed is None else typed)

    async def returned(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        status: int | None = await self._provisioner.poll()
        return status

    async def interrupt(self) -> None:
        """As Ctrl-C in the running cell; returns when the kernel is through with it, though it may not reply.

        A kernel ignores an interrupt before it begins a cell, and drops a cell that it has just begun without a reply.
        """
        assert self._notebook
        self._interrupted = True
        await self._notebook.begun.wait()
        await self._manager.interrupt_kernel()
        await self._notebook.idle.wait()
        await asyncio.sleep(_REPLY)

    def last_words(self) -> str:
        """The last lines that it wrote past Jupyter: a crash report, or the reason for not starting."""
        log = self._private("log")
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return " | ".join([line.strip() for line in lines if line.strip()][-5:])

    async def end(self) -> None:
        """Kill the whole group, at once: an exit hook that a SIGKILL would skip is nothing to rely on."""
        if self._ended:
            return
        self._ended = True
        if self._manager.has_kernel:
            signals.kill(self._provisioner.pid)  # it leads its session, so its group
            self._provisioner.process.wait()
            signals.let_go(self._provisioner.pid)
        if self._client:
            self._client.stop_channels()
        await self._manager.cleanup_resources()
        self._folder.cleanup()

    def discard(self) -> None:
        """End one that was warmed up, where no event loop runs; harmless after `end`."""
        asyncio.run(self.end())

    async def _spawn(self) -> None:
        # Nobody's IPython profile and startup files belong in a record.
        environment = {**self._environment, "IPYTHONDIR": str(self._private("ipython"))}
        first = f"--IPKernelApp.exec_lines={self._first}"
        with self._private("log").open("wb") as log:
            await self._manager.start_kernel(
                cwd=str(self._cwd), env=environment, stdout=log, stderr=log, extra_arguments=[first]
            )
        signals.adopt(self._provisioner.pid)

    async def _answer(self, client: AsyncKernelClient) -> None:
        # As jupyter_client's wait_for_ready, less the 0.2 s in which it drains old messages: nbclient
        # ignores those.
        while True:
            client.kernel_info()
            with contextlib.suppress(Empty):
                await client.get_shell_msg(timeout=1)
                await client.get_iopub_msg(timeout=0.2)
                return
            if await self.returned() is not None:
                raise RuntimeError(f"it ended before it was ready. {self.last_words()}".strip())

    async def _hear_questions(self, client: AsyncKernelClient) -> None:
        """Returns when a question of the kernel arrives here. To a socket not connected yet it is lost, in silence."""
        client.context.setsockopt(zmq.IMMEDIATE, 1)  # such a one takes nothing before it is connected
        client.start_channels(shell=False, iopub=False, hb=False, control=False)
        while not await client.stdin_channel.socket.poll(1000, zmq.POLLOUT):
            if await self.returned() is not None:
                raise RuntimeError(f"it ended before it could ask. {self.last_words()}".strip())
        await self._answer(client)  # by then it knows of the connection, too

    def _replied(self, *, execute_reply: Mapping[str, Any], **_: object) -> None:
        self._reply = execute_reply["content"]

    def _private(self, name: str) -> Path:
        return Path(self._folder.name) / name

    @property
    def _provisioner(self) -> Any:
        return self._manager.provisioner


def this_interpreter(name: str) -> KernelSpec:
    """A kernel in the interpreter that drcore is installed in."""
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *_OPTIONS]
    return KernelSpec(argv=argv, display_name=name, language="python")


class _ThisInterpreter(KernelSpecManager):
    """Whatever kernel the notebook was saved with, it runs in the interpreter that drcore is installed in."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return this_interpreter(kernel_name)


class _Client(NotebookClient):
    """nbclient, telling of each output as it comes and joining the pieces of a stream."""

    changed: Callable[[], None]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.begun, self.idle = asyncio.Event(), asyncio.Event()  # with the cell that was sent last

    def process_message(
        self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int
    ) -> nbformat.NotebookNode | None:
        match msg:
            case {"msg_type": "execute_input"}:
                self.begun.set()
            case {"msg_type": "status", "content": {"execution_state": "idle"}}:
                self.idle.set()
        output = super().process_message(msg, cell, cell_index)
        # Joined, so that a secret flushed in two pieces is one string when it is redacted.
        match cell.outputs[-2:]:
            case [before, after] if after is output and _same_stream(before, after):
                before.text += cell.outputs.pop().text
        self.changed()
        return output


def _same_stream(before: Any, after: Any) -> bool:
    return bool(after.output_type == before.output_type == "stream" and after.name == before.name)
