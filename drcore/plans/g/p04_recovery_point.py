"""Plan G, phase 4: the recovery point, found in the data, confirmed by a person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.clock import iso, parse_time, until
from drcore.diff import Class
from drcore.engine.labels import label
from drcore.engine.outcome import Check, StepResult, Target, never, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Unknown
from drcore.plans.g import exported_changes, resources, titles
from drcore.plans.g.decisions import halted_at
from drcore.plans.g.deployments import DeploymentTime, deployments
from drcore.plans.g.exported_changes import BAD, ItemWrite
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import recovery_region, table, table_arn
from drcore.plans.shared.decision import decision, taken
from drcore.record.events import Kind
from drcore.record.evidence import Chart, Exhibit, Mark, Series, Table
from drcore.services.dynamodb import exports, recovery
from drcore.services.dynamodb.exports import LONGEST, READY, RUNNING, SHORTEST, IncrementalExport
from drcore.services.dynamodb.recovery import RecoveryWindow

_BEFORE = timedelta(minutes=30)  # the first export begins so long before the deployment: a flag may have come first
_UNKNOWN_START = timedelta(hours=3)  # where no deployment is known, it begins so long before the halt
_SECOND = timedelta(seconds=1)


def here(run: GRun) -> list[Target]:
    """Export and restore are made once, where the runner stands; replicas are made from what was restored."""
    return [Target(recovery_region(run), table(run))]


# ── Export the changes ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ExportedSpan:
    """One export of this run: its span, its status, how many items changed, when the first bad one did, its ARN."""

    since: datetime = field(metadata=label("from"))
    until: datetime = field(metadata=label("until"))
    status: str = field(metadata=label("status"))
    items: int = field(metadata=label("items changed"))
    bad: int = field(metadata=label("by a bad write"))
    first_bad: datetime | None = field(metadata=label("first bad write"))
    arn: str = field(metadata=label("arn"))


@dataclass(frozen=True, slots=True)
class Exported:
    """The exports of this run, and the span of the next one (None: none is needed)."""

    made: tuple[ExportedSpan, ...] = field(metadata=label("exports"))
    first_bad: datetime | None = field(metadata=label("first bad write"))
    next_since: datetime | None = field(compare=False)
    next_until: datetime | None = field(compare=False)


def see_exports(run: GRun, target: Target) -> Exported:
    made = exported_changes.exports(run)
    spans = tuple(_span(run, each) for each in made)
    first = min((each.first_bad for each in spans if each.first_bad), default=None)
    since, end = _next(run, spans, first)
    asked = _asked_for(run, target)
    if end and asked and all(each.until != asked[1] for each in spans):
        since, end = asked  # with its token it makes no second export; the end of the window has moved since
    return Exported(spans, first, since, end)


def _asked_for(run: GRun, target: Target) -> tuple[datetime, datetime] | None:
    """The span of the last export that this run has set out to make, before a restart too."""
    line = run.history.last(Kind.INTENT, step=titles.EXPORT, target=target)
    since, until = (line["before"][name] for name in ("next_since", "next_until")) if line else (None, None)
    return (parse_time(since), parse_time(until)) if since and until else None


def _span(run: GRun, made: IncrementalExport) -> ExportedSpan:
    writes = exported_changes.writes(run, [made])
    bad, first = sum(write.kind in BAD for write in writes), exported_changes.first_bad(writes)
    return ExportedSpan(made.since, made.until, made.status, len(writes), bad, first, made.arn)


def _next(
    run: GRun, spans: tuple[ExportedSpan, ...], first: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """The span to be exported next: all of the incident, then what was before the first bad write that was seen."""
    window = recovery.window(run.aws, recovery_region(run), table(run))
    if window.earliest is None or window.latest is None:
        raise Unknown(f"{table(run)} in {recovery_region(run)} has no point-in-time recovery: it cannot be exported")
    if not spans:
        end = _whole(min(halted_at(run) or window.latest, window.latest))
        deployed = min((each.at for each in deployments(run)), default=end - _UNKNOWN_START)
        since = min(_whole(deployed - _BEFORE), end - SHORTEST)
    elif first is None or any(each.until == _whole(first) for each in spans):
        return None, None
    else:
        end = _whole(first)
        since = min(spans[0].since, end - SHORTEST)
    return max(since, end - LONGEST, _up(window.earliest)), end


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _up(moment: datetime) -> datetime:
    return moment if moment == _whole(moment) else _whole(moment) + _SECOND


def are_exported(run: GRun, target: Target, seen: Exported) -> Check:
    failed = [each for each in seen.made if each.status not in (READY, RUNNING)]
    if failed:
        return never(f"the export until {iso(failed[0].until)} has failed: see `aws dynamodb describe-export`")
    if any(each.status == RUNNING for each in seen.made):
        return no("an export is being made")
    if seen.next_until:
        first = f"the first bad write so far is of {iso(seen.first_bad)}; " if seen.first_bad else ""
        return no(f"{first}changes until {iso(seen.next_until)} are to be exported")
    whole = seen.made[0]
    if not seen.first_bad:
        return yes(f"{whole.items} users' items have changed, none of them by a bad write")
    return yes(
        f"{whole.bad} of {whole.items} changed items were changed by a bad write, the first at {iso(seen.first_bad)}"
    )


def export(run: GRun, target: Target, seen: Exported) -> None:
    """Make the next export, and see it through: one that is being made already is only waited for."""
    assert seen.made or seen.next_until  # there is one to be made, or one under way
    arn = next((each.arn for each in seen.made if each.status == RUNNING), "")
    if not arn:
        assert seen.next_since
        assert seen.next_until
        arn = exports.start(
            run.aws,
            target.region,
            table_arn(run, target.region),
            bucket=run.facts.exports.format(region=target.region),
            prefix=exported_changes.prefix(run),
            since=seen.next_since,
            until=seen.next_until,
            token=_token(run, seen.next_until),
        )
    until(
        run.clock,
        lambda: exports.export(run.aws, target.region, arn),  # the list of all may not have it yet
        lambda made: made.status != RUNNING,
        within=_export_s(run),
        every=EXPORT.patience.every,
    )


def _export_s(run: GRun) -> float:
    return 60 * run.facts.export_minutes


def _token(run: GRun, end: datetime) -> str:
    """The same for the same export of this run: sent again after a crash, it makes no second one."""
    return hashlib.sha256(f"{run.id} {iso(end)}".encode()).hexdigest()[:32]


def show_exports(run: GRun, states: Mapping[Target, Exported]) -> Iterator[Exhibit]:
    rows = tuple(
        (each.since, each.until, each.status, each.items, each.bad, each.first_bad)
        for seen in states.values()
        for each in seen.made
    )
    columns = ("from", "until", "status", "items changed", "by a bad write", "first bad write")
    yield Table("exports", "What each export shows; the last one tells whether a bad write came earlier", columns, rows)


def first_harm(result: StepResult) -> datetime | None:
    """Users suffer from the first bad write on; it is known once the changes are exported."""
    return min((seen.first_bad for seen in result.states.values() if seen.first_bad), default=None)


EXPORT = Step(
    titles.EXPORT,
    changes="the changes of the table are written into the exports bucket; the table is not touched",
    look=see_exports,
    expect=are_exported,
    act=export,
    targets=here,
    needs=(titles.NOTHING_WRITES,),
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=_export_s, every=15),
    repeat=True,
    shows=show_exports,
    settles=Settles(harm=first_harm),
    whole_role=resources.OUTLASTS_ITS_SESSION,
    permissions=(
        *iam_actions("dynamodb:ExportTableToPointInTime", on=resources.table),
        # The bucket is written in the name of whoever exports.
        *iam_actions("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl", on=resources.exported),
    ),
)


# ── Recovery point ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RegionWindow:
    """A region's window of point-in-time recovery."""

    region: str
    window: RecoveryWindow


