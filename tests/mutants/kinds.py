"""Which mutants a source file has: each is the file with one place changed."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

Edit = tuple[ast.AST, str]
"""A node, and the text that takes its place."""


@dataclass(frozen=True)
class Mutant:
    """One change of a file: `start` to `end` of its text become `text`."""

    path: str
    kind: str
    line: int
    start: int
    end: int
    before: str
    text: str

    @property
    def id(self) -> str:
        """The same as long as neither its place nor the change is another."""
        told = f"{self.path} {self.kind} {self.line} {self.before} {self.text}"
        return hashlib.sha256(told.encode()).hexdigest()[:10]

    def of(self, source: str) -> str:
        """The file with the change."""
        return f"{source[: self.start]}{self.text}{source[self.end :]}"


def mutants(root: Path, path: str) -> Iterator[Mutant]:
    """All mutants of a file of the plans or of the engine."""
    source = (root / path).read_text()
    tree = ast.parse(source)
    plan = path.startswith("drcore/plans/")
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        text = source[starts[line - 1] : starts[line]]
        return starts[line - 1] + len(text.encode()[:column].decode())

    kinds = _of_plans(source, tree) if plan else _of_engine(source, tree)
    for kind, node, text in (*kinds, *_durable(tree)):
        assert isinstance(node, ast.expr | ast.stmt | ast.keyword)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start, end = offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)
        yield Mutant(path, kind, node.lineno, start, end, source[start:end], text)


def _of_plans(source: str, tree: ast.Module) -> Iterator[tuple[str, ast.AST, str]]:
    """A step or its order, what it needs, what it asks for, what it expects, how long it must hold."""
    expected = {
        word.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "expect" and isinstance(word.value, ast.Name)
    }
    has_yes = any(isinstance(node, ast.alias) and node.name == "yes" for node in ast.walk(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="STEPS")], value=ast.Tuple(elts=elements)):
                yield from _steps(source, node.value, elements)
            case ast.keyword(arg="needs", value=ast.Tuple(elts=elements)):
                for left in elements:
                    rest = [ast.get_source_segment(source, each) for each in elements if each is not left]
                    yield "a need dropped", node, f"needs=({''.join(f'{each}, ' for each in rest)})"
            case ast.keyword(arg="consent", value=ast.Attribute(attr=name)) if name != "NONE":
                yield "no consent", node, "consent=Consent.NONE"
            case ast.keyword(arg="hold"):
                yield "hold 0", node, "hold=0"
            case ast.FunctionDef(name=name) if name in expected and has_yes:
                first = node.body[0]
                told = ast.get_source_segment(source, first)
                yield "expects nothing", first, f'return yes("mutant")\n    {told}'
            case ast.Call(func=ast.Name(id="unknown")) if has_yes:
                yield "unknown is yes", node.func, "yes"


def _steps(source: str, node: ast.AST, elements: list[ast.expr]) -> Iterator[tuple[str, ast.AST, str]]:
    texts = [ast.get_source_segment(source, each) or "" for each in elements]
    for number in range(len(texts)):
        left = texts[:number] + texts[number + 1 :]
        yield "a step dropped", node, f"({''.join(f'{each}, ' for each in left)})"
    for one, other in pairwise(range(len(texts))):
        swapped = [*texts]
        swapped[one], swapped[other] = swapped[other], swapped[one]
        yield "two steps swapped", node, f"({', '.join(swapped)})"


def _of_engine(source: str, tree: ast.Module) -> Iterator[tuple[str, ast.AST, str]]:
    """A condition of `if` or `while`, negated; a call whose result nobody takes, dropped."""
    for node in ast.walk(tree):
        match node:
            case ast.If(test=test) | ast.While(test=test) if ast.unparse(test) not in ("TYPE_CHECKING", "True"):
                yield "a condition negated", test, f"(not ({ast.get_source_segment(source, test)}))"
            case ast.Expr(value=ast.Call()):
                yield "a call dropped", node, "pass"


def _durable(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="durable", value=ast.Constant(value=True)):
                yield "not durable", node, "durable=False"
