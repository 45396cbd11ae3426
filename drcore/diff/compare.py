"""The comparison of two states of a table."""

from __future__ import annotations

from pathlib import Path

from drcore.diff.policy import Policy
from drcore.diff.report import Report
from drcore.diff.source import Progress, Source
from drcore.errors import BadInput

ENGINES = ("duckdb", "spark")


def compare(
    restored: Source,
    live: Source,
    policy: Policy,
    *,
    out: Path,
    engine: str = "duckdb",
    shared: str = "",
    allow_unmatched: bool = True,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Compare everything; the differences lie in `out` afterwards.

    `shared` is a folder that the executors of a Spark cluster see (drcore/diff/spark.py). A rule that matches nothing
    among what differs is said in the report; without `allow_unmatched` it is BadInput. `jobs`: so many processes read
    exports; 0: as many as there are cores, where there is enough to read. The answer is the same.

    Raises BadInput when a side cannot be trusted or does not fit the other, RunnerFailed when it was not completed,
    and Rejected or Unknown as AWS answers. Never a shorter answer.
    """
    if engine not in ENGINES:
        raise BadInput(f"engine: expected one of {', '.join(ENGINES)}, seen {engine!r}")
    # What follows is imported here, as it is of no use to whoever only lists plans: multiprocessing, numpy, DuckDB.
    from drcore.diff.workers import JobPool

    with JobPool(max(1, jobs)) as workers:
        workers.start()  # before numpy and DuckDB have threads; what this process imports, the others import meanwhile
        from drcore.diff.comparison import carry_out

        return carry_out(restored, live, policy, out, engine, shared, allow_unmatched, jobs, workers, progress)
