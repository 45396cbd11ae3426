"""How a run ended, from its journal."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.engine.verdict import Word
from drcore.errors import Exit
from drcore.headless.execution import Ending, Execution
from drcore.parameters import Mode
from drcore.record.events import Event
from drcore.record.run_parameters import Setting


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: its record, the exit code, a verdict in words, and what the journal says of the steps."""

    folder: Path
    setting: Setting
    word: str
    why: str
    exit: Exit | int
    steps: tuple[Mapping[str, Any], ...]
    rto: Mapping[str, Any] | None
    rpo: Mapping[str, Any] | None
    archived: str = ""
    page: Path | None = None

    def as_data(self) -> dict[str, Any]:
        """The JSON object that `--json` prints."""
        return {
            "run_id": self.setting.run_id,
            "plan": self.setting.plan,
            "mode": self.setting.mode,
            "environment": self.setting.service.environment,
            "verdict": self.word,
            "steps": list(self.steps),
            "rto": self.rto,
            "rpo": self.rpo,
            "record": str(self.folder),
            "exit": int(self.exit),
        }


_RUNNER = {Ending.KERNEL_DIED, Ending.TIMED_OUT, Ending.START_FAILED, Ending.EXITED, Ending.NO_SPACE}


def result_from_journal(
    events: list[Event],
    folder: Path,
    setting: Setting,
    execution: Execution | None,
    stopped_by: int = signal.SIGINT,
) -> RunResult:
    """The exit code, and the words for it, from what the journal holds of this time, then from how the runner ended."""
    last = {line["event"]: line for line in events}
    verdict = last.get(
        "verdict", {"word": Word.MISSED, "why": "no verdict was reached", "exit": Exit.MISSED, "rto": None, "rpo": None}
    )
    word, why, end = verdict["word"], verdict["why"], verdict["exit"]
    ending = execution.ending if execution else Ending.COMPLETED
    if ending is Ending.STOPPED and execution:
        word, why, end = Word.STOPPED, execution.detail, 128 + (execution.signal or 2)
    elif end == Exit.ROLLBACK_FAILED:
        pass
    elif execution and ending in _RUNNER:
        word, why, end = Word.RUNNER_FAILED, execution.detail, Exit.RUNNER_FAILED
    elif refusal := _refusal(events):
        word, why, end = Word.REFUSED, refusal["why"], Exit.REFUSED
    elif execution and ending is Ending.CELL_FAILED and not _plan_failed(events):
        word, why, end = Word.RUNNER_FAILED, execution.detail, Exit.RUNNER_FAILED
    elif not execution and _is_open(events):
        word, why, end = Word.STOPPED, _left_open(last), 128 + stopped_by
    steps = {line["step"]: line for line in events if line["event"] == "step-ended"}
    plan = plans.find(setting.plan)
    outcomes = tuple(
        {
            "id": step.key,
            "title": step.title,
            "outcome": steps[step.title]["outcome"],
            "seconds": round(sum(steps[step.title]["seconds"].values()), 3),
        }
        for step in plan.steps
        if step.title in steps
    )
    return RunResult(folder, setting, str(word), why, end, outcomes, verdict["rto"], verdict["rpo"])


def _refusal(events: list[Event]) -> Event | None:
    """The last refusal, unless what was refused has gone through since, as it may where a person tries again."""
    passed = {
        "preflight" if line["event"] == "ready" else line.get("step"): line["n"] for line in events if _passes(line)
    }
    refusals = [line for line in events if line["event"] == "refused" and passed.get(line["what"], 0) < line["n"]]
    return refusals[-1] if refusals else None


def _passes(line: Event) -> bool:
    return line["event"] in ("ready", "step-ended")


def _is_open(events: list[Event]) -> bool:
    """Whether a run was not closed since it was opened last, or never opened."""
    turns = [line["event"] for line in events if line["event"] in ("opened", "opened-again", "closed")]
    return not turns or turns[-1] != "closed"


def _left_open(last: Mapping[str, Event]) -> str:
    if "opened" not in last:
        return "JupyterLab was shut down before any cell was run: nothing was read, nothing was changed"
    until_then = f"; the verdict until then: {last['verdict']['word']}" if "verdict" in last else ""
    held = "; the lock of the plan is still held" if "ready" in last and last["opened"]["mode"] != Mode.REHEARSE else ""
    return f"JupyterLab was shut down before the run was closed{until_then}{held}"


def _plan_failed(events: list[Event]) -> bool:
    return any(line["event"] == "step-ended" and line["outcome"] in ("FAILED", "UNKNOWN") for line in events)
