"""Plan D, the pause: the way cleared, the integration's flag off in every region, its banner on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from drcore.engine.outcome import Target
from drcore.plans.d import titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.paused import all_flags, no_need_to_pause, parts_to_pause, pause_flags, switching
from drcore.plans.shared.flag_values import words
from drcore.plans.shared.flags import Switched, change_flags, is_deployment, part_of
from drcore.plans.shared.flags_in_the_way import clear_the_way
from drcore.record.evidence import Exhibit, Table

CLEAR = clear_the_way(
    titles.CLEAR, where=lambda run: run.facts.flags, of=pause_flags, idle=no_need_to_pause, needs=(titles.DECIDE,)
)


def show_effect(run: DRun, states: Mapping[Target, Switched]) -> Iterator[Exhibit]:
    """What the change does: on means that syncs are done, off that they wait."""
    rows = tuple(
        (target.region, flag, words(seen.consumed.get(flag, {})), words(value), _effect(run, flag, value))
        for target, seen in states.items()
        if is_deployment(target) and seen.consumed
        for flag, value in pause_flags(run, part_of(target)).items()
    )
    if rows:
        columns = ("region", "flag", "consumers get", "is to be", "effect")
        yield Table("flags-to-pause", "The flags of the pause, and what they do", columns, rows)


def _effect(run: DRun, flag: str, value: Mapping[str, object]) -> str:
    for partner in run.facts.partners.values():
        if flag == partner.integration:
            return (
                f"syncs with {partner.title} wait" if not value["enabled"] else f"syncs with {partner.title} are done"
            )
        if flag == partner.banner:
            return f"the app shows a banner about {partner.title}" if value["enabled"] else "no banner"
    return ""


PAUSE = change_flags(
    titles.PAUSE,
    changes="the integration is off in every region: its syncs wait, the app shows a banner; each partner by itself",
    where=lambda run: run.facts.flags,
    parts=parts_to_pause,
    of=all_flags,
    wanted=pause_flags,
    idle=lambda run, target: no_need_to_pause(run, part_of(target)),
    phrase=switching("PAUSE", pause_flags),
    within=lambda run: 60 * run.facts.switch_minutes,
    needs=(titles.DECIDE, titles.CLEAR),
    shows=show_effect,
)


STEPS = (CLEAR, PAUSE)
