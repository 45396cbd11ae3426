"""The break-glass card: a run as shell commands, for when nothing else works.

Written at the end of every run, so that a printed copy of the last drill carries the commands with the names as they
were then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from drcore.calls.gate import as_shell_commands
from drcore.engine.outcome import Outcome, StepResult
from drcore.engine.step import Plan, Step


def break_glass(plan: Plan[Any], run_id: str, results: Mapping[str, StepResult]) -> str:
    """Markdown: the steps of a plan in order, each with the commands that change something, then those that look."""
    return "\n".join(_lines(plan, run_id, results)) + "\n"


def _lines(plan: Plan[Any], run_id: str, results: Mapping[str, StepResult]) -> Iterator[str]:
    yield f"# Break-glass card: plan {plan.id.upper()}, {plan.title}"
    yield ""
    yield f"From run {run_id}. The names and numbers are those of that run: look first, then type."
    for number, step in enumerate(plan.steps, start=1):
        yield from ("", f"## {number}. {step.title}", "", f"{step.changes}")
        result = results.get(step.key)
        if result:
            yield from _commands(step, result)
        else:
            yield "Not reached in that run."


def _commands(step: Step[Any, Any], result: StepResult) -> Iterator[str]:
    stopped = [call for target in result.targets for call in target.calls]
    writes = as_shell_commands([*result.calls, *stopped], write=True)
    if step.act and not writes:
        yield f"Nothing to change in that run: {result.word}."
    if writes and result.outcome is Outcome.WOULD:
        yield "Rehearsed only: these were not sent."
    yield from _block("To change it:", writes)
    yield from _block("To look:", as_shell_commands(result.calls, write=False))


def _block(heading: str, commands: list[str]) -> Iterator[str]:
    if commands:
        yield from ("", heading, "", "```sh", *commands, "```")
