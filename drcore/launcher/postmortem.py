"""The postmortem of a record, as files that people go on with."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from drcore import plans
from drcore.archive.reader import ReadRun, Worth, read
from drcore.errors import BadInput, Refused
from drcore.headless.postmortem_notebook import as_notebook
from drcore.learn.kept import Drafted, as_file, from_file, merged
from drcore.learn.postmortem import NAME, Sentence, Teller, drafted_from, link_definitions, sentences_of, written
from drcore.record.events import Kind
from drcore.record.files import EVIDENCE, write_atomically
from drcore.record.history import History
from drcore.record.understood import understood


@dataclass(frozen=True, slots=True)
class Postmortem:
    """The files that were written, how much they tell, how many questions of the form are still open."""

    markdown: Path
    notebook: Path
    sentences: int
    questions: int


def write_postmortem(folder: Path, out: Path | None = None) -> Postmortem:
    """Write `postmortem.md`, `postmortem.ipynb` into a folder, else into that of the record. The record stays as it is.

    What people wrote in those that are there is kept. Raises BadInput, and Refused for a record that is broken or for
    files that drcore has not made, or has made of another run.
    """
    run = read(folder)
    if run.worth in (Worth.BROKEN, Worth.UNREADABLE):
        raise Refused(f"{folder.name} is {run.worth}: {'; '.join(run.problems)}. Nothing was written.")
    if not run.history.has(Kind.OPENED):
        raise BadInput(f"{folder}: expected the record of a run, seen one that was never opened")
    where = out or folder
    if where.exists() and not where.is_dir():
        raise BadInput(f"--out: expected a folder, seen a file: {where}. Nothing was written.")
    relative = os.path.relpath(folder, where)
    root = "" if relative == "." else f"{Path(relative).as_posix()}/"
    with understood(folder):
        text = draft_of(run)
    markdown, notebook = where / f"{NAME}.md", where / f"{NAME}.ipynb"
    for path in (markdown, notebook):
        _see_that_it_is_of(path, run.run_id)
    drafted = merged(text, _old(markdown))
    cells = as_notebook(text, notebook.read_bytes() if notebook.exists() else None, root)
    where.mkdir(parents=True, exist_ok=True)
    write_atomically(markdown, as_file(drafted, link_definitions(drafted.text, root)).encode())
    write_atomically(notebook, cells)
    sentences = drafted.text.count("[journal ") + drafted.text.count("[evidence/")
    return Postmortem(markdown, notebook, sentences, drafted.text.count("- [ ]"))


def draft_of(run: ReadRun) -> str:
    """The draft that a record tells, with what the plan itself had to say where it has written one in its run."""
    fault = run.parameters.get("fault")
    teller = Teller(run.history, run.run_id, str(fault["name"]) if isinstance(fault, dict) and "name" in fault else "")
    own = run.folder / EVIDENCE / f"{NAME}.md"
    text = own.read_text(encoding="utf-8") if f"{EVIDENCE}/{NAME}.md" in run.files and own.is_file() else ""
    bare = written(teller, "", (), ())
    parts = (_own(text, bare, part, run.history) for part in ("Summary", "Impact"))
    return written(teller, _headline(run, text), *parts)


def _own(text: str, bare: str, part: str, history: History) -> list[Sentence]:
    """What the plan itself had to say in a part: its sentences without those that every draft has."""
    always = {str(each) for each in sentences_of(bare, part, history)}
    return [each for each in sentences_of(text, part, history) if str(each) not in always]


def _headline(run: ReadRun, own: str) -> str:
    first = own.partition("\n")[0]
    if first.startswith("# Postmortem: "):
        return first.removeprefix("# Postmortem: ")
    try:
        return plans.find(run.plan).title
    except BadInput:  # a plan that this drcore does not have
        return f"plan {run.plan.upper()}"


def _see_that_it_is_of(path: Path, run_id: str) -> None:
    """A draft of one run is never made again from another: people's words would stand below what they are not about."""
    of = drafted_from(path.read_text(encoding="utf-8")) if path.exists() else run_id
    if of not in ("", run_id):
        raise Refused(f"{path} is the postmortem of {of}: choose another folder with --out. Nothing was changed.")


def _old(path: Path) -> Drafted | None:
    if not path.exists():
        return None
    draft = from_file(path.read_text(encoding="utf-8"))
    if draft is None:
        raise Refused(f"{path} does not carry the marks of drcore: move it away. Nothing was changed.")
    return draft
