"""Plan G, phase 12: event sources, schedules, auto scaling are resumed, each as it was before it was halted.

What it was is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, StepName, Target, no, yes
from drcore.engine.phrases import blast_radius
from drcore.engine.step import Patience, Reversibility, S, Settles, Step, iam_actions
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts, GRun
from drcore.plans.g.halted import to_bring_back
from drcore.plans.g.p02_halt_writers import RULES, SCALING, SOURCES, Feeding, feed_as_before


def _bring_back(
    name: StepName,
    halted: Step[Facts, S],
    *,
    changes: str,
    needs: StepName,
    verb: str,
    permission: str,
    act: Callable[[GRun, Target, S], None] | None = None,
    moment: str = "",
) -> Step[Facts, S]:
    """The reverse of a step that halts: what it undoes is the act here, and its act is what undoes this.

    `act` is given where undoing alone would not do.
    """

    def expect(run: GRun, target: Target, seen: S) -> Check:
        was = to_bring_back(run, halted, target, seen)
        if was is None:
            return yes("this run has not halted it")
        if seen == was and not run.rehearsing:
            return yes("as it was before this run")
        return no("halted by this run" if not run.rehearsing else "to be brought back after it was halted")

    def as_before(run: GRun, target: Target, seen: S) -> None:
        was = to_bring_back(run, halted, target, seen)
        assert halted.undo and was is not None  # `expect` is satisfied with what this run has not halted
        halted.undo(run, target, was)

    return Step(
        name,
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


def resume_feeding(run: GRun, target: Target, seen: Feeding) -> None:
    was = to_bring_back(run, SOURCES, target, seen)
    if was and seen.state != "Enabling":  # asked already
        feed_as_before(run, target, was)


SOURCES_AGAIN = _bring_back(
    titles.SOURCES_AGAIN,
    SOURCES,
    changes="the queues invoke the functions as before; the messages that have waited are processed",
    needs=titles.FUNCTIONS_AGAIN,
    verb="RESUME",
    permission="lambda:UpdateEventSourceMapping",
    act=resume_feeding,
)

RULES_AGAIN = _bring_back(
    titles.RULES_AGAIN,
    RULES,
    changes="the rules fire as before",
    needs=titles.SOURCES_AGAIN,
    verb="ENABLE",
    permission="events:EnableRule",
)

SCALING_AGAIN = _bring_back(
    titles.SCALING_AGAIN,
    SCALING,
    changes="auto scaling is as before; last, so that it does not work against the gradual return of the workers",
    needs=titles.RULES_AGAIN,
    verb="RESUME SCALING OF",
    permission="application-autoscaling:RegisterScalableTarget",
    moment="resumed",
)

STEPS = (SOURCES_AGAIN, RULES_AGAIN, SCALING_AGAIN)
