"""What the command line says at the end of a run: the steps, the verdict, the times, where the record lies."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from drcore.engine.verdict import Word
from drcore.launcher.result import RunResult
from drcore.record.proof import verify


def report(result: RunResult, stream: TextIO) -> None:
    """Print the end of a run."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
    table = Table("step", "outcome", "seconds", title=f"{result.setting.run_id}", title_justify="left")
    table.columns[2].justify = "right"
    for step in result.steps:
        word = step["word"]
        table.add_row(step["title"], Text(f"{word.sign} {word}", style=word.tone.terminal), f"{step['seconds']:.1f}")
    if result.steps:
        console.print(table)
    for act in result.acts:
        console.print(f"{'Would' if act['needed'] else 'If needed'}  {act['title']}, {act['target']}: {act['call']}")
    console.print(f"Verdict  {result.word} (exit {int(result.exit)})")
    if result.why:
        console.print(f"         {result.why}")
    for stands in result.stands:
        console.print(f"Stands   {stands}")
    for left in result.untold:
        console.print(f"To tell  {left}")
    for remark in result.remarks:
        console.print(f"Told     {remark}")
    recovered = result.word in (Word.REACHED, Word.TARGET_MISSED, Word.NOT_HELD)
    console.print(f"RTO      {_objective(result.rto, recovered)}")
    if result.rpo:
        console.print(f"RPO      {_objective(result.rpo, recovered)}")
    console.print(f"By       {result.by or 'not known: the preflight was not passed'}")
    proof = verify(result.folder)
    console.print(f"Record   {result.folder}")
    console.print(f"Page     {result.page or 'none was written'}")
    console.print(f"Proof    {proof.word}, {proof.lines} lines, head {proof.head}")
    console.print(f"Archive  {result.archived or 'not archived'}")
    if result.kept:
        console.print(f"World    {result.kept}")
    if result.unfinished:
        console.print(f"Go on    {program()} resume {result.setting.run_id} --records {result.folder.parent}")
        if result.word == Word.REFUSED and not result.steps:
            console.print("         with -p name=value, where a parameter was wrong")


def program() -> str:
    """The command as it can be typed here: by its path where a shell would not find it by its name."""
    if shutil.which("drcore"):
        return "drcore"
    beside = Path(sys.executable).with_name("drcore")
    return str(beside) if beside.exists() else "drcore"


def _objective(objective: Mapping[str, Any] | None, recovered: bool) -> str:
    if not objective:
        return "no target, nothing measured"
    target, measured = objective["target_s"], objective["measured_s"]
    wanted = f"target {target:g} s" if target is not None else "no target"
    if measured is None:
        return f"not measured, {wanted}"
    met = "" if target is None else (", MISSED" if measured > target else ", met" if recovered else "")
    least = objective.get("least_s")
    took = f"{measured:.0f} s" if least is None else f"{least:.0f} to {measured:.0f} s"
    return f"{took}, {wanted}{met}"
