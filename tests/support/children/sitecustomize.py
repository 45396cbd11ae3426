"""Writes down what each child of a command is started with: its words, its environment.

Every Python process of the command imports this module at its start, because the folder that it lies in is on its
path; what it starts is an audit event of Python, so that no child is too brief to be seen.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system")


def watch(file: str) -> None:
    """Add a line for each child: the event, its words, the variables that it gets (null: those of its parent)."""

    def seen(name: str, arguments: tuple[Any, ...]) -> None:
        if name not in STARTS:
            return
        told = json.dumps([name, arguments], default=_word) + "\n"
        held = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
        os.write(held, told.encode())
        os.close(held)

    sys.addaudithook(seen)


def _word(given: object) -> str:
    return os.fsdecode(given) if isinstance(given, bytes | os.PathLike) else repr(given)


if "CHILDREN" in os.environ:
    watch(os.environ["CHILDREN"])
