"""Progress on the terminal while a notebook runs: what is being done, how far it is, for how long."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from drcore.notebook import CellEvent


class Progress:
    """On a terminal one line that moves; elsewhere a line for each step that begins, so that a log has them too."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Bar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("checking the parameters", total=None)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def say(self, text: str) -> None:
        """Something that is done outside the notebook."""
        self._bar.update(self._task, description=text)
        self._tell(text)

    def cell(self, event: CellEvent) -> None:
        """A cell began or ended."""
        name = event.cell.replace("-", " ")
        done = event.index + (event.status != "running")
        self._bar.update(self._task, description=name, completed=done, total=event.total)
        if event.status == "running":
            self._tell(f"{event.index + 1:>3}/{event.total} {name}")

    def _tell(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(text, highlight=False, markup=False)
