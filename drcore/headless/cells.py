"""One headless run: its cells in their order, its limits, the signals that it heeds."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drcore.headless import signals
from drcore.headless.nbformat_light import nbformat  # before nbclient: see there

# isort: split
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from drcore.headless.executed_notebook import ExecutedNotebook
from drcore.headless.execution import FULL, CellEvent, Ending, Execution, Job
from drcore.headless.kernel import Kernel

ALWAYS = "always"
AT_ONCE = "drcore_at_once"  # of drcore.show: the mark of an output whose text is passed on while its cell runs
START_SECONDS = 60.0
STOP_SECONDS = 5.0  # from a signal until the last cell is cut short, whatever it does
INTERRUPT_SECONDS = 5.0  # what an interrupted cell has for its own `finally`, before the kernel is killed
REPEAT_SECONDS = 1.0  # a terminal and a parent often both pass on the same Ctrl-C: that is one signal


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a cell, or the run, did not go well."""

    ending: Ending
    detail: str
    signal: int | None = None


class HeadlessRun:
    """One run, on an event loop of its own: signals, limits and the kernel's death are awaited together."""

    def __init__(self, job: Job) -> None:
        self.called = False
        self.execution: Execution | None = None
        self._stop: asyncio.Future[int]  # the number of the signal that was heard
        self._coming: int | None = None  # one that the loop has not heard yet
        self._heard: float | None = None  # when
        self._job = job
        self._progress = job.progress
        self._kernel: Kernel
        self._going = False  # from the kernel's start until it is lost, or until a second signal
        self._trouble: Trouble | None = None  # the first, which names the ending
        self._cell: str | None = None
        self._visited: nbformat.NotebookNode | None = None  # the cell that runs, or ran last
        self._details: list[str] = []

    def execute(self, nb: nbformat.NotebookNode) -> None:
        self.called = True
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._stop = self._loop.create_future()
            with signals.given_to(self._pass_on):
                self.execution = runner.run(self._run(nb))
        late = self._coming or (self._stop.result() if self._stop.done() else None)
        if late and self._ending is not Ending.STOPPED:
            signals.hand_back(late)

    async def _run(self, nb: nbformat.NotebookNode) -> Execution:
        begun = self._loop.time()
        self._deadline = begun + self._job.timeout
        self._executed = ExecutedNotebook(nb, self._job.source, self._job.output, self._job.redact)
        try:
            self._executed.save_now()
        except OSError as error:
            self._note(_unsaved(error, "Nothing was run, as there would be no record of it."))
        else:
            await self._run_cells(nb)
        number = self._trouble.signal if self._trouble else None
        return Execution(self._ending, self._detail, self._cell, number, self._loop.time() - begun)

    async def _run_cells(self, nb: nbformat.NotebookNode) -> None:
        self._kernel = self._job.kernel or Kernel(self._job.cwd, self._job.environment)
        try:
            await self._start(nb)
            for index, cell in enumerate(nb.cells):
                if self._is_due(cell):
                    await self._visit(cell, index)
            if self._going and await self._kernel.returned() is not None:
                self._note(await self._death())
        except BaseException as error:
            self._note(Trouble(Ending.CELL_FAILED, f"The runner itself failed: {error!r}"))
            raise
        finally:
            try:
                self._executed.close(self._ending, self._detail)
            except OSError as error:
                self._note(_unsaved(error, f"{self._job.output.name} shows an earlier moment of the run."))
            await self._kernel.end()

    async def _start(self, nb: nbformat.NotebookNode) -> None:
        task = asyncio.ensure_future(self._kernel.start(nb, self._changed))
        if not await self._finished(task, START_SECONDS):
            self._note(self._cut_short(Trouble(Ending.START_FAILED, "The kernel did not start in time.")))
            task.cancel()
            await asyncio.wait({task})
            return
        match task.exception():
            case None:
                self._going = True
            case OSError() | RuntimeError() as error:
                self._note(Trouble(Ending.START_FAILED, f"The kernel did not start: {error}"))
            case error:
                raise error

    def _is_due(self, cell: nbformat.NotebookNode) -> bool:
        late = self._loop.time() >= self._deadline
        if not self._trouble and (late or self._stop.done()):
            self._note(self._cut_short())
            late = False
        if cell.cell_type == "code" and "skip-execution" in cell.metadata.tags:
            return False  # it stays pending: papermill would call it completed
        return self._going and (not self._trouble or (ALWAYS in cell.metadata.tags and not late))

    async def _visit(self, cell: nbformat.NotebookNode, index: int) -> None:
        self._executed.cell_start(cell, index)
        self._visited = cell
        self._report_progress(cell)
        trouble = await self._execute(cell, index) if cell.cell_type == "code" else None
        if trouble:
            self._executed.cell_exception(cell)
            self._note(trouble, cell.id)
        self._executed.cell_complete(cell)
        self._report_progress(cell)

    async def _execute(self, cell: nbformat.NotebookNode, index: int) -> Trouble | None:
        limit = self._job.cell_timeout or math.inf
        task = asyncio.ensure_future(self._kernel.execute(cell, index))
        if not await self._finished(task, limit):
            trouble = self._cut_short(Trouble(Ending.TIMED_OUT, f"The cell took longer than {limit:g} s."))
            await self._interrupt(task)
            return trouble
        match task.exception():
            case None:
                return _trouble_in(task.result())
            case DeadKernelError():
                return await self._death()
            case CellTimeoutError():
                return Trouble(Ending.TIMED_OUT, "The cell ended, but its output did not arrive.")
            case error:
                raise error

    async def _interrupt(self, task: asyncio.Future[Any]) -> None:
        dropped = asyncio.ensure_future(self._kernel.interrupt())
        await asyncio.wait({task, dropped}, timeout=INTERRUPT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended = [each for each in (task, dropped) if each.done()]
        self._going = self._going and bool(ended) and not any(each.exception() for each in ended)
        task.cancel()
        dropped.cancel()
        await asyncio.wait({task, dropped})

    async def _death(self) -> Trouble:
        self._going = False
        status = await self._kernel.returned() or 0
        name = signal.Signals(-status).name if status < 0 else ""
        how = f"was killed by {name}" if name else f"ended with exit status {status}"
        words = f"The kernel {how}. {self._kernel.last_words()}".strip()
        return Trouble(Ending.KERNEL_DIED, words, -status if status < 0 else None)

    async def _finished(self, task: asyncio.Future[Any], seconds: float) -> bool:
        left = max(0.0, min(seconds, self._deadline - self._loop.time()))
        await asyncio.wait({task, self._stop}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return task.done()

    def _cut_short(self, late: Trouble | None = None) -> Trouble:
        """Why the wait was cut short: a signal, the limit of the run, or `late`, the limit of this thing."""
        if self._stop.done():
            number = self._stop.result()
            self._stop = self._loop.create_future()
            return Trouble(Ending.STOPPED, f"Stopped by {signal.Signals(number).name}.", number)
        if late is None or self._loop.time() >= self._deadline:
            allowed = self._job.grace if self._trouble else self._job.timeout
            subject = "What follows a failure" if self._trouble else "The run"
            return Trouble(Ending.TIMED_OUT, f"{subject} took longer than {allowed:g} s.")
        return late

    def _note(self, trouble: Trouble, cell: str | None = None) -> None:
        where = f"cell {cell}: " if cell else ""
        self._details.append(f"{'After that, ' if self._trouble else ''}{where}{trouble.detail}")
        now = self._loop.time()
        if trouble.ending is Ending.STOPPED:
            self._deadline = min(now + self._job.grace, (self._heard or now) + STOP_SECONDS)
        elif not self._trouble:
            self._deadline = max(self._deadline, now + self._job.grace)
        if not self._trouble:
            self._trouble, self._cell = trouble, cell

    @property
    def _ending(self) -> Ending:
        return self._trouble.ending if self._trouble else Ending.COMPLETED

    @property
    def _detail(self) -> str:
        text = " ".join(self._details)
        return self._job.redact(text[:1].upper() + text[1:])

    def _pass_on(self, number: int) -> None:
        self._coming = number
        self._loop.call_soon_threadsafe(self._on_signal, number)  # which also wakes the loop

    def _on_signal(self, number: int) -> None:
        self._coming = None
        if self._heard and self._loop.time() - self._heard < REPEAT_SECONDS:
            return
        if self._heard:
            self._going = False
        self._heard = self._loop.time()
        if not self._stop.done():
            self._stop.set_result(number)

    def _changed(self) -> None:
        """There is an output of the cell that runs: keep it, and pass on what is to be told at once."""
        self._executed.save()
        cell = self._visited
        last = cell.outputs[-1] if cell and cell.get("outputs") else None
        if cell and last and last.get("metadata", {}).get("text/plain", {}).get(AT_ONCE):
            self._report_progress(cell, self._job.redact(last["data"]["text/plain"]))

    def _report_progress(self, cell: nbformat.NotebookNode, text: str = "") -> None:
        if not self._progress or cell.cell_type != "code":
            return
        try:
            code = [each.id for each in self._executed.nb.cells if each.cell_type == "code"]
            status = "told" if text else cell.metadata.papermill.status
            self._progress(CellEvent(cell.id, code.index(cell.id), len(code), status, text))
        except OSError:  # a terminal that has gone away does not end a recovery
            self._progress = None


def _trouble_in(reply: Mapping[str, Any]) -> Trouble | None:
    match reply:
        case {"status": "error", "ename": "SystemExit", "evalue": value}:
            return Trouble(Ending.EXITED, f"The cell called sys.exit({value}).")
        case {"status": "error", "ename": name, "evalue": value}:
            return Trouble(Ending.CELL_FAILED, f"{name}: {value}")
        case {"status": "ok"}:
            leaves = any(item.get("source") == "ask_exit" for item in reply.get("payload", ()))
            return Trouble(Ending.EXITED, "The cell asked the kernel to exit.") if leaves else None
    return Trouble(Ending.CELL_FAILED, f"The kernel did not run the cell ({reply.get('status')}).")


def _unsaved(error: OSError, consequence: str) -> Trouble:
    reason = "no space" if error.errno in FULL else error.strerror or str(error)
    return Trouble(Ending.NO_SPACE, f"The notebook could not be saved: {reason}. {consequence}")
