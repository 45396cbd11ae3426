"""Plan G: event sources, schedules, auto scaling come back, each as it was before it was halted.

What it was is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.phrases import blast_radius
from drcore.engine.step import Patience, Reversibility, Settles, Step, iam_actions
from drcore.plans.g.halted import to_bring_back
from drcore.plans.g.p02_halt_writers import RULES, SCALING, SOURCES, Feeding, feed_as_before
from drcore.plans.g.p11_resume_functions import FUNCTIONS_AGAIN
from drcore.plans.g.titles import RESUMING_RULES, RESUMING_SCALING, RESUMING_SOURCES

if TYPE_CHECKING:
    from drcore.engine.context import Run


def _bring_back(
    halted: Step,
    title: str,
    *,
    changes: str,
    needs: str,
    verb: str,
    permission: str,
    act: Callable[[Run, Target, Any], None] | None = None,
    moment: str = "",
) -> Step:
    """The reverse of a step that halts: what it undoes is the act here, and its act is what undoes this.

    `act` is given where undoing alone would not do.
    """

    def expect(run: Run, target: Target, seen: Any) -> Check:
        was = to_bring_back(run, halted, target, seen)
        if was is None:
            return yes("this run has not halted it")
        if seen == was and not run.rehearsing:
            return yes("as it was before this run")
        return no("halted by this run" if not run.rehearsing else "to be brought back after it was halted")

    def as_before(run: Run, target: Target, seen: Any) -> None:
        assert halted.undo
        halted.undo(run, target, to_bring_back(run, halted, target, seen))

    return Step(
        title=title,
        plan="G.6",
        changes=changes,
        look=halted.look,
        expect=expect,
        act=act or as_before,
        undo=halted.act,
        targets=halted.targets,
        needs=(needs,),
        consent=Consent.GO,
        phrase=lambda run, states: f"{verb} {blast_radius(states)}",
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=halted.patience.within, every=halted.patience.every),
        settles=Settles(moment),
        permissions=iam_actions(permission),
    )


def resume_feeding(run: Run, target: Target, seen: Feeding) -> None:
    if seen.state != "Enabling":  # asked already
        feed_as_before(run, target, to_bring_back(run, SOURCES, target, seen))


SOURCES_AGAIN = _bring_back(
    SOURCES,
    RESUMING_SOURCES,
    changes="queues feed the functions as before; what has waited is worked off",
    needs=FUNCTIONS_AGAIN.title,
    verb="RESUME",
    permission="lambda:UpdateEventSourceMapping",
    act=resume_feeding,
)

RULES_AGAIN = _bring_back(
    RULES,
    RESUMING_RULES,
    changes="the rules fire as before",
    needs=SOURCES_AGAIN.title,
    verb="ENABLE",
    permission="events:EnableRule",
)

SCALING_AGAIN = _bring_back(
    SCALING,
    RESUMING_SCALING,
    changes="auto scaling is as before; last, so that it does not fight the gradual way back",
    needs=RULES_AGAIN.title,
    verb="RESUME SCALING OF",
    permission="application-autoscaling:RegisterScalableTarget",
    moment="resumed",
)

STEPS = (SOURCES_AGAIN, RULES_AGAIN, SCALING_AGAIN)