@dataclass(frozen=True, slots=True)
class PointProposal:
    """What the recovery point follows from, the one that is proposed, what was confirmed (empty: nothing yet)."""

    deployed: tuple[DeploymentTime, ...] = field(compare=False)
    first_bad: datetime | None = field(compare=False)
    windows: tuple[RegionWindow, ...] = field(compare=False)
    proposed: datetime | None = field(compare=False)
    choice: str = field(default="", metadata=label("decision"))
    by: str = field(default="", compare=False)
    reason: str = field(default="", compare=False)

    @property
    def confirmed(self) -> datetime | None:
        """The recovery point that was decided."""
        return parse_time(self.choice) if self.choice else None


def see_point(run: GRun, target: Target) -> PointProposal:
    windows = tuple(RegionWindow(each, recovery.window(run.aws, each, table(run))) for each in run.service.regions)
    deployed = deployments(run)
    first = exported_changes.first_bad(exported_changes.writes(run, exported_changes.exports(run)))
    proposed = _proposed(run, deployed, first, windows)
    return PointProposal(deployed, first, windows, proposed, *taken(run, titles.RECOVERY_POINT))


def _proposed(
    run: GRun, deployed: tuple[DeploymentTime, ...], first: datetime | None, windows: tuple[RegionWindow, ...]
) -> datetime | None:
    if run.incident.recovery_point:
        return parse_time(run.incident.recovery_point)
    if first:
        return _whole(first - timedelta(seconds=run.facts.margin_s))
    if not run.rehearsing:
        return None
    # Nothing was exported in a rehearsal: what it would do is shown for the plan's own words, right before the
    # deployment; where there was none, for the last second that can be restored.
    latest = next((each.window.latest for each in windows if each.region == recovery_region(run)), None)
    moment = min((each.at for each in deployed), default=latest)
    return _whole(moment - _SECOND) if moment else None


