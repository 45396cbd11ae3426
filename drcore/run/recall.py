"""How the steps of a run went before its kernel was restarted: their results, out of the journal.

A state comes back as the journal keeps it: without what is secret. Where it cannot be read any more there is none; the
outcome with its reason is there in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drcore.clock import parse_time
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Seconds, StepResult, Target, TargetResult
from drcore.engine.outcome_word import word_in
from drcore.engine.step import Plan, Step
from drcore.record.events import Event
from drcore.record.redact import HIDDEN
from drcore.record.step_lines import StepLines, left_open, step_lines


def recalled(run: Run[Any, Any], plan: Plan[Any]) -> dict[str, StepResult]:
    """The results of all steps that ended in this run, by key, in the order of the plan; but what was undone since."""
    lines = ((step, step_lines(run.history, step)) for step in plan.steps)
    return {step.key: _result(step, of_step, of_step.ended) for step, of_step in lines if of_step and of_step.ended}


def _result(step: Step[Any, Any], of_step: StepLines, ended: Event) -> StepResult:
    return StepResult(
        step.name,
        tuple(_target_result(step, of_step, target) for target in of_step.results),
        parse_time(of_step.began["time"]),
        parse_time(ended["time"]),
        Seconds(**ended["seconds"]),
        one_is_enough=step.one_is_enough,
        only_tells=step.only_tells,
    )


def _target_result(step: Step[Any, Any], of_step: StepLines, target: str) -> TargetResult:
    line, intent, look = of_step.results[target], of_step.intents.get(target), of_step.looks.get(target)
    after = _state(step, look["state"]) if look else None
    before = _state(step, intent["before"]) if intent else after
    since = parse_time(line["since"]) if "since" in line else None
    place = Target(line.get("region", ""), line.get("thing", ""))
    return TargetResult(place, Outcome(line["outcome"]), line["why"], before, after, since, own_word=word_in(line))


def _state(step: Step[Any, Any], data: object) -> Any:
    if data is None or HIDDEN in str(data):
        return None
    try:
        return step.from_json(data)
    except ValueError:  # of a plan from before
        return None


def under_way(run: Run[Any, Any], step: Step[Any, Any]) -> str:
    """What a step that did not come to its end has changed, and what may be on its way, in words."""
    of_step = step_lines(run.history, step)
    acted = of_step.acted if of_step else {}
    done, open_ = ([target for target, known in acted.items() if known is wanted] for wanted in (True, False))
    words = [f"it has acted on {', '.join(done)}"] if done else []
    words += [f"an act is on its way, {', '.join(open_)}: it is looked at before it is tried again"] if open_ else []
    return "; ".join(words) or "it has changed nothing"


def what_is_next(run: Run[Any, Any], plan: Plan[Any], to_come: Sequence[Step[Any, Any]]) -> str:
    """Where a run that is opened again stands, in words, and where it goes on."""
    lost, done = left_open(run.history), len(plan.steps) - len(to_come)
    parts = [f"This run goes on: {done} of {len(plan.steps)} steps are done."]
    if lost:
        step = plan.step(lost)
        parts.append(f"{step.title} was begun and did not end: {under_way(run, step)}.")
    if to_come:
        parts.append(f"Next: {to_come[0].title}. run.go_on() carries on there.")
    return " ".join(parts)
