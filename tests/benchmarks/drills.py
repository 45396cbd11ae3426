"""What metrics that come late add to a drill, and the share of its CPU that IAM takes: `make bench-drills`.

Each drill goes through twice in a world of this process: with metrics as late as on AWS, and with metrics that are
there at the end of their minute, under a `metric_delay_s` that fits. The times are the world's own, the same on any
machine. IAM's share is of the CPU of the whole process: the plan, the world, and what is between them; a drill from the
command line has a notebook and its pictures beside, which are left out here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from drcore import plans
from drcore.clock import parse_time
from drcore.sandbox.core import lateness
from drcore.sandbox.core.lateness import Told
from drcore.sandbox.core.registry import AwsCall
from drcore.sandbox.core.world import USERS
from drcore.sandbox.identity.guard import Guard
from tests.support.stage import Scene, carry_out, ended, lines, staged

SHARE = 0.05
"""IAM takes at most so much of a drill's CPU."""
DRILLS = (
    *("f:bad-canary", "f:bad-canary-stuck", "f:bad-release", "a:region-outage", "a:region-outage-no-failover"),
    *("b:ai-errors", "b:ai-bad-deployment", "b:ai-key-expired", "b:ai-throttled", "c:mobile-crash"),
    *("d:partner-outage", "e:vulnerability-token-leak", "g:data-corruption"),
)


@dataclass
class Drilled:
    """One drill: how it ended, the bounds of its RTO, when the plan knew of the goal, IAM's share, the CPU seconds."""

    word: str
    least: float | None
    most: float | None
    known: float | None
    share: float
    cpu: float

    @property
    def rto(self) -> str:
        """The interval, in seconds."""
        return "not measured" if self.most is None else f"{self.least or 0:,.0f} to {self.most:,.0f}"


def drilled(name: str, *, late: bool) -> Drilled:
    """Drill a plan from a fault, `plan:fault`, in a fresh world."""
    plan, _, fault = name.partition(":")
    scene, spent, admit = Scene(plans.find(plan), fault), 0.0, Guard.admit

    def admitted(guard: Guard, call: AwsCall) -> None:
        nonlocal spent
        began = time.thread_time()
        try:
            admit(guard, call)
        finally:
            spent += time.thread_time() - began

    usual = lateness.USUAL if late else lateness.USUAL | {Told.METRIC: (0.0, 0.0)}
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(lateness, "USUAL", usual),
        patch.object(Guard, "admit", admitted),
        staged(Path(folder), users=USERS) as stage,
    ):
        began = time.process_time()
        run = stage.open(stage.prepare(scene, service={} if late else {"metric_delay_s": 0}))
        carry_out(run)
        cpu, result = time.process_time() - began, ended(run)
        rto = result.rto or {}
        broken = run.run.moments["fault"]
        over = [parse_time(line["time"]) for line in lines(run, "step-ended") if line["key"] == run.plan.goal.key]
        known = (over[-1] - broken).total_seconds() if over else None
        return Drilled(result.word, rto.get("least_s"), rto.get("measured_s"), known, spent / cpu, cpu)


def main(arguments: list[str]) -> None:
    """Drill, show."""
    parser = argparse.ArgumentParser(prog="make bench-drills", description=__doc__)
    parser.add_argument("drill", nargs="*", default=DRILLS, help=f"plan:fault, of {', '.join(DRILLS)}")
    table = Table("drill", "RTO, s", "were metrics in time", "known after, s", "in time", "IAM's share", "CPU, s")
    shares = []
    for name in parser.parse_args(arguments).drill:
        usual, in_time = drilled(name, late=True), drilled(name, late=False)
        shares.append(usual.share)
        table.add_row(
            name,
            usual.rto,
            in_time.rto,
            *("not" if each.known is None else f"{each.known:,.0f}" for each in (usual, in_time)),
            f"{100 * usual.share:.1f} %",
            f"{usual.cpu:.1f}",
        )
    console = Console(width=140)
    console.print(table)
    word = "met" if max(shares) <= SHARE else "missed"
    console.print(f"IAM takes {100 * max(shares):.1f} % of a drill's CPU at most; {100 * SHARE:g} % is the aim: {word}")


if __name__ == "__main__":
    main(sys.argv[1:])
