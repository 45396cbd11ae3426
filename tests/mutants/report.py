"""docs/mutants.md: how many were tried, how many killed, which survived and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.known import REASONS

_NOBODY = "not looked at"


@dataclass(frozen=True)
class Result:
    """A mutant that was tried, as its file was then. `killed_by`: the test that failed; empty: none."""

    id: str
    path: str
    kind: str
    line: int
    before: str
    killed_by: str


def report(root: Path, known: int, tried: Sequence[Result]) -> None:
    """Write the page."""
    killed = [each for each in tried if each.killed_by]
    left = sorted((each for each in tried if not each.killed_by), key=lambda each: (each.path, each.line))
    equivalent = [each for each in left if REASONS.get(each.id, "").startswith("equivalent")]
    by_kind, killed_by_kind = Counter(each.kind for each in tried), Counter(each.kind for each in killed)
    counted = len(tried) - len(equivalent)
    share = f"{100 * len(killed) / counted:.0f} %" if counted else "none tried"
    kinds = "\n".join(f"| {kind} | {count} | {killed_by_kind[kind]} |" for kind, count in sorted(by_kind.items()))
    rows = "\n".join(_row(each) for each in left) or "| none | | | |"
    text = f"""# Mutants

Made by `make mutants`: the plans and the engine are broken on purpose, one place at a time, and the tests that should
notice are run. What has been tried is kept in `.mutants/`, so that it goes on where it was ended.

{known} mutants are known. A sample is drawn by chance, and tried by what a mutant costs: first what a plan's rules
should notice, then the engine, then what takes a plan's drill.

Tried so far: {len(tried)}. Killed: {len(killed)}. Survived: {len(left)}, of which {len(equivalent)} are equivalent.
Killed, of those that are not equivalent: **{share}**.

| what was done | tried | killed |
|---|---|---|
{kinds}

## Survivors

| where | what was done | what stood there | why |
|---|---|---|---|
{rows}
"""
    (root / "docs" / "mutants.md").write_text(text)


def _row(each: Result) -> str:
    why = REASONS.get(each.id, _NOBODY)
    return f"| `{each.path}:{each.line}` | {each.kind} | `{_one_line(each.before)}` | {why} |"


def _one_line(text: str) -> str:
    told = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return told if len(told) <= 60 else f"{told[:57]}…"
