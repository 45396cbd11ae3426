"""Plan G, phase 12: event sources, schedules, auto scaling, provisioned concurrency, each as before it was halted.

What it was is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, StepName, Target, no, yes
from drcore.engine.phrases import blast_radius
from drcore.engine.step import Patience, Reversibility, S, Settles, Step
from drcore.plans.g import titles
from drcore.plans.g.facts import Facts, GRun
from drcore.plans.g.halted import to_bring_back
from drcore.plans.g.p02_halt_writers import RULES, SCALING, SOURCES, Feeding, feed_as_before
from drcore.plans.g.p02_stop_functions import FUNCTIONS, Concurrency, provisioned_targets


def _bring_back(
    name: StepName,
    halted: Step[Facts, S],
    *,
    changes: str,
    needs: StepName,
    verb: str,
    act: Callable[[GRun, Target, S], None] | None = None,
    targets: Callable[[GRun], Iterable[Target]] | None = None,
    lacking: Callable[[S], str] = lambda seen: "",
    moment: str = "",
) -> Step[Facts, S]:
    """The reverse of a step that halts: what it undoes is the act here, and its act is what undoes this.

    `act` is given where undoing alone would not do, `targets` where only some are brought back here; `lacking` says
    what is not good yet although all is set as before.
    """

    def expect(run: GRun, target: Target, seen: S) -> Check:
        was = to_bring_back(run, halted, target, seen)
        if was is None:
            return yes("this run has not halted it")
        if seen == was and not run.rehearsing:
            return no(lacking(seen)) if lacking(seen) else yes("as it was before this run")
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
        targets=targets or halted.targets,
        needs=(needs,),
        consent=Consent.GO,
        phrase=lambda run, states: f"{verb} {blast_radius(states)}",
        reversibility=Reversibility.REVERSIBLE,
        patience=Patience(within=halted.patience.within, every=halted.patience.every),
        repeat=halted.repeat,
        settles=Settles(moment),
        permissions=halted.permissions,
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
    act=resume_feeding,
)

RULES_AGAIN = _bring_back(
    titles.RULES_AGAIN,
    RULES,
    changes="the rules fire as before",
    needs=titles.SOURCES_AGAIN,
    verb="ENABLE",
)

SCALING_AGAIN = _bring_back(
    titles.SCALING_AGAIN,
    SCALING,
    changes="auto scaling is as before; last, so that it does not work against the gradual return of the workers",
    needs=titles.RULES_AGAIN,
    verb="RESUME SCALING OF",
    moment="resumed",
)


def not_allocated(seen: Concurrency) -> str:
    """Which provisioned concurrency AWS could not allocate; what is still being allocated is only cold until then."""
    failed = [str(each) for each in seen.provisioned or () if each.status == "FAILED"]
    return f"not allocated, requests start cold: {', '.join(failed)}" if failed else ""


PROVISIONED_AGAIN = _bring_back(
    titles.PROVISIONED_AGAIN,
    FUNCTIONS,
    changes="provisioned concurrency is configured as before; until it is allocated some requests start cold",
    needs=titles.FUNCTIONS_AGAIN,
    verb="RESTORE",
    targets=provisioned_targets,
    lacking=not_allocated,
)

STEPS = (SOURCES_AGAIN, RULES_AGAIN, SCALING_AGAIN, PROVISIONED_AGAIN)
