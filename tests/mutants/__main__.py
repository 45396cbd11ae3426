"""`make mutants`: a random sample of mutants, each against the tests that should notice it; goes on where it ended.

A mutant lives in a copy of this tree below `.mutants/`, so nothing here is ever changed. Its tests run in stages,
the quickest first; it is killed by the first test that fails. What has been tried is kept in `.mutants/results.jsonl`;
docs/mutants.md is made of it. A survivor needs a reason in `tests/mutants/known.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import typer

from tests.mutants.kinds import Mutant, mutants
from tests.mutants.report import Result, report

ROOT = Path(__file__).parents[2]
HERE = ROOT / ".mutants"
RESULTS = HERE / "results.jsonl"
FAR_TOO_LONG = 300
"""Seconds for a stage of tests."""
_FAMILY = "tests/plans/family"
_RULES = [f"{_FAMILY}/test_plan_texts.py", f"{_FAMILY}/test_too_little_traffic.py"]


def main() -> None:
    """Try the mutants of the sample that have not been tried yet, and write down what came of it."""
    asked = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    asked.add_argument("--sample", type=int, default=200, help="how many mutants")
    asked.add_argument("--seed", type=int, default=1, help="which ones")
    asked.add_argument("--list", action="store_true", help="print the sample, try none")
    asked.add_argument("--report", action="store_true", help="write docs/mutants.md of what is known, try none")
    given = asked.parse_args()
    every = list(_all())
    sample = sorted(every, key=lambda each: _place(given.seed, each))[: given.sample]
    if given.list:
        for each in sample:
            typer.echo(f"{each.id} {each.path}:{each.line} {each.kind}: {' '.join(each.before.split())[:60]}")
        return
    if not given.report:
        _try_all(sample)
    report(ROOT, len(every), _results())


def _place(seed: int, mutant: Mutant) -> str:
    """By chance, and the same as long as the mutant is: a change elsewhere makes no other sample."""
    return hashlib.sha256(f"{seed} {mutant.id}".encode()).hexdigest()


def _all() -> Iterator[Mutant]:
    """The plans, what they share, the engine, the journal. Not who writes no step: facts, titles, resources, charts."""
    for folder in ("drcore/plans", "drcore/engine", "drcore/record"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from mutants(ROOT, str(path.relative_to(ROOT)))


def _results() -> list[Result]:
    """What has been tried until now."""
    if not RESULTS.exists():
        return []
    return [Result(**json.loads(line)) for line in RESULTS.read_text().splitlines()]


def _try_all(sample: list[Mutant]) -> None:
    tree = HERE / "tree"
    HERE.mkdir(exist_ok=True)
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    tried = {each.id for each in _results()}
    for number, mutant in enumerate(sample, start=1):
        if mutant.id in tried:
            continue
        whole = (tree / mutant.path).read_text()
        (tree / mutant.path).write_text(mutant.of(whole))
        try:
            killed = _killed_by(tree, mutant)
        finally:
            (tree / mutant.path).write_text(whole)
        if killed is not None:
            told = Result(mutant.id, mutant.path, mutant.kind, mutant.line, mutant.before, killed)
            with RESULTS.open("a") as file:
                file.write(f"{json.dumps(asdict(told))}\n")
        end = "no end, to be tried again" if killed is None else killed or "SURVIVED"
        typer.echo(f"{number}/{len(sample)} {mutant.path}:{mutant.line} {mutant.kind}: {end}")


def _killed_by(tree: Path, mutant: Mutant) -> str | None:
    """The first test that failed; empty: none did. None: no end in time, which on a busy machine proves nothing."""
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    for stage in stages(mutant.path):
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *stage]
        try:
            ran = subprocess.run(
                command, cwd=tree, env=environment, capture_output=True, text=True, timeout=FAR_TOO_LONG, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        if ran.returncode not in (0, 5):  # 5: no test of this stage is of this plan
            failed = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
            return (failed[0] if failed else f"{stage[0]}: exit {ran.returncode}").partition(" - ")[0]
    return ""


def stages(path: str) -> list[list[str]]:
    """The tests that should notice, the quickest first."""
    room = path.split("/")[2]
    if path.startswith("drcore/plans/") and len(room) == 1:
        family = [f"{_FAMILY}/test_{name}.py" for name in ("drills", "refusals", "ways_back", "rehearsals", "consents")]
        return [
            [*_RULES, "tests/notebooks/test_family.py"],
            [f"tests/plans/{room}"],
            [*family, "-k", f"{room}-"],
        ]
    drills = [f"{_FAMILY}/test_{name}.py" for name in ("drills", "refusals", "ways_back")]
    if path.startswith("drcore/plans/"):
        return [[*_RULES, "tests/plans/shared"], ["tests/plans/f"], [*drills, "-k", "f- or d-"]]
    return [["tests/engine", "tests/record", "tests/run"], [*drills, f"{_FAMILY}/test_consents.py", "-k", "f-"]]


if __name__ == "__main__":
    main()
