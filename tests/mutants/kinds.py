"""Which mutants a source file has: each is the file with one place changed."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.mutants.places import placed

Edit = tuple[str, ast.AST, str]
"""What is done to a node, and the text that takes its place."""


UNKNOWN = "unknown is yes"


@dataclass(frozen=True)
class Mutant:
    """One change of a file: `start` to `end` of its text, which is `before`, become `text`.

    It stands in the function or constant `within`; `place` is its number among those that are alike in all of this.
    """

    path: str
    kind: str
    within: str
    before: str
    text: str
    place: int
    start: int
    end: int

    @property
    def id(self) -> str:
        """The same as long as neither the change nor what it stands in is another, on whatever line that is."""
        texts = (" ".join(text.split()) for text in (self.before, self.text))
        parts = (self.path, self.kind, self.within, *texts, str(self.place))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]

    def of(self, source: str) -> str:
        """The file with the change."""
        return f"{source[: self.start]}{self.text}{source[self.end :]}"


def mutants(root: Path, path: str) -> Iterator[Mutant]:
    """All mutants of a file of the plans or of the engine."""
    source = (root / path).read_text()
    tree = ast.parse(source)
    within = {node: name for name, node in placed(tree)}
    kinds = _of_plans(source, tree) if path.startswith("drcore/plans/") else _of_engine(source, tree)
    alike = Counter[tuple[str, ...]]()
    edits = [(*_span(source, node), kind, within[node], text) for kind, node, text in (*kinds, *_durable(tree))]
    for start, end, kind, name, text in sorted(edits):
        key = (kind, name, source[start:end], text)
        yield Mutant(path, *key, alike[key], start, end)
        alike[key] += 1


def _span(source: str, node: ast.AST) -> tuple[int, int]:
    """Where the text of a node begins and ends, in characters; the parser counts bytes."""
    lines = source.splitlines(keepends=True)

    def offset(line: int, column: int) -> int:
        return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())

    assert isinstance(node, ast.expr | ast.stmt | ast.keyword)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return offset(node.lineno, node.col_offset), offset(node.end_lineno, node.end_col_offset)


def _of_plans(source: str, tree: ast.Module) -> Iterator[Edit]:
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
                    rest = [ast.get_source_segment(source, name) for name in elements if name is not left]
                    yield "a need dropped", node, f"needs=({''.join(f'{name}, ' for name in rest)})"
            case ast.keyword(arg="consent", value=ast.Attribute(attr=name)) if name != "NONE":
                yield "no consent", node, "consent=Consent.NONE"
            case ast.keyword(arg="hold"):
                yield "hold 0", node, "hold=0"
            case ast.FunctionDef(name=name) if name in expected and has_yes:
                first = node.body[0]
                body = ast.get_source_segment(source, first)
                yield "expects nothing", first, f'return yes("mutant")\n    {body}'
            case ast.Call(func=ast.Name(id="unknown")) if has_yes:
                call = ast.get_source_segment(source, node) or ""
                yield UNKNOWN, node, f"yes{call.removeprefix('unknown')}"


def _steps(source: str, node: ast.AST, elements: list[ast.expr]) -> Iterator[Edit]:
    texts = [ast.get_source_segment(source, step) or "" for step in elements]
    for number in range(len(texts)):
        left = texts[:number] + texts[number + 1 :]
        yield "a step dropped", node, f"({''.join(f'{step}, ' for step in left)})"
    for one, other in pairwise(range(len(texts))):
        swapped = [*texts]
        swapped[one], swapped[other] = swapped[other], swapped[one]
        yield "two steps swapped", node, f"({', '.join(swapped)})"


def _of_engine(source: str, tree: ast.Module) -> Iterator[Edit]:
    """A condition of `if` or `while`, negated; a call whose result nobody takes, dropped."""
    for node in ast.walk(tree):
        match node:
            case ast.If(test=test) | ast.While(test=test) if ast.unparse(test) not in ("TYPE_CHECKING", "True"):
                yield "a condition negated", test, f"(not ({ast.get_source_segment(source, test)}))"
            case ast.Expr(value=ast.Call()):
                yield "a call dropped", node, "pass"


def _durable(tree: ast.Module) -> Iterator[Edit]:
    """One more kind of line that is not on disk when it is written."""
    members = {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}.get("Kind", [])
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="NOT_DURABLE")], value=ast.Call(args=[ast.Set(elts=elements)])):
                table = [ast.unparse(element) for element in elements]
                for member in members:
                    kind = f"Kind.{ast.unparse(member.targets[0])}" if isinstance(member, ast.Assign) else table[0]
                    if kind not in table:
                        yield "not durable", elements[0], f"{table[0]}, {kind}"
