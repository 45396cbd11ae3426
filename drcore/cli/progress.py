"""Progress on the terminal while something runs: what is being done, how far it is, for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from drcore.headless.terminal import Terminal, is_there

if TYPE_CHECKING:
    from drcore.headless.execution import CellEvent

T = TypeVar("T")


class _Moving:
    """On a terminal one line that moves; elsewhere a line for each thing that begins, so that a log has them too."""

    def __init__(self, first: str, *columns: ProgressColumn) -> None:
        self._console = Console(stderr=True)
        self._bar = Bar(*columns, console=self._console, transient=True)
        self._task = self._bar.add_task(first, total=None)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def _tell(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Progress(_Moving):
    """The cells of a notebook."""

    def __init__(self) -> None:
        super().__init__(
            "checking the parameters",
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )

    def say(self, text: str) -> None:
        """Something that is done outside the notebook."""
        self._bar.update(self._task, description=text)
        self._tell(text)

    def keyboard(self) -> Terminal | None:
        """Who sits at this terminal; None where a question would not be seen, or could not be answered."""
        return Terminal(self._asking) if is_there() else None

    @contextmanager
    def _asking(self, prompt: str) -> Iterator[None]:
        self._bar.stop()
        typer.echo("\n" + "".join(c if c.isprintable() or c == "\n" else "?" for c in prompt), err=True, nl=False)
        try:
            yield
        finally:
            self._bar.start()

    def cell(self, event: CellEvent) -> None:
        """A cell began or ended, or has something to say at once."""
        if event.status == "told":
            self._console.print(event.text, highlight=False, markup=False, soft_wrap=True)
            return
        name = event.cell.replace("-", " ")
        done = event.index + (event.status != "running")
        self._bar.update(self._task, description=name, completed=done, total=event.total)
        if event.status == "running":
            self._tell(f"{event.index + 1:>3}/{event.total} {name}")


class Proving(_Moving):
    """Records that are proved one after the other. Of one alone nothing is said."""

    def __init__(self, total: int) -> None:
        super().__init__(
            "proving", SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn()
        )
        self._total, self._done = total, 0

    def over(self, name: str, prove: Callable[[], T]) -> T:
        """Prove one of them, and say which."""
        if self._total > 1:
            self._bar.update(self._task, description=name, completed=self._done, total=self._total)
            self._tell(f"{self._done + 1:>4}/{self._total} {name}")
        self._done += 1
        return prove()


class Comparison(_Moving):
    """The items of a comparison, with rate and time left."""

    def __init__(self) -> None:
        super().__init__(
            "opening",
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            _Rate(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._doing = ""

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        """Of so many items so many are done; the total is None where it is not known."""
        if doing != self._doing:
            self._doing = doing
            self._bar.reset(self._task, description=doing, total=total)
            self._tell(f"{doing} ({total} items)" if total else doing)
        self._bar.update(self._task, completed=done, total=total)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        rate = f" {task.speed:,.0f}/s" if task.speed else ""
        return Text(f"{task.completed:,.0f}{rate}")
