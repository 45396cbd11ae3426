"""The executed notebook while it is being written: whole, redacted, at most about once a second."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from drcore.headless.nbformat_light import as_text, nbformat, redacted  # before papermill: see there

# isort: split
from papermill.engines import NotebookExecutionManager

from drcore.record.files import write_atomically


class ExecutedNotebook(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's metadata of a run and its cells, without its guesses at the end and its way of saving.

    Papermill calls every pending cell completed when a run is over, whatever ended it, and saves in place,
    twice a cell. Here a change is saved within a second, also in the middle of a long cell. Needs a running
    event loop.
    """

    def __init__(self, nb: nbformat.NotebookNode, source: Path, output: Path, redact: Callable[[str], str]) -> None:
        super().__init__(nb, progress_bar=False)
        self._loop = asyncio.get_running_loop()
        self._output, self._redact = output, redact
        self._timer: asyncio.TimerHandle | None = None
        self._next_save = 0.0
        self.notebook_start()
        nb.metadata.papermill.update(input_path=str(source), output_path=str(output))
        for cell in nb.cells:
            if "injected-parameters" in cell.metadata.tags:
                cell.id = "injected-parameters"  # papermill's is random

    def save(self, **_: object) -> None:
        """Save soon. What papermill calls at each change."""
        if self._timer is None:
            self._timer = self._loop.call_at(self._next_save, self._save_later)

    def save_now(self) -> None:
        """Raises OSError when it could not be written; what the file held before is then still there."""
        begun = self._loop.time()
        write_atomically(self._output, as_text(redacted(self.nb, self._redact)))
        # A large notebook on a slow disk is saved less often, so that saving never takes over.
        self._next_save = self._loop.time() + max(1.0, 10 * (self._loop.time() - begun))

    def close(self, ending: str, failure: str) -> None:
        """Write the end into the metadata and save. Raises OSError as `save_now`."""
        if self._timer:
            self._timer.cancel()
        self.end_time = self.now()
        about = self.nb.metadata.papermill
        about.update(ending=ending, end_time=self.end_time.isoformat())
        about.duration = (self.end_time - self.start_time).total_seconds()
        if failure:
            about.update(exception=True, failure=failure)
        self.save_now()

    def _save_later(self) -> None:
        self._timer = None
        # A plan is not stopped half-way for the sake of its notebook (the journal is the record): the next
        # save tries again, and the last one decides.
        with contextlib.suppress(OSError):
            self.save_now()
