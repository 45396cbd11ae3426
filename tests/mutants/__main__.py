"""`make mutants`: a random sample of mutants, each against the tests that should notice it; goes on where it ended.

A mutant lives in a copy of this tree below `.mutants/`, so nothing here is ever changed. The first test that fails has
killed it. A plan's mutants meet its rules, its drills, its own tests; those of the engine the tests that enter the
function in which they are, which is seen once, in a run of them all, up to a bound in their seconds, then a plan's
drills. The quickest come first. What has been tried is kept in
`.mutants/results.jsonl`; docs/mutants.md is made of it. A survivor needs a test, which `--again` then shows to be
red with it, or a reason in `tests/mutants/known.py`.
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
from tests.mutants.kinds import UNKNOWN, Mutant, mutants
from tests.mutants.known import REASONS
from tests.mutants.report import Result, one_line, report, result_of
from tests.mutants.runner import Runner, environment

ROOT = Path(__file__).parents[2]
HERE = ROOT / ".mutants"
RESULTS = HERE / "results.jsonl"
COVERING = HERE / "covering.json"
SAMPLE = 200
FIRST, ENOUGH = 8, 120
"""Seconds of tests: of those that are tried first, and of all that are."""
_FAMILY = "tests/plans/family"
RULES = (f"{_FAMILY}/test_plan_texts.py", "tests/notebooks/test_family.py")
RULED = {"a need dropped", "a step dropped", "hold 0", "no consent", "two steps swapped"}
"""What stands outside of functions, and what plans' texts are held against."""


def main() -> None:
    """Try the mutants that were asked for and have not been tried yet, and write down what came of it."""
    asked = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    asked.add_argument("--sample", type=int, default=SAMPLE, help="how many mutants")
    asked.add_argument("--seed", type=int, default=1, help="which ones")
    asked.add_argument("--kind", help="all mutants of this kind, in place of a sample")
    asked.add_argument("--again", action="store_true", help="survivors that are not equivalent, in place of a sample")
    asked.add_argument("--list", action="store_true", help="print the mutants, try none")
    asked.add_argument("--report", action="store_true", help="write docs/mutants.md of what is known, try none")
    given = asked.parse_args()
    known = list(_all())
    sample = sorted(known, key=lambda mutant: _chance(given.seed, mutant))[: given.sample]
    chosen = [mutant for mutant in known if mutant.kind == given.kind] if given.kind else sample
    tried = {result.id: result.killed_by for result in _results()}
    if given.again:
        chosen = [mutant for mutant in known if tried.get(mutant.id) == "" and mutant.id not in REASONS]
    elif not given.list:
        chosen = [mutant for mutant in chosen if mutant.id not in tried]
    if given.list:
        for mutant in chosen:
            typer.echo(f"{mutant.id} {mutant.path} {mutant.within} {mutant.kind}: {one_line(mutant.before)}")
        return
    if not given.report:
        _try_all(sorted(chosen, key=_cost), by_chance={mutant.id for mutant in sample})
    report(ROOT, known, _results())


def _chance(seed: int, mutant: Mutant) -> str:
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


def _try_all(chosen: list[Mutant], by_chance: set[str]) -> None:
    HERE.mkdir(exist_ok=True)
    tree = _copy("tree")
    groups = _covering()
    with Runner(tree, HERE) as runner:
        for number, mutant in enumerate(chosen, start=1):
            source = (tree / mutant.path).read_text()
            (tree / mutant.path).write_text(mutant.of(source))
            try:
                killed = runner.killed_by(mutant.path, stages(mutant, groups))
            finally:
                (tree / mutant.path).write_text(source)
            if killed is not None:
                result = result_of(mutant, killed, by_chance=mutant.id in by_chance)
                with RESULTS.open("a") as file:
                    file.write(f"{json.dumps(asdict(result))}\n")
            end = "no end, to be tried again" if killed is None else killed or "SURVIVED"
            typer.echo(f"{number}/{len(chosen)} {mutant.id} {mutant.path} {mutant.within} {mutant.kind}: {end}")


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


def stages(mutant: Mutant, entered: list[Entered]) -> list[list[str]]:
    """The tests that should notice, as words for pytest, the quickest first."""
    room, name = mutant.path.split("/")[2], Path(mutant.path).stem
    names = [f"tests/plans/{room}/test_{of}.py" for of in (*(["unknown"] if mutant.kind == UNKNOWN else []), name)]
    names.append(f"tests/{mutant.path.split('/')[1]}/test_{name}.py")
    own = [[path] for path in names if (ROOT / path).exists()]
    of_all = [[*RULES]] if mutant.kind in RULED else []
    if _of_a_plan(mutant):
        rules = [[*words, "-k", f"[{room} or -{room} or not ["] for words in of_all]
        others = ("too_little_traffic", "refusals", "ways_back", "rehearsals", "consents")
        family = [f"{_FAMILY}/test_{other}.py" for other in others]
        drills, whole = [f"{_FAMILY}/test_drills.py", "-k", f"[{room}-"], [*family, "-k", f"[{room} or -{room}-"]
        return [*rules, *own, drills, [f"tests/plans/{room}"], whole]
    groups: list[list[str]] = [[], []]
    spent = 0.0
    for row in tests_of(mutant, entered):
        if spent and spent + row.seconds > ENOUGH:
            break
        spent += row.seconds
        groups[spent > FIRST].append(row.test)
    plan = "d" if mutant.path.startswith("drcore/plans/") else "f"
    family = [f"{_FAMILY}/test_{name}.py" for name in ("drills", "refusals", "ways_back", "consents")]
    return [*of_all, *own, *filter(None, groups), [*family, "-k", f"[{plan} or -{plan}-"]]


if __name__ == "__main__":
    main()
