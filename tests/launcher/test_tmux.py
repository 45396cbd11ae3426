"""A drill is carried out in tmux, without a browser: asked there, answered by keys, seen to its end.

In `make proof` alone, as it takes a whole drill; JupyterLab has tests/browser/test_lab.py.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcore.record.proof import verify
from tests.support.command import COMMAND
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
TMUX = ("tmux", "-L", f"drcore-{os.getpid()}", "-f", "/dev/null")
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\r")
QUESTION = re.compile(r"Type (.+?) to go on, anything else to stop: $")


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Iterator[str]]:
    """What a pane of tmux shows, as it comes; the drill is started in it."""
    pipe, records = tmp_path / "pane", tmp_path / "records"
    os.mkfifo(pipe)
    without = ["env", *(word for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER") for word in ("-u", name))]
    drill = [*without, *COMMAND, "drill", "f", "--ask", "--records", str(records)]
    subprocess.run([*TMUX, "new-session", "-d", "-x", "160", "-y", "50", "-c", str(ROOT), "sh"], check=True)
    try:
        subprocess.run([*TMUX, "pipe-pane", "-o", f"cat > {shlex.quote(str(pipe))}"], check=True)
        with pipe.open("rb", buffering=0) as pane:
            keys(f"{shlex.join(drill)}; echo end''ed $?")
            yield iter(lambda: pane.read(4096).decode(errors="replace"), "")
    finally:
        subprocess.run([*TMUX, "kill-server"], check=False)


def keys(text: str) -> None:
    """Type a line."""
    subprocess.run([*TMUX, "send-keys", "-l", text], check=True)
    subprocess.run([*TMUX, "send-keys", "Enter"], check=True)


@pytest.mark.skipif(not EXHAUSTIVE, reason="a whole drill: `make proof`")
@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux on this machine")
def test_each_question_should_be_asked_and_answered_in_the_pane(shown: Iterator[str], tmp_path: Path) -> None:
    text, plain, asked, ended = "", "", list[str](), None
    for piece in shown:
        text += piece
        plain = CODES.sub("", text)
        ended = re.search(r"ended (\d+)", plain)
        if ended:
            break
        if question := QUESTION.search(plain.replace("\n", " ")):
            asked.append(question[1])
            keys(question[1].strip("'\""))
            text = ""
        elif re.search(r"(?i)\b(reason|why)\b[^\n]*[:?] $", plain):
            keys("the charts say so")
            text = ""
    assert ended and ended[1] == "0", plain[-2000:]
    assert "'go'" in asked and len(asked) > 3, asked
    (record,) = (tmp_path / "records").iterdir()
    assert verify(record).holds
