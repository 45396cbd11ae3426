"""The papermill engine "drcore", which tells the truth."""

from __future__ import annotations

from drcore.headless.nbformat_light import nbformat  # before papermill: see there

# isort: split
import papermill
from papermill.engines import Engine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from drcore.headless.cells import HeadlessRun
from drcore.headless.execution import Ending, Execution, Job


def run_job(job: Job) -> Execution:
    """Run it through papermill, which reads the notebook, injects the parameters, calls the engine below."""
    headless_run = HeadlessRun(job)
    try:
        # Papermill gets no output path: it would write by itself, in place and unredacted, and insert cells.
        papermill.execute_notebook(
            str(job.source).replace("{", "{{").replace("}", "}}"),  # papermill formats the path
            None,
            parameters=job.parameters,
            engine_name="drcore",
            kernel_name="python3",  # the kernel is drcore's own; a notebook that was never run may name none
            language="python",
            progress_bar=False,
            headless_run=headless_run,
        )
    except PapermillExecutionError:
        pass  # papermill repeats what the engine has recorded
    except Exception as error:
        # Before it calls the engine papermill raises many unrelated classes (format, language, translator),
        # and each means the same: nothing was run. Once the engine was called this is a bug, not to be
        # hidden.
        if headless_run.called:
            raise
        return Execution(Ending.START_FAILED, job.redact(f"{error}. Nothing was run."), None, None, 0.0)
    assert headless_run.execution
    return headless_run.execution


class DrcoreEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Hands the prepared notebook over."""

    @classmethod
    def execute_notebook(
        cls, nb: nbformat.NotebookNode, kernel_name: str, *, headless_run: HeadlessRun, **_: object
    ) -> nbformat.NotebookNode:
        headless_run.execute(nb)
        return nb


papermill_engines.register("drcore", DrcoreEngine)
