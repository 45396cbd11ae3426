"""A postmortem as a notebook: each part a cell, the journal as a table behind them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from drcore.errors import Refused
from drcore.headless.nbformat_light import as_text, nbformat
from drcore.learn.kept import Drafted, merged, without_definitions
from drcore.learn.postmortem import link_definitions

_TABLE = """\
# The journal as a table, to look closer. Run it in the folder of the record.
import pandas as pd

journal = pd.read_json("{root}journal.jsonl", lines=True)
journal[journal.event.isin(["moment", "decision", "result", "note", "verdict"])]"""


def as_notebook(text: str, old: bytes | None, root: str) -> bytes:
    """A draft as the content of a notebook, with what people wrote in the old one: in our cells, and cells of theirs.

    `root` leads from the notebook to the folder of the record. Raises Refused where the old one is no such notebook.
    """
    if old is None:
        cells: list[Any] = [_cell(part, None, root) for part in _parts(text)]
        cells.append(nbformat.v4.new_code_cell(_TABLE.format(root=root), id="the-journal"))
        made = nbformat.v4.new_notebook(cells=cells)
        made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
        return as_text(made)
    notebook = _read(old)
    before, behind = _theirs(notebook.cells)
    notebook.cells = [*before.get("", ())]
    for part in _parts(text):
        name = part.partition("\n")[0]
        notebook.cells.append(_cell(part, behind.get(name), root))
        notebook.cells += before.get(name, ())
    return as_text(notebook)


def _read(old: bytes) -> nbformat.NotebookNode:
    try:
        notebook: nbformat.NotebookNode = nbformat.reads(old.decode(), as_version=4)
    except (ValueError, UnicodeDecodeError) as error:
        raise Refused(
            f"the notebook that is there cannot be read ({error}): move it away. Nothing was changed."
        ) from error
    if not any("drcore" in cell.metadata for cell in notebook.cells):
        raise Refused("the notebook that is there was not made by drcore: move it away. Nothing was changed.")
    return notebook


def _parts(text: str) -> list[str]:
    """The draft, cut before each heading of the second level."""
    return [part.strip("\n") for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)]


def _theirs(cells: Sequence[Any]) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Cells that people have put in, by the part that they stand behind; and our own, by their part."""
    behind, ours, at = dict[str, list[Any]](), dict[str, Any](), ""
    for cell in cells:
        tag = cell.metadata.get("drcore")
        if tag:
            at = tag["part"]
            ours[at] = cell
        else:
            behind.setdefault(at, []).append(cell)
    return behind, ours


def _cell(part: str, old: Any, root: str) -> Any:
    name = part.partition("\n")[0]
    before = Drafted(without_definitions(old.source), frozenset(old.metadata["drcore"]["made"])) if old else None
    drafted = merged(part, before)
    source = f"{drafted.text}\n{link_definitions(drafted.text, root)}".strip("\n")
    identity = old.id if old else re.sub(r"[^a-z]+", "-", name.lower()).strip("-")[:60]
    cell = nbformat.v4.new_markdown_cell(source, id=identity)
    cell.metadata["drcore"] = {"part": name, "made": sorted(drafted.made)}
    return cell