def is_to_be_confirmed(run: GRun, target: Target, seen: PointProposal) -> Check:
    if seen.proposed is None:
        return never("no bad write was found in the data: name a time that you know was good, -p recovery_point=")
    window = next(each.window for each in seen.windows if each.region == recovery_region(run))
    if not window.holds(seen.proposed):
        return never(f"{iso(seen.proposed)} cannot be restored in {recovery_region(run)}: {_window_text(window)}")
    if seen.first_bad and seen.proposed >= seen.first_bad:
        bad = iso(seen.first_bad)
        return never(f"{iso(seen.proposed)} is not before the first bad write, at {bad}: that would be restored too")
    first = f"the first bad write was at {iso(seen.first_bad)}" if seen.first_bad else "no bad write was found"
    return no(f"to be confirmed: {iso(seen.proposed)}; {first}")


def _window_text(window: RecoveryWindow) -> str:
    if window.earliest is None or window.latest is None:
        return "recovery is off there"
    return f"the window is {iso(window.earliest)} to {iso(window.latest)}"


def show_point(run: GRun, states: Mapping[Target, PointProposal]) -> Iterator[Exhibit]:
    for seen in states.values():
        yield _moments(run, seen)
        yield write_timeline(run, seen)


def _moments(run: GRun, seen: PointProposal) -> Table:
    rows: list[tuple[datetime | None, str, str]] = [
        (each.at, each.region, f"deployment, by {each.source}") for each in seen.deployed
    ]
    rows += [(each.window.earliest, each.region, "earliest that can be restored") for each in seen.windows]
    rows += [(each.window.latest, each.region, "latest that can be restored") for each in seen.windows]
    if seen.first_bad:
        rows.append((seen.first_bad, recovery_region(run), "first bad write, by the data"))
    if seen.confirmed or seen.proposed:
        text = "recovery point, confirmed" if seen.confirmed else f"recovery point, {_source(run)}"
        rows.append((seen.confirmed or seen.proposed, recovery_region(run), text))
    rows += [(at, "", name) for name, at in run.moments.items()]
    known = sorted((row for row in rows if row[0]), key=lambda row: (str(row[0]), row[1:]))
    title = "What happened when"
    if seen.first_bad and seen.deployed:
        late = (seen.first_bad - seen.deployed[0].at).total_seconds()
        title = f"The first bad write came {late:.0f} s after the deployment"
    return Table("recovery-point", title, ("time", "region", "what"), tuple(known))


def _source(run: GRun) -> str:
    if run.rehearsing and not run.incident.recovery_point:
        return "by the deployment: a rehearsal exports nothing, a run finds it in the data"
    return "proposed"


def write_timeline(run: GRun, seen: PointProposal) -> Chart:
    """The last writes of all items by the minute, bad ones apart, with every moment that counts."""
    made = [each for each in exported_changes.exports(run) if each.status == READY]
    writes = exported_changes.writes(run, made)
    marks = [Mark("deployed", seen.deployed[0].at)] if seen.deployed else []
    marks += [Mark("first bad write", seen.first_bad)] if seen.first_bad else []
    point = seen.confirmed or seen.proposed
    marks += [Mark("recovery point", point)] if point else []
    marks += [Mark("latest restorable", each.window.latest) for each in seen.windows[:1] if each.window.latest]
    times: tuple[datetime, ...] = ()
    series: tuple[Series, ...] = ()
    if made:
        times, counted = exported_changes.by_minute(writes, made[0].since, made[0].until)
        series = tuple(
            Series(str(kind), times, tuple(float(counted[time, kind]) for time in times))
            for kind in (Class.LEGIT, Class.ADDED, Class.CORRUPTED, Class.DELETED, Class.CONFLICT, Class.EXPIRED)
        )
    bad = sum(write.kind in BAD for write in writes)
    title = f"{bad} items were last changed by a bad write" if bad else "No bad write was found"
    return Chart(
        "write-timeline",
        title,
        "items last written, a minute",
        series,
        marks=(*run.marks(), *marks),
        alt=f"Items by the minute of their last write, in {recovery_region(run)}; {_counts_text(writes)}.",
    )


def _counts_text(writes: tuple[ItemWrite, ...]) -> str:
    counted = {kind: sum(write.kind is kind for write in writes) for kind in Class}
    return ", ".join(f"{count} {kind}" for kind, count in counted.items() if count) or "none changed"


def _time(moment: datetime | None) -> str:
    return iso(moment) if moment else "none"


RECOVERY_POINT = decision(
    titles.RECOVERY_POINT,
    changes="records the time that is restored to, and who confirmed it",
    look=see_point,
    expect=is_to_be_confirmed,
    choice=lambda run, seen: _time(seen.proposed),
    phrase=lambda run, states: f"RECOVERY POINT {_time(next(iter(states.values())).proposed)}",
    needs=(titles.EXPORT,),
    shows=show_point,
)

STEPS = (EXPORT, RECOVERY_POINT)
