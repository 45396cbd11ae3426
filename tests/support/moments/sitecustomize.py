"""Signals a command at one moment of its own life, or of the life of a process that it has started.

A moment is an audit event of Python (an import, a file that is opened, a child that is started, a connection), so it
is the same one on a slow machine. Every Python process of the command imports this module at its start, because the
folder that it lies in is on its path.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

WORDS = {"jupyterlab": "server", "ipykernel_launcher": "kernel", "drcore.sandbox": "world"}
NOISE = ("builtins.", "object.", "sys.", "marshal.")  # as many again, and nothing happens at them


def watch(folder: str, moment: dict[str, Any]) -> None:
    """Count the events of this process, and send the signals when it is time. `sent` says that they were sent."""
    role = next((role for word, role in WORDS.items() if word in sys.orig_argv), "command")
    if role == "command" and os.environ.setdefault("MOMENT_PID", str(os.getpid())) != str(os.getpid()):
        return  # git, or another program that is written in Python
    due, event, text, number = role == moment["process"], moment["event"], moment["text"], moment["number"]
    total, count, begun = 0, -1, False  # while the interpreter starts
    tally = os.open(f"{folder}/{role}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    inside = threading.local()  # of each thread: what happens in one while another is counted would be missed

    def seen(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal total, count, begun
        if getattr(inside, "now", False) or name.startswith(NOISE):
            return
        if not begun:
            begun = name.startswith("cpython.run_")
            return
        inside.now = True
        try:
            total += 1
            if not total % 10 and not os.access(f"{folder}/sent", os.F_OK):  # what comes then is its end
                os.pwrite(tally, b"%9d" % total, 0)
            if not event or (name == event and text in str(arguments[:2])):
                count += 1
                if due and count == number:
                    send()
        finally:
            inside.now = False

    def send() -> None:
        try:
            os.close(os.open(f"{folder}/sent", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return  # by another kernel
        for each in moment["signals"]:
            os.kill(int(os.environ["MOMENT_PID"]), each)

    sys.addaudithook(seen)


if "MOMENT" in os.environ:
    watch(os.environ["MOMENT_FOLDER"], json.loads(os.environ["MOMENT"]))
