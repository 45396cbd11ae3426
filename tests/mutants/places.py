"""The functions, classes and constants of a source file, by name: a place that no other line of the file moves."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def placed(tree: ast.AST, within: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Each node of a tree, with the dotted name of what it stands in; empty: in nothing that has a name."""
    for node in ast.iter_child_nodes(tree):
        name = f"{within}.{_name(node)}".strip(".")
        yield within, node
        yield from placed(node, name)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Each function, by its dotted name."""
    for within, node in placed(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{within}.{node.name}".strip("."), node


def _name(node: ast.AST) -> str:
    """What a definition is called; empty: it defines nothing."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name.isupper():
            return name
    return ""
