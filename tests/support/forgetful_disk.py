"""A disk that forgets at a power cut what was not synced: contents of files, names in folders.

It is the worst that a file system may do: an fsync of a file keeps what is in it, no more; an fsync of a folder keeps
the names in it. A file whose name is kept, and which was never synced, is there and empty.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

Image = dict[str, bytes]


class ForgetfulDisk:
    """What is on the platter below a folder, by what was synced while this watches."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder.resolve()
        self._contents: dict[int, bytes] = {}  # by inode
        self._names: dict[Path, dict[str, int]] = {}  # by folder: the inode that each name leads to
        really = os.fsync

        def synced(file: Any) -> None:
            really(file)
            self._keep(Path(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}").readlink())

        patch.setattr(os, "fsync", synced)

    def _keep(self, path: Path) -> None:
        if path.is_dir():
            self._names[path] = {entry.name: entry.inode() for entry in os.scandir(path)}
        elif path.is_file():
            self._contents[path.stat().st_ino] = path.read_bytes()

    def image(self) -> Image:
        """What would be there after a power cut now, by path below the folder; nothing where its name is not kept."""
        if self.folder.name not in self._names.get(self.folder.parent, {}):
            return {}
        found: Image = {}
        below = [self.folder]
        for folder in below:
            for name, inode in self._names.get(folder, {}).items():
                if (folder / name) in self._names or (folder / name).is_dir():
                    below.append(folder / name)
                else:
                    found[str((folder / name).relative_to(self.folder))] = self._contents.get(inode, b"")
        return found

    def restore(self, image: Image) -> None:
        """The power is back: the folder has what the platter had."""
        for entry in list(self.folder.iterdir()):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for name, content in image.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(content)
