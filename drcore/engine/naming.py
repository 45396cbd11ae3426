"""What an act would call where it were needed: a rehearsal of a service that is well names every act of its plan.

The act is prepared from what is there now, with the gate closed. What is known only when it is due is empty now: it
stands as `<name>`, and the step's own look fills it then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drcore.calls.gate import Call, Writes, WriteStopped
from drcore.engine.context import Run
from drcore.engine.looks import ODD
from drcore.engine.outcome import Outcome, TargetResult
from drcore.engine.step import Step
from drcore.errors import DrcoreError
from drcore.record.events import Kind


def name_act(run: Run[Any, Any], step: Step[Any, Any], result: TargetResult) -> TargetResult:
    """The result of a target in a rehearsal, with what the act would call if it were needed, as far as it can be named.

    Where it is needed now it is named already. Where it went wrong nothing would be called.
    """
    if result.outcome not in (Outcome.ALREADY, Outcome.SKIPPED):
        return result
    call = _prepared(run, step, result)
    if not call:
        return result
    run.record.append(Kind.IF_NEEDED, step=step, target=str(result.target), call=str(call))
    return replace(result, if_needed=(call,))


def _prepared(run: Run[Any, Any], step: Step[Any, Any], result: TargetResult) -> Call | None:
    """The first write of the act; None where there is none to be had from what was seen."""
    act = step.supposed or step.act
    assert act  # asked of a step that acts alone
    try:
        with run.calls.during(Writes.STOPPED):
            call = act(run, result.target, result.after)
    except WriteStopped as stopped:
        return replace(stopped.call, parameters=_without_blanks(stopped.call.parameters), command="")
    except (DrcoreError, AssertionError, *ODD):  # the act was written for a state in which it is needed
        return None
    return call if isinstance(call, Call) else None


def _without_blanks(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _filled(name, value) for name, value in parameters.items()}


def _filled(name: str, value: object) -> object:
    """A value with `<name>` for each part of it that is empty."""
    if isinstance(value, Mapping):
        return _without_blanks(value)
    if isinstance(value, list | tuple):
        return [_filled(name, each) for each in value] or f"<{name}>"
    if name == "url" and str(value).endswith("/"):  # an id ends it
        return f"{value}<id>"
    return f"<{name}>" if value in ("", None) else value
