"""Up to where each partner is imported, by the log of the jobs; to where the cursors go back after a switch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from drcore.clock import parse_time
from drcore.engine.outcome import Check, yes
from drcore.errors import Rejected, Unknown
from drcore.plans.g.decisions import recovery_point
from drcore.plans.g.facts import GRun
from drcore.plans.shared.facts import FlagPlace
from drcore.plans.shared.flag_profiles import FlagProfile, all_deployed
from drcore.services import logs
from drcore.services.logs import LogQuery

_WITHIN_S = 60  # seconds that a query of the log may take
LOOKED_BACK = timedelta(hours=24)  # for the last line of a partner; where there is none, so far the cursors go back
_CURSORS = 'filter event = "import" | stats latest(cursor) as cursor by partner | sort partner asc'
_read: WeakKeyDictionary[GRun, tuple[datetime, PartnerCursors]] = WeakKeyDictionary()  # for which recovery point


@dataclass(frozen=True, slots=True)
class PartnerCursor:
    """Up to where a partner's activities are imported in a region, by the log of the jobs.

    `then`: by its last line before the recovery point. None: it is not known, `unknown` says why.
    """

    region: str
    partner: str
    now: datetime | None
    then: datetime | None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class PartnerCursors:
    """Each partner's cursor in each region, and to where all go back.

    That is the earliest at the recovery point. Where one is not known it is a day before that: what is imported twice
    is one activity, what is imported never is lost.
    """

    partners: tuple[PartnerCursor, ...]
    back_to: datetime


def cursors(run: GRun) -> PartnerCursors:
    """As they were when this process asked first for the recovery point. Raises Unknown without one."""
    point = recovery_point(run)
    of, read = _read.get(run, (None, None))
    if read is None or of != point:
        partners = tuple(each for region in run.service.regions for each in _of_region(run, region, point))
        then = [each.then for each in partners if each.then]
        read = PartnerCursors(partners, min(then) if len(then) == len(partners) else point - LOOKED_BACK)
        _read[run] = (point, read)
    return read


def _of_region(run: GRun, region: str, point: datetime) -> Iterator[PartnerCursor]:
    """Of each partner of which the log tells; one without a name where it tells of none, or not at all."""
    until = run.clock.now() - timedelta(seconds=logs.SEARCHABLE_S)
    before = f"filter @timestamp < {int(point.timestamp() * 1000)} | {_CURSORS}"
    queries = [LogQuery(region, (run.facts.jobs.log,), text) for text in (_CURSORS, before)]
    try:
        rows = logs.insights(run.aws, run.clock, queries, point - LOOKED_BACK, until, within=_WITHIN_S)
        now, then = ({row.text("partner") or "": _moment(row.text("cursor")) for row in each} for each in rows)
    except (Unknown, Rejected) as error:
        yield PartnerCursor(region, "", None, None, str(error))
        return
    for partner in sorted({*now, *then}):
        lacks = "" if partner in then else "no line of an import in the day before the recovery point"
        yield PartnerCursor(region, partner, now.get(partner), then.get(partner), lacks)
    if not now and not then:
        yield PartnerCursor(region, "", None, None, "the log of a day has no line of an import")


def _moment(text: str | None) -> datetime:
    try:
        return parse_time(text or "")
    except ValueError as error:
        raise Unknown(f"logs: the cursor of an import: expected a time, seen {text!r}") from error


def profile(run: GRun) -> FlagProfile:
    """Where the flag lies. Raises Unknown where the facts have none."""
    at = run.facts.configuration
    return FlagProfile.of_one(flag(run), at.application, at.strategy)


def flag(run: GRun) -> FlagPlace:
    """The flag that takes them back. Raises Unknown where the facts have none."""
    if run.facts.jobs.imports is None:
        raise Unknown("jobs.imports is null: no flag takes the cursors back")
    return run.facts.jobs.imports


def can_be_set_back(run: GRun, region: str) -> Check:
    """Preflight: whether the flag is there that takes the cursors back. Raises Unknown, Rejected."""
    if run.facts.jobs.imports is None:
        return yes("no partner's cursor lies outside the table")
    return all_deployed(run, region, profile(run), (flag(run).flag,))
