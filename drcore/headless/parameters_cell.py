"""The parameters that a notebook declares."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a notebook: `default` is its source text, `help` the comment beside it."""

    name: str
    default: str
    help: str


def parameter_names(source: Path) -> dict[str, Parameter]:
    """The parameters that a notebook declares, by name, in order; empty when it has no parameters cell.

    They are the plain assignments of the cell tagged `parameters`. The help of one is the comment at its
    end, or else the comment lines directly above it. Raises ValueError when the notebook or that cell cannot
    be read.
    """
    try:
        cells = json.loads(source.read_text(encoding="utf-8"))["cells"]
        tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
        text = "".join(tagged[0]["source"]) if tagged else ""
        return {parameter.name: parameter for parameter in _parameters(text)}
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Expected a notebook with a plain parameters cell in {source}; {error}.") from error


def _parameters(text: str) -> Iterator[Parameter]:
    comments = _comments(text)
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        match statement:
            case ast.Assign(targets=targets, value=value):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names = [name]
            case _:
                continue
        last = statement.end_lineno or statement.lineno
        own = comments.get(last) or _above(statement.lineno, comments, lines)
        for name in names:
            yield Parameter(name, ast.get_source_segment(text, value) or "", own)


def _above(line: int, comments: Mapping[int, str], lines: list[str]) -> str:
    block: list[str] = []
    while (line := line - 1) in comments and lines[line - 1].lstrip().startswith("#"):
        block.insert(0, comments[line])
    return " ".join(block)


def _comments(text: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT}
