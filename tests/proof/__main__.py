"""`make proof`: everything that is exhaustive, in parts that are not run again once they have passed.

Each part leaves its output, and a stamp when it has passed, under .proof/<state of the code>/. As many run side by side
as there are cores, the longest first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from signal import Signals
from time import monotonic

from drcore import plans

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".proof"
TIMES = FOLDER / "seconds.json"  # of CPU, that each part took the last time it passed
UNKNOWN = 600.0  # seconds that a part is taken for before it has been seen
BY_PLAN = ("test_kills.py", "test_faults.py", "test_busy.py")  # of the family tests: each takes minutes for each plan
PASSED = "passed"
NOTHING_SELECTED = 5  # pytest's exit code


@dataclass(frozen=True, slots=True)
class Part:
    """A command that proves something by itself; `more` of its exit codes are as good as 0."""

    name: str
    command: tuple[str, ...]
    more: tuple[int, ...] = ()


def parts() -> Iterator[Part]:
    """All of them: the tests by folder, those of the plan families by file, the longest by plan."""
    yield module("boto3-oldest", "tests.proof.boto3_range", "oldest")
    yield module("boto3-newest", "tests.proof.boto3_range", "newest")
    yield module("spark", "tests.proof.spark")
    yield module("iam-simulator", "tests.proof.iam_simulator")
    for path in test_files(ROOT / "tests" / "plans" / "family"):
        if path.name in BY_PLAN:
            yield from by_plan(path)
        else:
            yield pytest_part(path)
    for folder in sorted(path for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "plans"):
        if any(folder.rglob("test_*.py")):
            yield pytest_part(folder)
    for folder in sorted((ROOT / "tests" / "plans").iterdir()):
        if folder.name != "family" and any(folder.rglob("test_*.py")):
            yield pytest_part(folder)
    alone = (*test_files(ROOT / "tests"), *test_files(ROOT / "tests" / "plans"))
    yield from (pytest_part(path) for path in alone)


def test_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("test_*.py"))


def module(name: str, *words: str) -> Part:
    return Part(name, (sys.executable, "-m", *words))


def pytest_part(path: Path, name: str = "", select: str = "", more: tuple[int, ...] = ()) -> Part:
    own = path.relative_to(ROOT).as_posix()
    words = ("-m", "pytest", "-n", "0", "-p", "no:cacheprovider", own, *(("-k", select) if select else ()))
    by_path = own.removeprefix("tests/").removesuffix(".py").replace("test_", "").replace("/", "-")
    return Part(name or by_path, (sys.executable, *words), more)


def by_plan(path: Path) -> Iterator[Part]:
    """The tests of a file that are of one plan each, plan by plan, and the others."""
    of = {plan: f"[{plan}] or [{plan}-" for plan in plans.ids()}
    stem = path.stem.removeprefix("test_")
    for plan, select in of.items():
        yield pytest_part(path, f"plans-family-{stem}-{plan}", select)
    yield pytest_part(path, f"plans-family-{stem}", f"not ({' or '.join(of.values())})", (NOTHING_SELECTED,))


def state() -> str:
    """What is proved: the revision, and what is changed beside it. Raises CalledProcessError outside a checkout."""
    revision = git("rev-parse", "--short=12", "HEAD").decode().strip()
    new = git("ls-files", "--others", "--exclude-standard", "-z").decode().split("\0")
    changed = git("diff", "HEAD", "--binary") + b"".join((ROOT / name).read_bytes() for name in new if name)
    return revision + (f"-changed-{sha256(changed).hexdigest()[:12]}" if changed else "")


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True).stdout


@dataclass(frozen=True, slots=True)
class Ran:
    """How a part came to its end; seconds by the clock, and of CPU, which a busy machine does not make many more."""

    end: str
    seconds: float
    cpu: float


def run(part: Part, folder: Path) -> Ran:
    """Run a part to its end."""
    begun = monotonic()
    with (folder / f"{part.name}.log").open("wb") as log:
        process = subprocess.Popen(
            part.command,
            cwd=ROOT,
            env=os.environ | {"EXHAUSTIVE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)  # with what it has started and waited for
    code = process.returncode = os.waitstatus_to_exitcode(status)
    seconds, cpu = monotonic() - begun, used.ru_utime + used.ru_stime
    if code in (0, *part.more):
        (folder / f"{part.name}.passed").write_text(f"{seconds:.0f} s, {cpu:.0f} CPU s\n")
        return Ran(PASSED, seconds, cpu)
    return Ran(f"killed by {Signals(-code).name}" if code < 0 else "FAILED", seconds, cpu)


def prove(chosen: Sequence[Part], folder: Path, side_by_side: int) -> list[str]:
    """Run all that have not passed yet; the names of those that do not."""
    known: dict[str, float] = json.loads(TIMES.read_text()) if TIMES.exists() else {}
    due = [part for part in chosen if not (folder / f"{part.name}.passed").exists()]
    due.sort(key=lambda part: -known.get(part.name, UNKNOWN))
    say(f"{len(chosen)} parts, {len(chosen) - len(due)} have passed already; output in {folder.relative_to(ROOT)}")
    failed = []
    with ThreadPoolExecutor(side_by_side) as pool:
        running = {pool.submit(run, part, folder): part for part in due}
        for count, future in enumerate(as_completed(running), start=1):
            part, ran = running[future], future.result()
            say(f"{count:>3}/{len(due)}  {ran.seconds:6.0f} s  {ran.cpu:6.0f} CPU s  {ran.end}  {part.name}")
            if ran.end == PASSED:
                known[part.name] = round(ran.cpu)
                TIMES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
            else:
                failed.append(part.name)
    return failed


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make proof", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PART", help="only parts whose names begin so")
    parser.add_argument("--list", action="store_true", help="name the parts, run none")
    parser.add_argument("-n", type=int, default=os.cpu_count() or 1, help="how many parts run side by side")
    options = parser.parse_args()
    chosen = [part for part in parts() if not options.names or part.name.startswith(tuple(options.names))]
    if options.list:
        say("\n".join(part.name for part in chosen))
        return 0
    if not chosen:
        parser.error(f"expected the beginning of a part's name, seen {', '.join(options.names)}")
    folder = FOLDER / state()
    folder.mkdir(parents=True, exist_ok=True)
    begun = monotonic()
    failed = prove(chosen, folder, options.n)
    say(f"{(monotonic() - begun) / 60:.0f} minutes. " + (f"FAILED: {', '.join(failed)}" if failed else "All passed."))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
