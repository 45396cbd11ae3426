"""Plan G, phase 9, before a worker is back: after a switch the imports from partners begin again where they were then.

A partner's cursor lies outside the table, and is not restored with it. What was imported between the recovery point and
the halt would be in no table: no partner sends it again, as the cursor says that it is there. So it goes back to where
it was at the recovery point, which is before that, as an import takes what has come since the last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from drcore.clock import iso, parse_time
from drcore.engine.outcome import Target
from drcore.plans.g import titles
from drcore.plans.g.decisions import recovery_point, remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.partner_cursors import cursors, flag, profile
from drcore.plans.shared.flag_values import Value
from drcore.plans.shared.flags import Switched, change_flags
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table

_AGREED = re.compile(r"IMPORT AGAIN SINCE (\S+) IN ")


def wanted(run: GRun) -> dict[str, dict[str, Value]]:
    """The flag with that moment, after a switch; nothing otherwise. Raises Unknown."""
    return {} if why_idle(run) else {flag(run).flag: {"enabled": True, "at": iso(back_to(run))}}


def back_to(run: GRun) -> datetime:
    """To where the cursors go back: once this run has set out to do it, to where that was agreed. Raises Unknown.

    Else a log that answers otherwise after a restart would have it done again, of what workers have imported since too.
    """
    agreed = run.history.last(Kind.CONSENT, step=titles.IMPORTS) if run.history.intended(titles.IMPORTS) else None
    named = _AGREED.match(agreed["phrase"]) if agreed else None
    return parse_time(named[1]) if named else cursors(run).back_to


def why_idle(run: GRun) -> str:
    """Why the cursors stay where they are; empty where they go back."""
    if run.facts.jobs.imports is None:
        return "no partner's cursor lies outside the table"
    decided = remedy(run)
    if decided is None:
        return "no remedy was decided"
    return "" if decided is Remedy.SWITCH else "no data was taken back: the table holds what was imported"


def show_cursors(run: GRun, states: Mapping[Target, Switched]) -> Iterator[Exhibit]:
    """Each partner's cursor, and how far it lies past the recovery point: what no table would hold."""
    if why_idle(run):
        return
    point = recovery_point(run)
    rows = tuple(
        (
            *(each.region, each.partner or None, _text(each.now), _text(each.then)),
            max(0.0, round((each.now - point).total_seconds())) if each.now else None,
            each.unknown,
        )
        for each in cursors(run).partners
    )
    columns = ("region", "partner", "cursor", "cursor at the recovery point", "past it, s", "why it is not known")
    title = f"Up to where partners were imported; the recovery point is {iso(point)}, they go back to "
    yield Table("partner-cursors", title + iso(back_to(run)), columns, rows)


def _text(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def what_stays_on(run: GRun) -> tuple[str, ...]:
    """What this step leaves for after the plan, in words."""
    if why_idle(run) or not run.history.intended(titles.IMPORTS):
        return ()
    where = ", ".join(run.service.regions)
    since = iso(back_to(run))
    return (f"the flag {flag(run).flag} stays on in {where}: partners' activities since {since} are imported again",)


IMPORTS = change_flags(
    titles.IMPORTS,
    changes="a flag in every region, by which workers take their cursors at the partners back to where they were at "
    "the recovery point",
    where=profile,
    of=lambda run, part: [] if run.facts.jobs.imports is None else [run.facts.jobs.imports.flag],
    wanted=lambda run, part: wanted(run),
    idle=lambda run, target: why_idle(run),
    phrase=lambda run, states: f"IMPORT AGAIN SINCE {iso(back_to(run))} IN {', '.join(run.service.regions)}",
    needs=(titles.ALLOW,),
    shows=show_cursors,
    within=lambda run: 60 * run.facts.start_minutes,
)

STEPS = (IMPORTS,)
