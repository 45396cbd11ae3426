"""`make mutants`: a random sample of mutants, each against the tests that should notice it; goes on where it ended.

A mutant lives in a copy of this tree below `.mutants/`, so nothing here is ever changed. The first test that fails has
killed it. A plan's mutants meet its rules, its drills, its own tests; those of the engine the tests that enter the
function in which they are, which is seen once, in a run of them all, up to a bound in their seconds, then a plan's
drills. The quickest come first. What has been tried is kept in
`.mutants/results.jsonl`; docs/mutants.md is made of it. A survivor needs a reason in `tests/mutants/known.py`.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from py_compile import PycInvalidationMode

import typer

from tests.mutants.covering import Entered, marked, read, tests_of
from tests.mutants.kinds import Mutant, mutants
from tests.mutants.report import Result, report
from tests.mutants.runner import Runner, environment

ROOT = Path(__file__).parents[2]
HERE = ROOT / ".mutants"
RESULTS = HERE / "results.jsonl"
COVERING = HERE / "covering.json"
FIRST, ENOUGH = 8, 120
"""Seconds of tests: of those that are tried first, and of all that are."""
_FAMILY = "tests/plans/family"
RULES = (f"{_FAMILY}/test_plan_texts.py", "tests/notebooks/test_family.py")
RULED = {"a need dropped", "a step dropped", "hold 0", "no consent", "two steps swapped"}
"""What stands outside of functions, and what plans' texts are held against."""


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
        _try_all(sorted(sample, key=_cost))
    report(ROOT, len(every), _results())


def _place(seed: int, mutant: Mutant) -> str:
    """By chance, and the same as long as the mutant is: a change elsewhere makes no other sample."""
    return hashlib.sha256(f"{seed} {mutant.id}".encode()).hexdigest()


def _cost(mutant: Mutant) -> int:
    """The quickest first: what a plan's rules should notice, then the engine, then what takes a plan's drill."""
    if _of_a_plan(mutant):
        return 0 if mutant.kind in RULED else 2
    return 1


def _of_a_plan(mutant: Mutant) -> bool:
    """Whether it is in a plan, not in what plans share or in the engine."""
    return mutant.path.startswith("drcore/plans/") and len(mutant.path.split("/")[2]) == 1


def _all() -> Iterator[Mutant]:
    """The plans, what they share, the engine, the journal. Not who writes no step: facts, titles, resources, charts."""
    for path in _sources():
        yield from mutants(ROOT, path)


def _sources() -> Iterator[str]:
    for folder in ("drcore/plans", "drcore/engine", "drcore/record"):
        yield from (str(path.relative_to(ROOT)) for path in sorted((ROOT / folder).rglob("*.py")))


def _results() -> list[Result]:
    """What has been tried until now."""
    if not RESULTS.exists():
        return []
    return [Result(**json.loads(line)) for line in RESULTS.read_text().splitlines()]


def _try_all(sample: list[Mutant]) -> None:
    HERE.mkdir(exist_ok=True)
    tree = _copy("tree")
    groups = _covering()
    tried = {each.id for each in _results()}
    with Runner(tree, HERE) as runner:
        for number, mutant in enumerate(sample, start=1):
            if mutant.id in tried:
                continue
            source = (tree / mutant.path).read_text()
            (tree / mutant.path).write_text(mutant.of(source))
            try:
                killed = runner.killed_by(mutant.path, stages(mutant, source, groups))
            finally:
                (tree / mutant.path).write_text(source)
            if killed is not None:
                result = Result(mutant.id, mutant.path, mutant.kind, mutant.line, mutant.before, killed)
                with RESULTS.open("a") as file:
                    file.write(f"{json.dumps(asdict(result))}\n")
            end = "no end, to be tried again" if killed is None else killed or "SURVIVED"
            typer.echo(f"{number}/{len(sample)} {mutant.id} {mutant.path}:{mutant.line} {mutant.kind}: {end}")


def _copy(name: str) -> Path:
    """This tree anew, compiled so that a source that was changed is seen to be another, whenever that was."""
    tree = HERE / name
    shutil.rmtree(tree, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for path in listed.splitlines():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, tree / path)
    for folder in ("drcore", "tests"):
        compileall.compile_dir(tree / folder, quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return tree


def _covering() -> list[Entered]:
    """Which tests enter which functions; seen once, as it hardly changes. Remove the file to have it seen anew."""
    if not COVERING.exists():
        typer.echo("which tests of the engine enter which functions: all of them are run once")
        tree = _copy("marked")
        for path in _sources():
            (tree / path).write_text(marked(path, (tree / path).read_text()))
        command = f"from tests.mutants import covering; covering.main({str(COVERING)!r})"
        with (HERE / "covering.txt").open("w") as output:
            python, env = [sys.executable, "-c", command], environment(tree)
            subprocess.run(python, cwd=tree, env=env, stdout=output, stderr=output, check=True)
    return read(COVERING)


def stages(mutant: Mutant, source: str, entered: list[Entered]) -> list[list[str]]:
    """The tests that should notice, as words for pytest, the quickest first."""
    room, name = mutant.path.split("/")[2], Path(mutant.path).stem
    if _of_a_plan(mutant):
        rules = [[*RULES, "-k", f"[{room} or -{room} or not ["]] if mutant.kind in RULED else []
        folder = f"tests/plans/{room}"
        own = [f"{folder}/test_{name}.py"] if (ROOT / folder / f"test_{name}.py").exists() else []
        others = ("too_little_traffic", "refusals", "ways_back", "rehearsals", "consents")
        family = [f"{_FAMILY}/test_{each}.py" for each in others]
        drills, whole = [f"{_FAMILY}/test_drills.py", "-k", f"[{room}-"], [*family, "-k", f"[{room} or -{room}-"]
        return [*rules, *([own] if own else []), drills, [folder], whole]
    found: list[list[str]] = [[], []]
    spent = 0.0
    for row in tests_of(mutant, source, entered):
        if spent and spent + row.seconds > ENOUGH:
            break
        spent += row.seconds
        found[spent > FIRST].append(row.test)
    plan = "d" if mutant.path.startswith("drcore/plans/") else "f"
    drills = [f"{_FAMILY}/test_{each}.py" for each in ("drills", "refusals", "ways_back", "consents")]
    return [*filter(None, found), [*drills, "-k", f"[{plan} or -{plan}-"]]


if __name__ == "__main__":
    main()
