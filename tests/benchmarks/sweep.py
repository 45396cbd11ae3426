"""What plan E's sweep costs where each user has a secret of their own: `make bench-sweep`.

The world is a process of its own; what is measured is the one that carries the plan out: how near its writes come to
what the parameters allow, in virtual time, its CPU time by secret, and by how much it grows, each in a fresh process.
What grows is seen by the side of a tenth of the secrets: the sweep holds the next hundred of them, the record where
each line of the journal begins.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Thread

import psutil
from rich.console import Console
from rich.table import Table

from drcore import plans
from drcore.plans import e
from drcore.run.runbook import Runbook
from drcore.sandbox.syncwell.life.tokens import GRANTS
from tests.support.loopback import on_loopback
from tests.support.stage import SHORT, Scene

SECRETS = 20_000
RATE, GROWTH = 0.9, 10
"""At least this share of the allowed rate; at most so many MB more than with a tenth of the secrets."""
_POLL = 0.05  # seconds between two looks at the memory
STEPS = (e.SWEEP, e.LABELS, e.COPIES)


@dataclass(frozen=True)
class Cost:
    """What a step has cost for so many secrets; `share` is that of the allowed rate, 0 where nothing is written."""

    step: str
    secrets: int
    seconds: float
    share: float
    cpu_ms: float
    grown_mb: float


@contextmanager
def growing() -> Iterator[list[int]]:
    """How much memory this process has, in bytes, as long as the block lasts."""
    seen, over, this = [psutil.Process().memory_info().rss], Event(), psutil.Process()

    def watch() -> None:
        while not over.wait(_POLL):
            seen.append(this.memory_info().rss)

    watcher = Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def costs(secrets: int) -> Iterator[Cost]:
    """The steps that go over all secrets, one after another, in this process."""
    given = ("--users", str(secrets // GRANTS), "--tokens-a-secret", "1")
    with tempfile.TemporaryDirectory() as folder, on_loopback(Path(folder), 1, *given) as runs:
        run = runs.open(runs.prepare(Scene(plans.find("e"), "vulnerability-token-leak"), facts=SHORT))
        run.preflight()
        for step in run.plan.steps:
            if step.key in [each.key for each in STEPS]:
                yield cost(run, step.key, secrets)
            else:
                run.step(step)
            if step.key == STEPS[-1].key:
                return


def cost(run: Runbook, key: str, secrets: int) -> Cost:
    """One step, carried out."""
    began, cpu = run.run.clock.now(), time.process_time()
    with growing() as seen:
        run.step(run.plan.step(key))
    seconds = (run.run.clock.now() - began).total_seconds()
    share = secrets / seconds / run.run.facts.tokens.writes_per_second if key != e.COPIES.key else 0
    used = 1000 * (time.process_time() - cpu) / secrets
    return Cost(key, secrets, seconds, share, used, (max(seen) - seen[0]) / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--secrets", type=int, default=SECRETS, help="how many; a tenth of them is measured first")
    parser.add_argument("--alone", action="store_true", help="only so many, in this process, as lines of JSON")
    given = parser.parse_args()
    if given.alone:
        for each in costs(given.secrets):
            sys.stdout.write(json.dumps(asdict(each)) + "\n")
            sys.stdout.flush()
        return
    table = Table("step", "secrets", "virtual s", "of the allowed rate", "CPU ms a secret", "grown by MB")
    found: dict[tuple[str, int], Cost] = {}
    for count in (given.secrets // 10, given.secrets):
        command = [sys.executable, "-m", "tests.benchmarks.sweep", "--alone", "--secrets", str(count)]
        for line in subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
            each = Cost(**json.loads(line))
            found[each.step, count] = each
            share = f"{each.share:.1%}" if each.share else ""
            shown = (f"{each.secrets:,}", f"{each.seconds:,.0f}", share, f"{each.cpu_ms:.1f}", f"{each.grown_mb:.1f}")
            table.add_row(each.step, *shown)
    Console(width=100).print(table)
    missed = [] if found[e.SWEEP.key, given.secrets].share >= RATE else [e.SWEEP.key]
    for step in STEPS:
        few, many = found[step.key, given.secrets // 10], found[step.key, given.secrets]
        missed += [f"{step.key}: memory"] if many.grown_mb - few.grown_mb > GROWTH else []
    Console().print(
        f"at least {RATE:.0%} of the rate, at most {GROWTH} MB more: {'MISSED: ' if missed else 'met'}", *missed
    )


if __name__ == "__main__":
    main()
