"""How long the things take that an engineer waits for, beside a bare run of papermill: `make bench`.

Every number is a median over runs in fresh processes, taken in turns, so that a busy machine is busy for all of them.
Seconds are good for this machine only; the ratios are what to look at. CPU seconds of a run include its kernel and
its world. What stands under plan A is in the world's own time, the same on any machine: what our looks add to a
failover, as a ratio to what was true, and how many calls they cost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Thread

import nbformat
import psutil
import urllib3
from rich.console import Console
from rich.table import Table

from tests.benchmarks.archive import AIMS as AIMS_OF_ARCHIVE
from tests.benchmarks.archive import archive

BARE = "papermill, an empty notebook"
AIMS = {  # seconds, or times the bare run
    "drcore drill f": 10.0,
    "drcore drill f, first evidence": 3.0,
    "drcore drill f, ratio": 2.0,
    "drcore rehearse f, ratio": 2.0,
    "plan A: failover confirmed, after it was true": 12.0,  # one look every ten seconds, and what the looks cost
    "plan A: failover confirmed, ratio": 1.25,
    **AIMS_OF_ARCHIVE,
}
_POLL = 0.005  # seconds between two looks at a journal
IMPORTS = ("drcore", "drcore.engine.context", "drcore.launcher.start")
DRCORE = (sys.executable, "-c", "from drcore.__main__ import main; main()")


@dataclass
class Watched:
    """What is read of a run while it goes on: when its first evidence was bound, what CPU its world has used."""

    records: Path
    began: float
    evidence: float = 0.0
    world_cpu: float = 0.0
    over: bool = False

    def watch(self) -> None:
        world: psutil.Process | None = None
        while not self.over:
            time.sleep(_POLL)
            if not self.evidence and any(
                b'"name":"evidence/' in text.read_bytes() for text in self._files("journal.jsonl")
            ):
                self.evidence = time.perf_counter() - self.began
            for path in self._files("parameters.json") if world is None else ():
                with suppress(ValueError, TypeError, psutil.NoSuchProcess):  # half written, no world, over already
                    world = psutil.Process(json.loads(path.read_text())["world"]["pid"])
            with suppress(psutil.NoSuchProcess):
                self.world_cpu = sum(world.cpu_times()[:2]) if world else 0.0

    def _files(self, name: str) -> Iterator[Path]:
        return self.records.glob(f"*/{name}")


def run(command: tuple[str, ...], folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a command with all the processes that it waited for."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[-4:])} ended with {process.returncode}; there is nothing to compare")
    return wall, used.ru_utime + used.ru_stime


def bare(folder: Path) -> dict[str, float]:
    """A stock papermill, as it is installed, with a notebook that does nothing."""
    cell = nbformat.v4.new_code_cell("")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}), folder / "empty.ipynb")
    wall, cpu = run((sys.executable, "-m", "papermill", "empty.ipynb", "out.ipynb"), folder)
    return {BARE: wall, f"{BARE}, CPU": cpu}


KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def plan(mode: str, folder: Path) -> dict[str, float]:
    """A headless run of plan F, from the command to its end."""
    name, records = f"drcore {mode} f", folder / "records"
    watched = Watched(records, time.perf_counter())
    watcher = Thread(target=watched.watch)
    watcher.start()
    try:
        wall, cpu = run((*DRCORE, mode, "f", "--records", str(records)), folder)
    finally:
        watched.over = True
        watcher.join()
    return {name: wall, f"{name}, first evidence": watched.evidence, f"{name}, CPU": cpu + watched.world_cpu}


def imports(folder: Path) -> dict[str, float]:
    """What an import costs above a bare Python."""
    nothing, _ = run((sys.executable, "-c", ""), folder)
    return {f"import {name}": run((sys.executable, "-c", f"import {name}"), folder)[0] - nothing for name in IMPORTS}


def sandbox(folder: Path) -> dict[str, float]:
    """The emulated world, from its command to the line that says that it is ready."""
    began = time.perf_counter()
    command = (sys.executable, "-m", "drcore.sandbox", "--seed", "1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdout
        address = json.loads(process.stdout.readline())["address"]
        ready = time.perf_counter() - began
        urllib3.request("POST", f"{address}/_sandbox/stop", timeout=10, retries=False)
    return {"sandbox ready": ready}


def failover(folder: Path) -> dict[str, float]:
    """A drill of plan A in a world of another seed each time: what its looks add, in the world's own time.

    `computed` is what a failover takes at most by the parameters; what was true is what the simulation knows.
    """
    command = (sys.executable, "-m", "drcore.sandbox", "--seed", str(next(SEEDS)))
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder) as process:
        assert process.stdout
        address = json.loads(process.stdout.readline())["address"]
        urllib3.request("POST", f"{address}/_sandbox/clock", json={"sleep": 33.4})
        try:
            run((*DRCORE, "drill", "a", "--world", address, "--records", str(folder / "records")), folder)
            truth = urllib3.request("GET", f"{address}/_sandbox/truth").json()
        finally:
            urllib3.request("POST", f"{address}/_sandbox/stop", timeout=10, retries=False)
    (record,) = (folder / "records").iterdir()
    lines = [json.loads(line) for line in (record / "journal.jsonl").read_text().splitlines()]
    facts = json.loads((record / "parameters.json").read_text())["facts"]
    at = {line["name"]: datetime.fromisoformat(line["at"]) for line in lines if line["event"] == "moment"}
    fault, confirmed = at["fault"], at["failover"]
    calls = [datetime.fromisoformat(line["time"]) for line in lines if line["event"] == "call"]
    true, moved = (
        (datetime.fromisoformat(truth[name]) - fault).total_seconds() for name in ("failover_at", "last_client_moved")
    )
    computed = facts["checker_interval_s"] * facts["failure_threshold"] + facts["propagation_s"]
    taken = (confirmed - fault).total_seconds()
    waiting = sum(call <= confirmed for call in calls)
    return {
        "plan A: DNS moves, computed": computed,
        "plan A: DNS moved, in truth": true,
        "plan A: failover confirmed": taken,
        "plan A: failover confirmed, after it was true": taken - true,
        "plan A: last client, computed": computed + facts["ttl_s"],
        "plan A: last client, in truth": moved,
        "plan A: calls a minute until then": waiting / (confirmed - calls[0]).total_seconds() * 60,
        "plan A: calls a minute, whole drill": len(calls) / (calls[-1] - calls[0]).total_seconds() * 60,
    }


SEEDS = count(1)
MEASURED: tuple[Callable[[Path], dict[str, float]], ...] = (
    bare,
    lambda folder: plan("rehearse", folder),
    lambda folder: plan("drill", folder),
    imports,
    sandbox,
    failover,
)
ONCE: tuple[Callable[[Path], dict[str, float]], ...] = (lambda folder: archive(folder, run),)  # it takes a minute


def measure(rounds: int) -> dict[str, float]:
    """The medians, by name, with the ratios to the bare run."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        for each in MEASURED if number else (*MEASURED, *ONCE):
            with tempfile.TemporaryDirectory(prefix="drcore-bench-", ignore_cleanup_errors=True) as folder:
                for name, value in each(Path(folder)).items():
                    seconds[name].append(value)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {f"{name}, ratio": medians[name] / medians[BARE] for name in ("drcore rehearse f", "drcore drill f")}
    ratios["plan A: failover confirmed, ratio"] = (
        medians["plan A: failover confirmed"] / medians["plan A: DNS moved, in truth"]
    )
    return medians | ratios


def show(medians: Mapping[str, float], rounds: int) -> None:
    table = Table(
        "what", "seconds", "times the bare run", "aim", title=f"medians of {rounds} runs", title_justify="left"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in medians.items():
        base = medians[f"{BARE}, CPU" if name.endswith(", CPU") else BARE]
        ratio, is_ratio, is_virtual = value / base, name.endswith(", ratio"), name.startswith("plan A:")
        aim = AIMS.get(name)
        met = "" if aim is None else f"≤ {aim:g}, {'met' if value <= aim else 'MISSED'}"
        compared = f"{value:.2f}" if is_ratio else "" if is_virtual else f"{ratio:.2f}"
        table.add_row(name, "" if is_ratio else f"{value:.2f}", compared, met)
    Console(width=100).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=5, help="how many runs of each; the median counts")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    given = parser.parse_args()
    medians = measure(given.runs)
    if given.json:
        sys.stdout.write(json.dumps({"runs": given.runs, "seconds": medians, "aims": AIMS}) + "\n")
    else:
        show(medians, given.runs)


if __name__ == "__main__":
    main()
