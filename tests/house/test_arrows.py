"""The arrows of the design go one way, and every room keeps to its purpose."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each package may import those before it, never those after it. A new one is put where it belongs.
ORDER = [
    *("signals", "errors", "clock", "parameters"),  # the ground
    *("record", "calls", "services"),  # what is left behind; the world outside
    *("engine", "diff", "show", "plans", "run"),  # a step; what differs, what is seen, the plans, one run of one plan
    *("headless", "archive", "launcher", "cli", "__main__"),  # notebooks without a screen, the doors for people
]

# Imports that go up, each with its reason.
UPWARD: set[tuple[str, str]] = set()

# The one module that may import it; tests and the sandbox may too.
ROOMS = {
    "boto3": {"calls"},
    "botocore": {"calls"},
    "matplotlib": {"show"},
    "IPython": {"show"},
    "time": {"clock"},
}

FILES = sorted((ROOT / "drcore").rglob("*.py"))
SANDBOX = [path for path in FILES if path.is_relative_to(ROOT / "drcore" / "sandbox")]
OUTSIDE = [path for path in FILES if path not in SANDBOX]


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def room(path: Path) -> str:
    """`services` for drcore/services/lambda_.py, `aws` for drcore/calls/aws.py."""
    return path.relative_to(ROOT / "drcore").parts[0].removesuffix(".py")


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(node: ast.AST, types: bool) -> Iterator[str]:
    """The full names that are imported under a node, with or without what only the type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif types or not for_types_only(child):
            yield from imports(child, types)


def each(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(ROOT)))


def test_every_module_should_have_its_place_in_the_order() -> None:
    placed = {*ORDER, "__init__", "sandbox"}
    assert {room(path) for path in FILES} - placed == set(), "put it into ORDER, where its arrows go down"


def test_imports_should_go_down_the_order_only() -> None:
    up = set()
    for path in OUTSIDE:
        for name in imports(tree(path), types=False):
            target = [*name.split("."), ""][1]
            if name.startswith("drcore.") and room(path) in ORDER and target in ORDER:
                up |= {(room(path), target)} if ORDER.index(target) > ORDER.index(room(path)) else set()
    assert up == UPWARD


@each(OUTSIDE)
def test_nothing_outside_the_sandbox_should_know_of_it(path: Path) -> None:
    assert [name for name in imports(tree(path), types=True) if name.startswith("drcore.sandbox")] == []
    decisions = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Compare | ast.MatchValue)]
    parts = [part for decision in decisions for part in ast.walk(decision)]
    assert [part.lineno for part in parts if isinstance(part, ast.Constant) and part.value == "sandbox"] == []


@each(OUTSIDE)
def test_what_has_a_room_should_be_imported_there_only(path: Path) -> None:
    packages = {name.split(".")[0] for name in imports(tree(path), types=True)}
    assert {name for name in packages & set(ROOMS) if room(path) not in ROOMS[name]} == set()


@each(SANDBOX)
def test_the_sandbox_should_import_nothing_of_drcore_but_itself(path: Path) -> None:
    ours = [name for name in imports(tree(path), types=True) if name.split(".")[0] == "drcore"]
    assert [name for name in ours if not name.startswith("drcore.sandbox")] == []


@each(FILES)
def test_every_module_should_say_its_one_purpose_in_its_first_line(path: Path) -> None:
    first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
    assert first.endswith("."), f"the docstring begins with {first!r}; it should be one sentence"
    assert " and " not in first, f"{first!r} names two purposes: split it, or find one word for both"


@each(FILES)
def test_nothing_should_be_left_over_or_named_for_nothing(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert re.findall(r"raise NotImplementedError|\b(?:TODO|FIXME|XXX)\b", path.read_text()) == []
