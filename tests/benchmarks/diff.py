"""How fast the comparison is beside other ways of doing it, over the same generated exports: `make bench-diff`.

Each contender runs in a process of its own over the same files and says what it found; all that claim to be exact must
agree with the generator. CPU seconds (user and system) are what to look at, as a machine may be busy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import orjson
from isal import igzip
from rich.console import Console
from rich.table import Table

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate
from drcore.diff import ExportSource, Policy, TableSource, compare, judge
from drcore.diff.keys import KeySchema
from drcore.diff.source import Role
from tests.support import pairs
from tests.support.pages_server import Pages, pages, serving

KEY = KeySchema(("pk", "sk"), ("S", "S"))
POLICY = Policy(pairs.POINT, (pairs.FAULTY,), "UpdatedAt", "Writers")
REGION = "us-east-1"
PAGE = 1500  # items, some 1 MB
OURS, FLOOR = "drcore diff", "orjson only, nothing compared"
LIVE, STOCK = "drcore diff, a live table", "client.scan"
Counts = Counter[str]


# ── over files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def ours(folder: Path) -> Counts:
    restored, live = ExportSource(folder / "restored", key=KEY), ExportSource(folder / "live")
    counts = compare(restored, live, POLICY, out=folder / "out").counts
    return Counter({str(kind): count for kind, count in counts.items()})


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
    from drcore.diff.fingerprint import RowReader
    from drcore.diff.opening import open_source

    table = TableSource(Aws(CallGate(lambda *_, **__: None), endpoint=address(folder)), REGION, "T")
    with tempfile.TemporaryDirectory(dir=folder) as kept:
        rows = open_source(table, Role.LIVE, Path(kept)).rows(RowReader(KEY, POLICY, live=True))
        return Counter(items=sum(len(batch["n"]) for batch in rows))


def stock_scan(folder: Path) -> Counts:
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
    FLOOR: orjson_only,
    "polars over lines": with_polars,
    "duckdb over lines": with_duckdb,
}
SCANS: dict[str, Callable[[Path], Counts]] = {LIVE: our_scan, STOCK: stock_scan}


@dataclass(frozen=True)
class Measured:
    """One contender in a process of its own."""

    cpu: float
    rss_mb: float
    counts: Counts


def measure(name: str, folder: Path) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.diff", "--one", name, "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    return Measured(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, Counter(json.loads(told)))


def over_files(folder: Path, names: Iterable[str], count: int, console: Console) -> dict[str, Measured]:
    truth = Counter(json.loads((folder / pairs.TRUTH).read_text()))
    table = Table("contender", "CPU s", "pairs a minute a core", "peak MB", "exact", title=f"{count:,} pairs")
    found = {}
    for name in names:
        seen = found[name] = measure(name, folder)
        exact = "" if not seen.counts else "yes" if +seen.counts == +truth else "NO"
        table.add_row(name, f"{seen.cpu:.1f}", f"{count / seen.cpu * 60 / 1e6:.1f} M", f"{seen.rss_mb:.0f}", exact)
    console.print(table)
    return found


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
    found = over_files(made(folder, asked.pairs), FILES, asked.pairs, console)
    mine, floor = found[OURS], found[FLOOR]
    pace = asked.pairs / mine.cpu * 60 / 1e6
    aims.add_row("5 M pairs a minute a core", f"{pace:.1f} M", met(pace >= 5))
    aims.add_row("at most 2 x the pass by orjson only", f"{mine.cpu / floor.cpu:.2f} x", met(mine.cpu <= 2 * floor.cpu))
    if asked.large:
        large = over_files(made(folder, asked.large), [OURS], asked.large, console)[OURS]
        aims.add_row(f"at most 300 MB at {asked.large:,} pairs", f"{large.rss_mb:.0f} MB", met(large.rss_mb <= 300))
        growth = f"{large.cpu / mine.cpu:.1f} x the CPU, {large.rss_mb / mine.rss_mb:.1f} x the memory"
        aims.add_row(f"growth, {asked.large / asked.pairs:g} x the pairs", growth, "")
    if asked.items:
        times = over_scans(folder, asked.items, console)
        aims.add_row("a live scan with 15 x less CPU than client.scan", f"{times:.1f} x", met(times >= 15))
    console.print(aims)
    console.print(f"{time.perf_counter() - began:.0f} s in all, {os.getloadavg()[0]:.1f} processes waiting at the end")


def made(folder: Path, count: int) -> Path:
    """The exports of so many pairs, made unless they are there."""
    there = folder / str(count)
    if not (there / pairs.TRUTH).exists():
        shutil.rmtree(there, ignore_errors=True)
        pairs.generate(there, count)
    return there


def met(holds: bool) -> str:
    return "met" if holds else "MISSED"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--pairs", type=int, default=1_000_000, help="for all contenders")
    words.add_argument("--large", type=int, default=5_000_000, help="for ours alone, to see how it grows; 0: not")
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
