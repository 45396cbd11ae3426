"""Notebooks of a few cells, run headless with a real kernel."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcore.headless.execute import run_notebook
from drcore.headless.execution import Execution

PATIENCE = 30  # seconds until a wait that should have ended is given up; nothing waits for it to pass

# Not one long wait: a signal right before Python goes to sleep wakes nobody.
FOREVER = "import time; any(time.sleep(0.05) for _ in iter(int, 1))"


@dataclass(frozen=True)
class Ran:
    """A run, and the notebook that it left."""

    execution: Execution
    text: str

    @property
    def notebook(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def about(self) -> dict[str, Any]:
        return dict(self.notebook["metadata"]["papermill"])

    @property
    def statuses(self) -> list[str]:
        return [cell["metadata"]["papermill"]["status"] for cell in self.notebook["cells"]]

    def output(self, cell: int) -> str:
        pieces = self.notebook["cells"][cell]["outputs"]
        return "".join("".join(piece.get("text", [])) for piece in pieces)


def write(folder: Path, *cells: str, **metadata: object) -> Path:
    """A notebook of code cells c0, c1, …; `#tag` at a cell's beginning tags it."""
    source = folder / "in.ipynb"
    kernel = {"name": "python3", "display_name": "Python", "language": "python"}
    document = {
        "cells": [code(f"c{index}", text) for index, text in enumerate(cells)],
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}} | metadata,
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    source.write_text(json.dumps(document))
    return source


def code(name: str, text: str) -> dict[str, object]:
    tag, _, rest = text.partition(" ") if text.startswith("#") else ("", "", text)
    tags = [tag[1:]] if tag else []
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": tags},
        "source": rest,
        "outputs": [],
        "execution_count": None,
    }


def run(folder: Path, *cells: str, **changes: Any) -> Ran:
    output = folder / "out.ipynb"
    arguments: dict[str, Any] = {
        "parameters": {},
        "cwd": folder,
        "redact": lambda text: text.replace("hunter2", "[redacted]").replace('pass"word', "[redacted]"),
        "timeout": 60,
        "cell_timeout": None,
        "progress": None,
        "environment": dict(os.environ),
    }
    execution = run_notebook(write(folder, *cells), output, **(arguments | changes))
    return Ran(execution, output.read_text() if output.exists() else "")


def wait_for_end_of(pipe: int) -> str:
    """What is written to a pipe until nobody has its other end open any more."""
    text = b""
    while True:
        readable, _, _ = select.select([pipe], [], [], PATIENCE)
        assert readable, "somebody still holds the pipe open"
        piece = os.read(pipe, 1000)
        if not piece:
            return text.decode()
        text += piece


def drive(folder: Path, first: str = "") -> subprocess.Popen[str]:
    """A launcher of its own, which prints how `in.ipynb` ended."""
    script = f"""if True:
        import os
        from pathlib import Path
        from drcore.headless.execute import run_notebook
        {first}
        done = run_notebook(Path("in.ipynb"), Path("out.ipynb"), {{}}, cwd=Path("."), redact=str, timeout=60,
                            cell_timeout=None, progress=None, environment=dict(os.environ))
        print(done.ending, done.detail, sep=",")
    """
    # A launcher that is killed leaves its temporary folder: here, then.
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, **own},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
