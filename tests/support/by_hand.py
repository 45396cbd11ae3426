"""A card carried out by a plain shell with the AWS CLI, without drcore: its commands as they are printed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from drcore.engine.permissions import Place
from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from drcore.parameters import at_world, load, put_in_world
from drcore.sandbox.syncwell.company.names import OPERATOR_KEY
from drcore.show.by_hand import PaperCard, paper_card

ROOT = Path(__file__).parents[2]
AWS_CLI = ROOT / ".awscli" / "bin" / "aws"  # `make awscli`: in an environment of its own
NEEDED = ("bash", "jq", "curl")
MISSING = [*(name for name in NEEDED if not shutil.which(name)), *([] if AWS_CLI.exists() else ["aws (make awscli)"])]


def card_of(plan: Plan[Any], address: str | None = None, environment: str = "sandbox") -> PaperCard:
    """The card of a plan, of the world at an address."""
    service, facts = load(HOME / "parameters", environment, plan.id, plan.facts)
    there = plan.facts.model_validate_json(put_in_world(facts.model_dump_json(), service, address))
    return paper_card(plan, Place(at_world(service, address), there))


@dataclass(frozen=True)
class Commands:
    """Some lines of a card: of which step (empty: they come first), whether to do, to look or to undo."""

    step: str
    kind: str
    text: str


class _Codes(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Commands] = []
        self._step, self._inside = "", False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside = tag == "code"
        if tag == "section":
            self._step = given.get("id") or ""
        if self._inside:
            self.found.append(Commands(self._step, given["class"] or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            last = self.found[-1]
            self.found[-1] = replace(last, text=last.text + data)


def commands(html: str) -> list[Commands]:
    """The commands of a card in order."""
    reader = _Codes()
    reader.feed(html)
    return reader.found


def carried_out(
    html: str, address: str, folder: Path, *, without: Collection[str] = (), then_undone: bool = False
) -> str:
    """Carry out a card by one shell that stops at the first command that fails, but for the acts of some steps.

    `then_undone`: each undo after that, the last act's first. Returns what was shown.
    """
    tools = folder / "bin"
    tools.mkdir()
    (tools / "aws").symlink_to(AWS_CLI)
    clock = f"{address}/_sandbox/clock"
    _tool(tools / "sleep", f"exec curl -fsS -o /dev/null -d '{{\"sleep\": '$1'}}' {clock}")
    _tool(tools / "date", f'exec /bin/date -u -d $(curl -fsS {clock} | jq -r .now) "$@"')
    lines = [each for each in commands(html) if each.step not in without]
    due = [each for each in lines if each.kind != "undo"]
    if then_undone:  # by keys that are not an hour old
        due += [Commands("", "do", "sign"), *(each for each in reversed(lines) if each.kind == "undo")]
    script = "\n".join(
        [
            "set -eo pipefail",
            *(each.text for each in due),
        ]
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DRCORE_"))}
    ran = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=kept
        | {"PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin", "HOME": str(folder)}
        | {"AWS_ACCESS_KEY_ID": OPERATOR_KEY, "AWS_SECRET_ACCESS_KEY": "-"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"exit {ran.returncode}\n{ran.stdout}"
    return ran.stdout


def _tool(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
