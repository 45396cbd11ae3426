"""What the command line says at the end of a run: the steps, the verdict, the times, where the record lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from drcore.launcher.result import Ended
from drcore.record.journal import verify


def report(ended: Ended, stream: TextIO) -> None:
    """Print the end of a run."""
    console = Console(file=stream, highlight=False, markup=False, soft_wrap=True)
    table = Table("step", "outcome", "seconds", title=f"{ended.setting.run_id}", title_justify="left")
    table.columns[2].justify = "right"
    for step in ended.steps:
        table.add_row(step["title"], step["outcome"], f"{step['seconds']:.1f}")
    if ended.steps:
        console.print(table)
    console.print(f"Verdict  {ended.word} (exit {int(ended.exit)})")
    if ended.why:
        console.print(f"         {ended.why}")
    console.print(f"RTO      {_objective(ended.rto)}")
    if ended.rpo:
        console.print(f"RPO      {_objective(ended.rpo)}")
    proof = verify(ended.folder)
    console.print(f"Record   {ended.folder}")
    console.print(f"Page     {ended.page or 'none was written'}")
    console.print(f"Proof    {proof.word}, {proof.lines} lines, head {proof.head}")
    console.print(f"Archive  {ended.archived or 'not archived'}")
    if int(ended.exit) not in (0, 1):
        console.print(f"Go on    drcore resume {ended.setting.run_id} --records {ended.folder.parent}")


def _objective(told: Mapping[str, Any] | None) -> str:
    if not told:
        return "no target, nothing measured"
    target, measured = told["target_s"], told["measured_s"]
    wanted = f"target {target:g} s" if target is not None else "no target"
    if measured is None:
        return f"not measured, {wanted}"
    met = "" if target is None else (", met" if measured <= target else ", MISSED")
    return f"{measured:.0f} s, {wanted}{met}"
