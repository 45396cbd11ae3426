"""docs/mutants.md: how many were tried, how many killed, which survived and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.kinds import Mutant
from tests.mutants.known import REASONS, WHOLE

_NOBODY = "not looked at"


@dataclass(frozen=True)
class Result:
    """A mutant that was tried, as its file was then. `killed_by`: the test that failed; empty: none.

    `by_chance`: whether a sample drew it; else its whole kind was tried.
    """

    id: str
    path: str
    kind: str
    within: str
    before: str
    killed_by: str
    by_chance: bool


def result_of(mutant: Mutant, killed_by: str, *, by_chance: bool) -> Result:
    """What came of a mutant."""
    return Result(mutant.id, mutant.path, mutant.kind, mutant.within, mutant.before, killed_by, by_chance)


def report(root: Path, known: Sequence[Mutant], results: Sequence[Result]) -> None:
    """Write the page. What counts is the first result of a mutant; a later one tells that a hole is mended."""
    tried, now = list({row.id: row for row in reversed(results)}.values()), {row.id: row.killed_by for row in results}
    drawn = [result for result in tried if result.by_chance]
    standing = {mutant.id for mutant in known}
    left = sorted((row for row in tried if not row.killed_by), key=lambda row: (row.path, row.within))
    rows = "\n".join(_row(row, now[row.id]) for row in left) or "| none | | | |"
    text = f"""# Mutants

Made by `make mutants`: the plans and the engine are broken on purpose, one place at a time, and the tests that should
notice are run. What has been tried is kept in `.mutants/`, so that it goes on where it was ended.

{len(known)} mutants are known.

## By chance

A sample is drawn by chance. What a later change of the code made another mutant, or none, is counted as it was when it
was tried: {sum(result.id not in standing for result in drawn)} of them.

{_counted(drawn, now)}

The first share is what is to be expected of mutants that nobody has tried: a test that a survivor has led to proves
nothing of the others.

{_table(drawn)}
{_whole(known, tried, now)}
## Survivors

| where | what was done | what stood there | why |
|---|---|---|---|
{rows}
"""
    (root / "docs" / "mutants.md").write_text(text)


def _counted(tried: Sequence[Result], now: Mapping[str, str]) -> str:
    """How many were killed when they were tried first, how many when last. `now`: by which test then, by their ids."""
    equivalent = sum(_is_equivalent(row) for row in tried)
    killed, at_last = sum(bool(row.killed_by) for row in tried), sum(bool(now[row.id]) for row in tried)
    counted = len(tried) - equivalent
    first, last = (f"{100 * part / counted:.0f} %" if counted else "none tried" for part in (killed, at_last))
    known = f"Tried: {len(tried)}, of which {equivalent} are equivalent."
    return f"""{known} Of the others {killed} were killed when they were tried first:
**{first}**. Survivors were tried again once there was a test for them: {at_last} are killed now, **{last}**."""


def _is_equivalent(row: Result) -> bool:
    return not row.killed_by and REASONS.get(row.id, "").startswith("equivalent")


def _table(tried: Sequence[Result]) -> str:
    counts, killed = Counter(row.kind for row in tried), Counter(row.kind for row in tried if row.killed_by)
    rows = "\n".join(f"| {kind} | {count} | {killed[kind]} |" for kind, count in sorted(counts.items()))
    return f"| what was done | tried | killed at first |\n|---|---|---|\n{rows}"


def _whole(known: Sequence[Mutant], tried: Sequence[Result], now: Mapping[str, str]) -> str:
    """The kinds that are tried whole, apart from what chance drew: all that stand now, whoever has tried them."""
    texts = []
    for kind, note in sorted(WHOLE.items()):
        ids = {mutant.id for mutant in known if mutant.kind == kind}
        rest = [result for result in tried if result.by_chance and result.kind != kind]
        texts.append(f"""
## All of a kind: {kind}

{note}

There are {len(ids)}. {_counted([result for result in tried if result.id in ids], now)}

By chance, without this kind: {_lower(_counted(rest, now))}
""")
    return "".join(texts)


def _lower(text: str) -> str:
    return f"{text[0].lower()}{text[1:]}"


def _row(result: Result, killed_by: str) -> str:
    """A survivor. `killed_by`: the test that fails with it now; empty: none does."""
    test = killed_by.removeprefix("FAILED ").partition("::")[0]
    why = f"a hole, mended: {test}" if test else REASONS.get(result.id, _NOBODY)
    return f"| `{result.path}` {result.within} | {result.kind} | `{one_line(result.before)}` | {why} |"


def one_line(text: str) -> str:
    """The begin of a text, as a cell of a table can have it."""
    line = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return line if len(line) <= 60 else f"{line[:57]}…"
