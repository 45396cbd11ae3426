"""How a run ended, from its journal."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drcore import plans
from drcore.engine.outcome import Outcome
from drcore.engine.outcome_word import word_in
from drcore.engine.standing import what_stands
from drcore.engine.verdict import Word
from drcore.errors import Exit
from drcore.headless.execution import Ending, Execution
from drcore.parameters import Mode
from drcore.record.ending import is_open, refusal
from drcore.record.events import Event, Kind, key_of, read_events
from drcore.record.history import History
from drcore.record.run_parameters import RunParameters


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: its record, the exit code, a verdict in words, and what the journal says of the steps.

    `by` is who ran it, as AWS knows them; empty where the preflight was not passed.
    """

    folder: Path
    setting: RunParameters
    word: str
    why: str
    exit: Exit | int
    steps: tuple[Mapping[str, Any], ...]
    rto: Mapping[str, Any] | None
    rpo: Mapping[str, Any] | None
    untold: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    acts: tuple[Mapping[str, Any], ...] = ()  # of a rehearsal: what the plan would do, needed now or not
    by: str = ""
    stands: tuple[str, ...] = ()  # what the run leaves standing
    kept: str = ""  # until when its world is kept, in words; empty: it was ended, or is none of its own
    archived: str = ""
    page: Path | None = None

    @property
    def unfinished(self) -> bool:
        """Whether to resume it makes sense: something stands still, or is still to be done or told."""
        if self.exit not in (Exit.REACHED, Exit.MISSED):
            return True
        missed = self.word in (Word.MISSED, Word.NOT_HELD) and self.setting.mode is not Mode.REHEARSE
        return bool(self.untold or self.stands or missed)

    def as_data(self) -> dict[str, Any]:
        """The JSON object that `--json` prints."""
        return {
            "run_id": self.setting.run_id,
            "plan": self.setting.plan,
            "mode": self.setting.mode,
            "environment": self.setting.service.environment,
            "verdict": self.word,
            "steps": list(self.steps),
            "acts": list(self.acts),
            "stands": list(self.stands),
            "rto": self.rto,
            "rpo": self.rpo,
            "untold": list(self.untold),
            "remarks": list(self.remarks),
            "by": self.by,
            "record": str(self.folder),
            "exit": int(self.exit),
        }


_RUNNER = {Ending.KERNEL_DIED, Ending.TIMED_OUT, Ending.START_FAILED, Ending.EXITED, Ending.NO_SPACE}
_NO_VERDICT: Event = {
    "word": Word.MISSED,
    "why": "no verdict was reached",
    "exit": Exit.MISSED,
    "rto": None,
    "rpo": None,
}


def result_from_journal(
    events: list[Event],
    folder: Path,
    setting: RunParameters,
    execution: Execution | None,
    stopped_by: int = signal.SIGINT,
) -> RunResult:
    """The exit code, and the words for it, from what the journal holds of this time, then from how the runner ended."""
    history = History(events)
    verdict = history.last(Kind.VERDICT) or _NO_VERDICT
    word, why, end = verdict["word"], verdict["why"], verdict["exit"]
    ending = execution.ending if execution else Ending.COMPLETED
    if ending is Ending.STOPPED and execution:
        word, why, end = Word.STOPPED, execution.detail, 128 + (execution.signal or 2)
    elif end == Exit.ROLLBACK_FAILED:
        pass
    elif execution and ending in _RUNNER:
        word, why, end = Word.RUNNER_FAILED, execution.detail, Exit.RUNNER_FAILED
    elif refused := refusal(history):
        word, why, end = Word.REFUSED, refused["why"], Exit(refused.get("exit", Exit.REFUSED))
    elif execution and ending is Ending.CELL_FAILED and not _plan_failed(history):
        word, why, end = Word.RUNNER_FAILED, execution.detail, Exit.RUNNER_FAILED
    elif not execution and is_open(history):
        word, why, end = Word.STOPPED, _left_open(history), 128 + stopped_by
    ended = {key_of(line): line for line in history.lines(Kind.STEP_ENDED)}
    outcomes = tuple(
        {
            "id": step.key,
            "title": step.title,
            "outcome": ended[step.key]["outcome"],
            "word": word_in(ended[step.key]),
            "seconds": round(sum(ended[step.key]["seconds"].values()), 3),
        }
        for step in plans.find(setting.plan).steps
        if step.key in ended
    )
    of_before: Event = {"untold": (), "remarks": ()}  # a record from before has none
    measured = (verdict["rto"], verdict["rpo"], *(tuple(verdict.get(name, none)) for name, none in of_before.items()))
    by = str((history.last(Kind.READY) or {}).get("by", ""))
    if _lock_is_left(history) and end == Exit.REACHED:
        end = Exit.MISSED
    plan = plans.find(setting.plan)
    stands = what_stands(plan.stands, History(read_events(folder)), plan.guarded)
    result = RunResult(folder, setting, str(word), why, end, outcomes, *measured)
    return replace(result, acts=_acts(history), by=by, stands=stands)


def _lock_is_left(history: History) -> bool:
    """Whether the run that ended has left the lock: whoever is next would be refused."""
    closed = history.last(Kind.CLOSED)
    return bool(closed and closed.get("lock", "given back") != "given back")


def _acts(history: History) -> tuple[Mapping[str, Any], ...]:
    """What a rehearsal has named, in the order of the plan: each act by step and target, needed now or not."""
    named = []
    for line in history.lines(Kind.RESULT, Kind.IF_NEEDED):
        needed = "outcome" in line  # the line of a result
        if not needed or line["outcome"] == Outcome.WOULD:
            call = line["why"].removeprefix("WOULD ") if needed else line["call"]
            fields = {"id": key_of(line), "title": line["step"], "target": line["target"]}
            named.append({**fields, "call": call, "needed": needed})
    return tuple(named)


def _left_open(history: History) -> str:
    opened, verdict = history.last(Kind.OPENED), history.last(Kind.VERDICT)
    if not opened:
        return "JupyterLab was shut down before any cell was run: nothing was read, nothing was changed"
    until_then = f"; the verdict until then: {verdict['word']}" if verdict else ""
    is_held = history.has(Kind.READY) and opened["mode"] != Mode.REHEARSE
    held = "; the lock of the plan is still held" if is_held else ""
    return f"JupyterLab was shut down before the run was closed{until_then}{held}"


def _plan_failed(history: History) -> bool:
    return any(line["outcome"] in (Outcome.FAILED, Outcome.UNKNOWN) for line in history.lines(Kind.STEP_ENDED))
