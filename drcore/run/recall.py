"""How the steps of a run went before its kernel was restarted: their results, out of the journal.

A state comes back as the journal keeps it: without what is secret. Where it cannot be read any more there is none; the
outcome with its reason is there in any case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drcore.clock import parse_time
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Seconds, StepResult, Target, TargetResult
from drcore.engine.step import Plan, Step
from drcore.record.events import Event, Kind, key_of
from drcore.record.redact import HIDDEN

_OF_A_STEP = (Kind.STEP, Kind.LOOK, Kind.INTENT, Kind.RESULT, Kind.UNDONE, Kind.STEP_ENDED)


def recalled(run: Run[Any, Any], plan: Plan[Any]) -> dict[str, StepResult]:
    """The results of all steps that ended in this run, by key, in the order of the plan; but what was undone since."""
    found = ((step, _recall(run, step)) for step in plan.steps)
    return {step.key: result for step, result in found if result}


def _recall(run: Run[Any, Any], step: Step[Any, Any]) -> StepResult | None:
    """How a step went when it was carried out last; None where it was not, did not end, or was undone."""
    last: list[Event] = []
    ended: list[Event] = []
    for line in run.history.lines(*_OF_A_STEP, step=step):
        match line["event"]:
            case Kind.STEP:
                last = [line]
            case Kind.UNDONE:
                ended = []
            case Kind.STEP_ENDED:
                ended = [*last, line]
            case _:
                last.append(line)
    if not ended or ended[0]["event"] != Kind.STEP:
        return None
    results = tuple(_results(step, ended))
    began, over = parse_time(ended[0]["time"]), parse_time(ended[-1]["time"])
    seconds = Seconds(**ended[-1]["seconds"])
    told = StepResult(
        step.name, results, began, over, seconds, one_is_enough=step.one_is_enough, only_tells=step.only_tells
    )
    return told if results or ended[-1]["outcome"] == Outcome.SKIPPED else None


def under_way(run: Run[Any, Any], step: Step[Any, Any]) -> str:
    """What a step that did not come to its end has changed, and what may be on its way, in words."""
    begun: dict[str, bool] = {}  # by target: whether its end is known
    for line in run.history.lines(Kind.STEP, Kind.INTENT, Kind.RESULT, step=step):
        match line["event"]:
            case Kind.STEP:
                begun = {}
            case Kind.INTENT:
                begun[line["target"]] = False
            case Kind.RESULT if line["target"] in begun:
                begun[line["target"]] = True
    done = [target for target, known in begun.items() if known]
    open_ = [target for target, known in begun.items() if not known]
    told = [f"it has acted on {', '.join(done)}"] if done else []
    told += [f"an act is on its way, {', '.join(open_)}: it is looked at before it is tried again"] if open_ else []
    return "; ".join(told) or "it has changed nothing"


def left_open(run: Run[Any, Any], plan: Plan[Any]) -> Step[Any, Any] | None:
    """The step that was begun last and has not ended, as where a kernel was lost; None where there is none."""
    last = run.history.last(Kind.STEP, Kind.STEP_ENDED)
    return plan.step(key_of(last)) if last and last["event"] == Kind.STEP else None


def _results(step: Step[Any, Any], lines: list[Event]) -> Iterator[TargetResult]:
    before = {line["target"]: line["before"] for line in reversed(lines) if line["event"] == Kind.INTENT}
    after = {line["target"]: line["state"] for line in lines if line["event"] == Kind.LOOK}
    for line in {line["target"]: line for line in lines if line["event"] == Kind.RESULT}.values():
        named, seen = line["target"], _state(step, after.get(line["target"]))
        was = _state(step, before[named]) if named in before else seen
        since = parse_time(line["since"]) if line.get("since") else None
        target = Target(line.get("region", ""), line.get("thing", ""))
        yield TargetResult(target, Outcome(line["outcome"]), line["why"], was, seen, since)


def _state(step: Step[Any, Any], data: object) -> Any:
    if data is None or HIDDEN in str(data):
        return None
    try:
        return step.from_json(data)
    except ValueError:  # of a plan from before
        return None
