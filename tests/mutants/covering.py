"""Which tests enter which function, as a copy of the sources tells that has a mark at the begin of each."""

from __future__ import annotations

import ast
import builtins
import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.kinds import Mutant
from tests.mutants.places import functions

_MARK = "_enter"
TESTS = ["tests/engine", "tests/record", "tests/run", "tests/plans/shared"]
"""Of the rooms that are seen so: in a plan's own room nearly all tests are drills, which enter nearly everything."""
OPTIONS = ["-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain"]


@dataclass
class Entered:
    """Which functions a test enters, each `path:name`, and how many CPU seconds it takes."""

    test: str
    seconds: float = 0
    functions: set[str] = field(default_factory=set)


def marked(path: str, source: str) -> str:
    """A source whose functions each say, when they are entered, which one they are."""
    lines = source.splitlines(keepends=True)
    module = ast.parse(source)
    for name, function in sorted(functions(module), key=lambda row: row[1].lineno, reverse=True):
        first = function.body[_has_docstring(function) : 1 + _has_docstring(function)]
        if not first:
            continue
        line = min([first[0].lineno, *(mark.lineno for mark in getattr(first[0], "decorator_list", []))])
        call, text = f"{_MARK}({f'{path}:{name}'!r})", lines[line - 1]
        before, after = text[: first[0].col_offset], text[first[0].col_offset :]
        lines[line - 1] = f"{before}{call}\n{text}" if not before.strip() else f"{before}{call}; {after}"
    first_ones = [
        node.end_lineno or 0
        for number, node in enumerate(module.body)
        if (isinstance(node, ast.ImportFrom) and node.module == "__future__") or (not number and _has_docstring(module))
    ]
    head = max(first_ones, default=0)
    return "".join([*lines[:head], f'{_MARK} = getattr(__import__("builtins"), "{_MARK}", str)\n', *lines[head:]])


def _has_docstring(node: ast.FunctionDef | ast.Module) -> bool:
    return ast.get_docstring(node, clean=False) is not None


class Marks:
    """A plugin of pytest: writes down which functions each test enters."""

    def __init__(self) -> None:
        self._entered = set[str]()
        self._of_fixtures: defaultdict[str, Entered] = defaultdict(lambda: Entered(""))
        self.entered: list[Entered] = []
        setattr(builtins, _MARK, self._entered.add)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self._entered.clear()
        begun = _cpu_seconds()
        answer = yield
        shared = [self._of_fixtures[f"{_file(item)} {name}"] for name in getattr(item, "fixturenames", ())]
        seconds = _cpu_seconds() - begun + sum(fixture.seconds for fixture in shared)
        names = self._entered.union(*(fixture.functions for fixture in shared))
        self.entered.append(Entered(item.nodeid, seconds, names))
        return answer

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        """What a fixture of a file or of all tests enters, each test that uses it enters."""
        if fixturedef.scope == "function":
            return (yield)
        outside = set(self._entered)
        self._entered.clear()
        begun = _cpu_seconds()
        try:
            return (yield)
        finally:
            of = self._of_fixtures[f"{_file(request.node)} {fixturedef.argname}"]
            of.seconds = _cpu_seconds() - begun
            of.functions.update(self._entered)
            self._entered.update(outside)


def _file(node: Any) -> str:
    return str(node.nodeid).partition("::")[0]


def _cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def read(path: Path) -> list[Entered]:
    """What was seen, the quickest tests first."""
    rows = [Entered(row["test"], row["seconds"], set(row["functions"])) for row in json.loads(path.read_text())]
    return sorted(rows, key=lambda row: row.seconds)


def tests_of(mutant: Mutant, entered: list[Entered]) -> list[Entered]:
    """The tests that enter the function in which the mutant is; else those that enter one of its file.

    What stands outside of functions, and functions that make steps, is carried out when a file is imported.
    """
    function, of_file = f"{mutant.path}:{mutant.within}", f"{mutant.path}:"
    rows = [row for row in entered if function in row.functions]
    return rows or [row for row in entered if any(name.startswith(of_file) for name in row.functions)]


def main(path: str) -> None:
    """Run the tests of the engine once, and write what each enters to a file."""
    marks = Marks()
    pytest.main([*OPTIONS, *TESTS], plugins=[marks])
    rows = [asdict(row) | {"functions": sorted(row.functions)} for row in marks.entered]
    Path(path).write_text(json.dumps(rows, indent=1))
