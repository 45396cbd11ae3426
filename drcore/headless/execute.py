"""Running one notebook headless, truthfully.

Papermill does the work; what it gets wrong as a recorder (a killed kernel, a timeout, a signal or
`sys.exit(0)` leave cells "completed" that never ran) is put right by `drcore.headless.papermill_engine`. What is
returned and what stands in the notebook's metadata always agree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from drcore.headless.execution import CellEvent, Ending, Execution, Job
from drcore.headless.parameters_cell import parameter_names

if TYPE_CHECKING:
    from drcore.headless.kernel import Kernel


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
    from drcore.headless.papermill_engine import run_job  # papermill takes half a second to import

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
    return run_job(job)


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
