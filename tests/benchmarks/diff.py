"""How fast the comparison is beside other ways of doing it, over the same generated exports: `make bench-diff`.

Each contender runs in a process of its own over the same files and says what it found; all that claim to be exact must
agree with the generator. CPU seconds (user and system) are what to look at, as a machine may be busy. Each is the
median of some rounds, in each of which all contenders have their turn.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from isal import igzip
from rich.console import Console
from rich.table import Table

from drcore.diff import ExportSource, Policy, TableSource, compare, judge
from drcore.diff.keys import KeySchema
from drcore.diff.source import Role
from tests.support import pairs
from tests.support.pages_server import Pages, pages, serving

KEY = KeySchema(("pk", "sk"), ("S", "S"))
POLICY = Policy(pairs.POINT, (pairs.FAULTY,), "UpdatedAt", "Writers")
REGION = "us-east-1"
PAGE = 1500  # items, some 1 MB
OURS, TWO, FLOOR = "drcore diff", "drcore diff --jobs 2", "orjson only, nothing compared"
POLARS, DUCKDB = "polars over lines", "duckdb over lines"
SMALL = 2000  # data files
LIVE, STOCK = "drcore diff, a live table", "client.scan"
Counts = Counter[str]


# ── over files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ours(folder: Path, jobs: int = 1) -> Counts:
    restored, live = ExportSource(folder / "restored", key=KEY), ExportSource(folder / "live")
    counts = compare(restored, live, POLICY, out=folder / "out", jobs=jobs).counts
    return Counter({str(kind): count for kind, count in counts.items()})


def ours_by_two(folder: Path) -> Counts:
    return ours(folder, jobs=2)


def orjson_only(folder: Path) -> Counts:
    """The floor: every line of both sides parsed."""
    for path in data_files(folder, "restored") + data_files(folder, "live"):
        with igzip.open(path, "rb") as lines:
            for line in lines:
                orjson.loads(line)
    return Counter()


def with_polars(folder: Path) -> Counts:
    import polars

    sides = []
    for side in ("restored", "live"):
        parts = [
            polars.read_csv(
                igzip.decompress(path.read_bytes()),
                has_header=False,
                separator="\x01",
                quote_char=None,
                new_columns=[side],
            )
            for path in data_files(folder, side)
        ]
        line = polars.col(side).str
        key = [line.extract(rf'"{name}":\{{"S":"([^"]*)"').alias(name) for name in KEY.names]
        sides.append(polars.concat(parts).with_columns(key))
    joined = sides[0].join(sides[1], on=KEY.names, how="full")
    differing = joined.filter(polars.col("restored").ne_missing(polars.col("live"))).select("restored", "live")
    return judged(joined.height - differing.height, differing.iter_rows())


def with_duckdb(folder: Path) -> Counts:
    import duckdb

    db = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder / "spill")})
    for side in ("restored", "live"):
        files = [str(path) for path in data_files(folder, side)]
        db.execute(
            f"CREATE TABLE {side} AS SELECT line, line->>'$.Item.pk.S' AS pk, line->>'$.Item.sk.S' AS sk "  # noqa: S608
            f"FROM read_csv({files}, columns={{'line': 'VARCHAR'}}, delim=chr(1), quote='', escape='', header=false)"
        )
    join = "FROM restored FULL JOIN live ON restored.pk = live.pk AND restored.sk = live.sk"
    unequal = "restored.line IS DISTINCT FROM live.line"
    same = db.execute(f"SELECT count(*) {join} WHERE NOT ({unequal})").fetchone()
    assert same
    return judged(same[0], db.execute(f"SELECT restored.line, live.line {join} WHERE {unequal}").fetchall())


def judged(same: int, differing: Iterable[tuple[str | None, ...]]) -> Counts:
    """The exact check of what differs, the same one for all who join by lines."""
    counts = Counter(unchanged=same)
    for lines in differing:
        restored, live = (None if line is None else orjson.loads(line)["Item"] for line in lines)
        counts[str(judge(restored, live, POLICY)[0])] += 1
    return counts


def data_files(folder: Path, side: str) -> list[Path]:
    return sorted((folder / side).rglob("*.json.gz"))


# ── over a live table ────────────────────────────────────────────────────────────────────────────────────────────────


def our_scan(folder: Path) -> Counts:
    """All that is done for each item of a table: its row made, its text kept on disk."""
    from drcore.calls.aws import Aws
    from drcore.calls.gate import CallGate
    from drcore.diff.fingerprint import RowReader
    from drcore.diff.opening import open_source
    from drcore.diff.workers import JobPool

    table = TableSource(Aws(CallGate(lambda *_, **__: None), endpoint=address(folder)), REGION, "T")
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        alone = JobPool(1)
        rows = open_source(table, Role.LIVE, Path(kept), alone).rows(RowReader(KEY, POLICY, live=True), alone)
        return Counter(items=sum(len(batch["n"]) for batch in rows))


def stock_scan(folder: Path) -> Counts:
    import boto3

    client = boto3.client(
        "dynamodb",
        REGION,
        endpoint_url=address(folder),
        aws_access_key_id="x",
        aws_secret_access_key="x",  # noqa: S106  # no secret
    )
    return Counter(items=sum(len(page["Items"]) for page in client.get_paginator("scan").paginate(TableName="T")))


def address(folder: Path) -> str:
    return (folder / "address").read_text()


@contextmanager
def served(items: list[bytes], folder: Path) -> Iterator[None]:
    """A server of these items in a process of its own, so that its CPU is not the client's."""
    (folder / "items").write_bytes(b"\n".join(items))
    command = [sys.executable, "-m", "tests.benchmarks.diff", "--serve", "--folder", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        (folder / "address").write_bytes(process.stdout.readline().strip())
        try:
            yield
        finally:
            process.stdin.close()


def serve(folder: Path) -> None:
    """Serve prepared pages until standard input ends."""
    items = [line for line in (folder / "items").read_bytes().split(b"\n") if line]
    with serving(Pages([pages(items, PAGE)], keys={"pk": "S", "sk": "S"})) as at:
        print(at, flush=True)  # noqa: T201  # for the process that started this one
        sys.stdin.read()


# ── what is measured ─────────────────────────────────────────────────────────────────────────────────────────────────

FILES: dict[str, Callable[[Path], Counts]] = {
    OURS: ours,
    TWO: ours_by_two,
    FLOOR: orjson_only,
    POLARS: with_polars,
    DUCKDB: with_duckdb,
}
SCANS: dict[str, Callable[[Path], Counts]] = {LIVE: our_scan, STOCK: stock_scan}


@dataclass(frozen=True)
class Measured:
    """One contender in a process of its own."""

    cpu: float
    wall: float
    rss_mb: float
    counts: Counts


def measure(name: str, folder: Path) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.diff", "--one", name, "--folder", str(folder)]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    wall = time.perf_counter() - began
    return Measured(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, Counter(json.loads(told)))


def over_files(folder: Path, names: Iterable[str], title: str, rounds: int, console: Console) -> dict[str, Measured]:
    truth = Counter(json.loads((folder / pairs.TRUTH).read_text()))
    count = truth.total()
    table = Table("contender", "CPU s", "wall s", "pairs a minute a core", "peak MB", "exact", title=title)
    seen: dict[str, list[Measured]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, measured in seen.items():
            measured.append(measure(name, folder))
    found = {}
    for name, measured in seen.items():
        found[name] = middle = median(measured)
        exact = "" if not middle.counts else "yes" if all(+each.counts == +truth for each in measured) else "NO"
        pace = f"{count / middle.cpu * 60 / 1e6:.1f} M"
        table.add_row(name, f"{middle.cpu:.1f}", f"{middle.wall:.1f}", pace, f"{middle.rss_mb:.0f}", exact)
    console.print(table)
    return found


def median(measured: list[Measured]) -> Measured:
    """The medians of CPU and wall seconds, the most memory of all."""
    cpu, wall = (statistics.median(getattr(each, name) for each in measured) for name in ("cpu", "wall"))
    return Measured(cpu, wall, max(each.rss_mb for each in measured), measured[0].counts)


def over_scans(folder: Path, items: int, console: Console) -> float:
    """How many times less CPU ours takes. What a process takes that scans an empty table is taken off."""
    table = Table("contender", "us of CPU an item", title=f"A live table of {items:,} items, on loopback")
    costs = {}
    for name, part in ((LIVE, items), (STOCK, items // 5)):
        lines = [pairs.line(number, "")[len(b'{"Item":') : -1] for number in range(part)]
        with served(lines, folder):
            full = measure(name, folder)
        with served([], folder):
            empty = measure(name, folder)
        assert full.counts == Counter(items=part)
        costs[name] = (full.cpu - empty.cpu) / part * 1e6
        table.add_row(name, f"{costs[name]:.1f}")
    console.print(table)
    return costs[STOCK] / costs[LIVE]


def bench(asked: argparse.Namespace, folder: Path, console: Console) -> None:
    began = time.perf_counter()
    aims = Table("aim", "seen", "")
    found = over_files(made(folder, asked.pairs), FILES, f"{asked.pairs:,} pairs", asked.rounds, console)
    mine, floor = found[OURS].cpu, found[FLOOR].cpu
    pace = asked.pairs / mine * 60 / 1e6
    aims.add_row("12 M pairs a minute a core, 4 % of lines differing", f"{pace:.1f} M", met(pace >= 12))
    aims.add_row("at most 0.6 x the pass by orjson only", f"{mine / floor:.2f} x", met(mine <= 0.6 * floor))
    ahead(found, "4 % of lines differing", aims)
    faster = found[OURS].wall / found[TWO].wall
    aims.add_row("two jobs 1.7 x as fast as one", f"{faster:.2f} x", met(faster >= 1.7))
    if asked.turned:
        names = [name for name in FILES if name != TWO]
        title = f"{asked.turned:,} pairs, no line equal as text"
        turned = over_files(made(folder, asked.turned, turned=True), names, title, asked.rounds, console)
        times = turned[OURS].cpu / turned[FLOOR].cpu
        aims.add_row("at most 2 x it, all lines differing", f"{times:.2f} x", met(times <= 2))
        ahead(turned, "all lines differing", aims)
    for large in asked.large:
        seen = over_files(made(folder, large), [OURS], f"{large:,} pairs", 1, console)[OURS]
        aims.add_row(f"at most 300 MB at {large:,} pairs", f"{seen.rss_mb:.0f} MB", met(seen.rss_mb <= 300))
        growth = f"{seen.cpu / mine:.1f} x the CPU, {seen.rss_mb / found[OURS].rss_mb:.1f} x the memory"
        aims.add_row(f"growth, {large / asked.pairs:g} x the pairs", growth, "")
    if asked.small:
        one, many = (
            over_files(made(folder, SMALL, per_file=size), [OURS], f"{SMALL:,} pairs, {size:,} a file", 3, console)[
                OURS
            ]
            for size in (SMALL, 1)
        )
        aims.add_row(f"{SMALL:,} files at most 2 x one", f"{many.cpu / one.cpu:.2f} x", met(many.cpu <= 2 * one.cpu))
    if asked.items:
        times = over_scans(folder, asked.items, console)
        aims.add_row("a live scan with 15 x less CPU than client.scan", f"{times:.1f} x", met(times >= 15))
    console.print(aims)
    console.print(f"{time.perf_counter() - began:.0f} s in all, {os.getloadavg()[0]:.1f} processes waiting at the end")


def ahead(found: dict[str, Measured], which: str, aims: Table) -> None:
    others = min(found[POLARS].cpu, found[DUCKDB].cpu)
    seen = f"{found[OURS].cpu / others:.2f} x the better of the two"
    aims.add_row(f"ahead of polars and DuckDB, {which}", seen, met(found[OURS].cpu < others))


def made(folder: Path, count: int, *, turned: bool = False, per_file: int = pairs.PER_FILE) -> Path:
    """The exports of so many pairs, made unless they are there."""
    there = folder / f"{count}{'-turned' * turned}{f'-{per_file}' * (per_file != pairs.PER_FILE)}"
    if not (there / pairs.TRUTH).exists():
        shutil.rmtree(there, ignore_errors=True)
        pairs.generate(there, count, turned=turned, per_file=per_file)
    return there


def met(holds: bool) -> str:
    return "met" if holds else "MISSED"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--pairs", type=int, default=1_000_000, help="for all contenders")
    words.add_argument("--rounds", type=int, default=5, help="of which the median counts")
    words.add_argument("--turned", type=int, default=1_000_000, help="pairs of which no two lines are equal; 0: not")
    words.add_argument("--large", type=int, nargs="*", default=[5_000_000], help="for ours alone, to see how it grows")
    words.add_argument("--small", type=int, default=1, help=f"{SMALL:,} pairs in one file and in as many; 0: not")
    words.add_argument("--items", type=int, default=200_000, help="of the live table; 0: not")
    words.add_argument("--folder", type=Path, help="where the exports are made, and found again the next time")
    words.add_argument("--one", choices=[*FILES, *SCANS], help=argparse.SUPPRESS)
    words.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = words.parse_args()
    if asked.serve:
        serve(asked.folder)
    elif asked.one:
        print(json.dumps((FILES | SCANS)[asked.one](asked.folder)))  # noqa: T201  # for the process that started this one
    else:
        with tempfile.TemporaryDirectory() as folder:
            bench(asked, asked.folder or Path(folder), Console())


if __name__ == "__main__":
    main()
