"""What the README says can be done: its lists of commands, in their order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from drcore.cli.app import app
from tests.support.exhaustive import EXHAUSTIVE

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text()
# Those that end when somebody ends them, that run for an hour, that call this test, or that need what is not here.
NOT_HERE = ("make lab", "make proof", "make test", "make bench", "make spark")


def commands() -> list[str]:
    """The lines of the shell blocks, without their comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [text for line in lines if (text := re.sub(r"\s+#.*", "", line).strip())]


def test_every_target_and_command_should_be_there() -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    known = {each.name or each.callback.__name__.strip("_") for each in app.registered_commands if each.callback}
    found = [shlex.split(line) for line in commands()]
    assert {words[1] for words in found if words[0] == "make"} <= targets
    assert {words[1] for words in found if words[0] == ".venv/bin/drcore"} <= known
    assert len(found) > 10


@pytest.mark.skipif(not EXHAUSTIVE, reason="takes minutes")
def test_the_list_should_work_in_its_order(tmp_path: Path) -> None:
    """Each line as it stands, but for where the records lie."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "EXHAUSTIVE")}
    for told in commands():
        line = told.replace(" records/", f" {shlex.quote(str(tmp_path))}/")
        if line.startswith((*NOT_HERE, "zcat")) or "drcore diff" in line:
            continue
        drcore = line.startswith(".venv/bin/drcore") and line.split()[1] in ("verify", "list")
        ran = subprocess.run(
            ["sh", "-c", f"{line} --records {shlex.quote(str(tmp_path))}" if drcore else line],
            cwd=ROOT,
            env=environment | {"RECORDS": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
