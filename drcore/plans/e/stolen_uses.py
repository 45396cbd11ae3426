"""Uses of stolen tokens, as the metrics of SyncWell tell them, with its log lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from json import loads
from typing import Any

from drcore.engine.labels import label
from drcore.errors import Unknown
from drcore.plans.e.facts import ERun
from drcore.plans.e.reach import in_reach
from drcore.record.evidence import Chart, Series
from drcore.services import logs
from drcore.services.cloudwatch import Metric

ACCEPTED, REFUSED = (Metric("SyncWell", f"StolenTokenUses{answer}", "Sum") for answer in ("Accepted", "Refused"))
_PATTERN = '{ $.event = "stolen-token-use" }'


@dataclass(frozen=True, slots=True)
class Uses:
    """What was done with stolen tokens in a region: how often it was accepted, refused, for how many users.

    `last_accepted` is the moment of the last use that was; None: none was.
    """

    accepted: int = field(metadata=label("uses of stolen tokens accepted"))
    refused: int = field(metadata=label("refused"))
    users: int = field(metadata=label("users whose tokens were used"))
    last_accepted: datetime | None = field(metadata=label("last old token accepted"))
    what: tuple[tuple[str, int], ...] = field(default=(), compare=False, metadata=label("what was done"))
    sources: tuple[tuple[str, int], ...] = field(default=(), compare=False, metadata=label("from"))


def counted(run: ERun, region: str, minutes: float) -> tuple[int, int]:
    """How many uses were accepted, refused in the last minutes that are over. Raises Rejected, Unknown."""
    series = run.metrics.read(region, (ACCEPTED, REFUSED), run.metrics.last(minutes)[0])
    accepted, refused = (int(points.total or 0) for points in series)
    return accepted, refused


def uses_since(run: ERun, region: str, since: datetime) -> Uses:
    """All uses since a moment, by the log lines that can be found by now.

    Raises Rejected; Unknown, also for a line that does not tell whether the use was accepted.
    """
    now = run.clock.now()
    lines = logs.lines(run.aws, region, run.facts.security_logs, _PATTERN, since, now)
    uses = [(line.at, _use(line.text)) for line in lines]
    accepted = [(at, use) for at, use in uses if use.get("answer") == "accepted"]
    users = {str(use.get("user")) for _, use in accepted}
    what = Counter(str(use.get("does")) for _, use in accepted)
    sources = Counter(str(use.get("source")) for _, use in uses)
    return Uses(
        len(accepted),
        len(uses) - len(accepted),
        len(users),
        max((at for at, _ in accepted), default=None),
        tuple(what.most_common()),
        tuple(sources.most_common()),
    )


def _use(text: str) -> dict[str, Any]:
    try:
        fields = loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or fields.get("answer") not in ("accepted", "refused"):
        expected = 'expected a use with "answer": "accepted" or "refused"'
        raise Unknown(f"the log of stolen tokens: {expected}, seen {text[:80]}")
    return fields


def chart(run: ERun, name: str, minutes: float = 60) -> Iterator[Chart]:
    """Uses that were accepted, refused by the minute, a panel a region."""
    series, last = [], dict[datetime, float]()
    since = run.metrics.until - timedelta(minutes=minutes)
    for region in in_reach(run):
        for metric, what in ((ACCEPTED, "accepted"), (REFUSED, "refused")):
            (points,) = run.metrics.read(region, (metric,), since)
            series.append(Series(what, points.times, points.values, region))
            for at, value in zip(points.times[-1:], points.values[-1:], strict=True):
                if what == "accepted":
                    last[at] = last.get(at, 0) + (value or 0)
    yield Chart(
        name, f"Uses of stolen tokens: {_as_measured(last)}", "uses in a minute", tuple(series), marks=run.marks()
    )


def _as_measured(last: Mapping[datetime, float]) -> str:
    """What the last minute shows that is measured: it may be minutes ago."""
    if not last:
        return "not measured"
    at = min(last)  # where one region is later than the other
    count = sum(last.values())
    text = f"{count:,.0f} accepted" if count else "none accepted"
    return f"{text} in the minute from {at:%H:%M}, the last that is measured"
