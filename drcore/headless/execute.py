"""Running one notebook headless, truthfully.

Papermill does the work; what it gets wrong as a recorder (a killed kernel, a timeout, a signal or
`sys.exit(0)` leave cells "completed" that never ran) is put right by `drcore.headless.papermill_engine`. What is
returned and what stands in the notebook's metadata always agree.
"""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drcore.headless.kernel import Kernel


class Ending(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    CELL_FAILED = "cell failed"
    KERNEL_DIED = "kernel died"
    TIMED_OUT = "timed out"
    START_FAILED = "start failed"
    EXITED = "exited"  # a cell called sys.exit or exit, even with 0: the rest did not run
    STOPPED = "stopped"  # SIGTERM, SIGHUP or SIGINT to this process
    NO_SPACE = "no space"  # the notebook could not be saved


@dataclass(frozen=True, slots=True)
class Execution:
    """What happened. `cell` is the id of the cell that failed, None when it was none of them.

    `signal` killed the kernel (KERNEL_DIED) or stopped the run (STOPPED). `seconds` are of wall time.
    """

    ending: Ending
    detail: str
    cell: str | None
    signal: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class CellEvent:
    """A code cell began (`status` "running") or ended ("completed", "failed"). `index` counts from 0."""

    cell: str
    index: int
    total: int
    status: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a notebook: `default` is its source text, `help` the comment beside it."""

    name: str
    default: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What `run_notebook` was asked for."""

    source: Path
    output: Path
    parameters: dict[str, object]
    cwd: Path
    redact: Callable[[str], str]
    timeout: float
    cell_timeout: float | None
    progress: Callable[[CellEvent], None] | None
    environment: Mapping[str, str]
    grace: float
    kernel: Kernel | None


def run_notebook(
    source: Path,
    output: Path,
    parameters: Mapping[str, object],
    *,
    cwd: Path,
    redact: Callable[[str], str],
    timeout: float,
    cell_timeout: float | None,
    progress: Callable[[CellEvent], None] | None,
    environment: Mapping[str, str],
    grace: float = 30.0,
    kernel: Kernel | None = None,
) -> Execution:
    """Run `source` in a kernel of its own and keep the executed notebook in `output`.

    `timeout` (whole run) and `cell_timeout` are in seconds. `environment` is the kernel's whole environment:
    what is not in it the notebook does not see. After a failure the remaining cells stay pending, except
    those tagged `always` (verdict, record, going back), which have the rest of `timeout` and at least
    `grace` seconds; after a signal they have `grace` seconds, and a second signal ends them.

    `kernel` is one that was warmed up for this run, in the same folder and environment.

    Does not raise for what happens in the notebook. Signals are heard when called in the main thread, which
    must not be running an event loop; the handlers that were there before are put back.
    """
    wrong = _wrong_with(source, parameters)
    if wrong:
        return Execution(Ending.START_FAILED, redact(f"{wrong} Nothing was run."), None, None, 0.0)
    from drcore.headless.papermill_engine import run  # papermill takes half a second to import

    job = Job(
        source=source.absolute(),
        output=output.absolute(),
        parameters=dict(parameters),
        cwd=cwd,
        redact=redact,
        timeout=timeout,
        cell_timeout=cell_timeout,
        progress=progress,
        environment=dict(environment),
        grace=grace,
        kernel=kernel,
    )
    return run(job)


def parameter_names(source: Path) -> dict[str, Parameter]:
    """The parameters that a notebook declares, by name, in order; empty when it has no parameters cell.

    They are the plain assignments of the cell tagged `parameters`. The help of one is the comment at its
    end, or else the comment lines directly above it. Raises ValueError when the notebook or that cell cannot
    be read.
    """
    try:
        cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
        text = "".join(tagged[0]["source"]) if tagged else ""
        return {parameter.name: parameter for parameter in _parameters(text)}
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Expected a notebook with a plain parameters cell in {source}; {error}.") from error


def _parameters(text: str) -> Iterator[Parameter]:
    comments = _comments(text)
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names = [name]
            case _:
                continue
        last = statement.end_lineno or statement.lineno
        own = comments.get(last) or _above(statement.lineno, comments, lines)
        for name in names:
            yield Parameter(name, ast.get_source_segment(text, value) or "", own)


def _above(line: int, comments: Mapping[int, str], lines: list[str]) -> str:
    block: list[str] = []
    while (line := line - 1) in comments and lines[line - 1].lstrip().startswith("#"):
        block.insert(0, comments[line])
    return " ".join(block)


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT}


def _wrong_with(source: Path, parameters: Mapping[str, object]) -> str:
    try:
        known = parameter_names(source)
        json.dumps(dict(parameters), allow_nan=False)
    except (ValueError, TypeError) as error:
        return f"The notebook or its parameters cannot be used: {error}"
    # Papermill would inject an unknown name and go on with the default of the one that was meant.
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        return f"The notebook has no parameter {', '.join(unknown)}; it has {', '.join(known) or 'none'}."
    return ""
