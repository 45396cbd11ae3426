"""The files of a record: their names, how each is written or found."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path

from drcore.errors import BadInput

JOURNAL, MANIFEST, PARAMETERS = "journal.jsonl", "manifest.json", "parameters.json"
NOTEBOOK, PAGE, CARD, EVIDENCE = "notebook.ipynb", "notebook.html", "break-glass.md", "evidence"
CARD_PAGE = "break-glass.html"  # the same card for paper
RECEIPT = "archived.json"  # where the copy in the archive lies; written after the record is sealed


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, finds the old one or the new one, never a part."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files on disk."""
    # Without this a new name may be lost in a power cut although the file's content is safe.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_being_written(folder: Path) -> bool:
    """Whether a run is at work on a record of this machine: its writer holds the journal until it has ended."""
    with (folder / JOURNAL).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False  # the lock went with the file, at once: a run that begins to write tries again


def find(records: Path, name: str) -> Path:
    """The folder of the one run that is named by its id, by the start of its id, or by its path.

    Raises BadInput when none, or more than one, answers to the name.
    """
    folders = find_all(records, name)
    if len(folders) != 1:
        seen = ", ".join(path.name for path in folders)
        raise BadInput(f"run {name!r}: expected the id or path of one record below {records}, seen {seen}")
    return folders[0]


def find_all(records: Path, name: str) -> list[Path]:
    """The folders of the runs that are named by the id of one, by the start of their ids, or by a path.

    The path of a folder that holds records names all that lies there, the broken and the empty too. Raises BadInput
    when there is none.
    """
    if name and any((Path(name) / file).is_file() for file in (JOURNAL, PARAMETERS, MANIFEST)):
        return [Path(name)]
    if name and Path(name).is_dir() and (Path(name).is_absolute() or not (records / name).is_dir()):
        below = sorted(path for path in Path(name).iterdir() if path.is_dir() and not path.name.startswith("."))
        if not below:
            raise BadInput(f"{name}: expected a record, or a folder of records, seen no folder in it")
        return below
    there = [] if Path(name).is_absolute() else sorted(records.glob(f"{name}*"))
    matching = [path for path in there if (path / PARAMETERS).is_file()]
    exact = [path for path in matching if path.name == name]
    if not matching and not name:
        raise BadInput(f"RUN: expected records below {records}, seen none. See: drcore list")
    if not matching:
        raise BadInput(
            f"run {name!r}: expected the id or path of a record below {records}, seen none. See: drcore list"
        )
    return exact or matching
