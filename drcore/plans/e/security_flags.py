"""The flags of plan E, each with an environment of its own, so that one is never in another's way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drcore.engine.outcome import StepName, Target
from drcore.engine.phrases import region_names
from drcore.engine.step import Step
from drcore.plans.e.facts import ERun, Facts
from drcore.plans.shared.facts import FlagPlace
from drcore.plans.shared.flag_profiles import FlagProfile
from drcore.plans.shared.flag_values import Value
from drcore.plans.shared.flags import Switched, change_flags


def switch(
    name: StepName,
    *,
    changes: str,
    where: Callable[[ERun], FlagPlace],
    wanted: Callable[[ERun], Mapping[str, Value]],
    idle: Callable[[ERun, Target], str],
    phrase: Callable[[ERun], str],
    needs: tuple[StepName, ...],
    moment: str = "",
) -> Step[Facts, Switched]:
    """Set a flag in every region; `idle` says why nothing is to be set, empty where it is."""

    def profile(run: ERun) -> FlagProfile:
        return FlagProfile.of_one(where(run), run.facts.flags.application, run.facts.flags.strategy)

    return change_flags(
        name,
        changes=changes,
        where=profile,
        of=lambda run, part: (where(run).flag,),
        wanted=lambda run, part: {where(run).flag: wanted(run)},
        idle=idle,
        phrase=lambda run, states: f"{phrase(run)} IN {region_names(states)}",
        needs=needs,
        within=120,
        every=5,
        moment=moment,
    )
