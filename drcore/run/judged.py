"""The verdict on a run, as its journal keeps it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drcore.engine.context import Run
from drcore.engine.outcome import Seconds
from drcore.engine.standing import what_stands
from drcore.engine.step import Plan
from drcore.engine.verdict import Objective, Verdict, judge
from drcore.record.events import Kind
from drcore.record.history import History


def judged(plan: Plan[Any], run: Run[Any, Any]) -> Verdict:
    """The verdict by how the steps went, with what they have to say of it."""
    known = [(step.remark, run.results.get(step.key)) for step in plan.steps if not run.rehearsing]
    verdict = judge(
        plan.steps,
        run.results,
        plan.goal,
        run.moments,
        plan.rto(run),
        Objective(plan.rpo(run), run.lost_s),
        earliest=run.earliest,
        mode=run.mode,
        remarks=[remark(run, result) for remark, result in known if remark and result],
    )
    return replace(verdict, seconds=_spent(run.history), stands=what_stands(plan.stands, run.history, plan.guarded))


def _spent(history: History) -> Seconds:
    """Where the time went, each time that a step was carried out: also before a restart, which another one follows."""
    seconds = [line["seconds"] for line in history.lines(Kind.STEP_ENDED)]
    return Seconds(*(sum(each[part] for each in seconds) for part in ("machine", "human", "cloud")))


def note(run: Run[Any, Any], verdict: Verdict) -> None:
    """Write it into the journal."""
    run.record.append(
        Kind.VERDICT,
        word=verdict.word,
        why=verdict.why,
        exit=int(verdict.exit),
        rto=verdict.rto.as_data(),
        rpo=verdict.rpo.as_data(),
        untold=list(verdict.untold),
        remarks=list(verdict.remarks),
        stands=list(verdict.stands),
    )
