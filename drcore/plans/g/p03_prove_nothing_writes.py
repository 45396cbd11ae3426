"""Plan G: the proof that nothing writes to a table any more, or that nobody reads it.

A metric that has no data proves nothing by itself: it may be late, or broken. So this run's own reads must be seen in
the same metric, minute by minute; then silence beside them is silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drcore.clock import iso, parse_time
from drcore.engine.step import Check, Step, Target, Way, never, no, unknown, yes
from drcore.errors import Rejected
from drcore.plans.g.facts import ALLOWING, HALTED, REPAIRING, SWITCHING, role_arn, table
from drcore.plans.g.p02_halt_writers import DENY, FUNCTIONS, RULES, SOURCES, WORKERS
from drcore.record.evidence import Chart, Exhibit, Series, Table
from drcore.services import cloudwatch
from drcore.services.cloudwatch import Metric
from drcore.services.dynamodb import tables

if TYPE_CHECKING:
    from drcore.engine.context import Run

WRITING = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement")
READING = ("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems")
OWN_READ = "GetItem"
_ONE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a table's metric shows of some operations in whole minutes: how often each, by the minute.

    `heard` counts the minutes in which our own reads are seen, of `minutes`; only those can prove silence.
    """

    minutes: int
    heard: int
    counts: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return ", ".join(f"{count} {operation}" for operation, count in self.counts if count)


def read_traffic(
    run: Run, region: str, name: str, operations: tuple[str, ...], since: datetime, heard_in: str = ""
) -> Traffic:
    """The whole minutes since a time, at most the last `quiet_minutes`. Raises Unknown, Rejected."""
    _, until = cloudwatch.whole_minutes(run.clock.now(), 0)
    first = since.replace(second=0, microsecond=0) + (_ONE if since.second or since.microsecond else 0 * _ONE)
    begin = max(first, until - timedelta(minutes=run.facts.quiet_minutes))
    if begin >= until:
        return Traffic(0, 0, ())
    asked = [requests(name, each) for each in operations] + [requests(heard_in or name, OWN_READ)]
    *found, own = cloudwatch.minutes(run.aws, region, asked, begin, until)
    counts = tuple((each, int(points.total or 0)) for each, points in zip(operations, found, strict=True))
    return Traffic(int((until - begin) / _ONE), sum(value > 0 for value in own.values), counts)


def requests(name: str, operation: str) -> Metric:
    """How many requests of an operation a table has answered well."""
    return Metric(
        "AWS/DynamoDB", "SuccessfulRequestLatency", "SampleCount", (("TableName", name), ("Operation", operation))
    )


def is_silent(run: Run, seen: Traffic, what: str) -> Check:
    """Whether enough minutes are over in which nothing was counted, and in which something would have been."""
    if str(seen):
        return no(f"{what}: {seen}")
    if seen.minutes < run.facts.quiet_minutes:
        return no(f"{seen.minutes} of {run.facts.quiet_minutes:g} whole minutes are over")
    if seen.heard < seen.minutes:
        return no(f"our own reads are seen in {seen.heard} of {seen.minutes} minutes: the rest proves nothing")
    return yes(f"{seen.minutes} whole minutes without any; our own reads are seen in each of them")


# ── 12 Nothing writes ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Stillness:
    """What was written since writes were denied, in one region, and whether one of the service's roles was refused.

    `attempt`: what became of our own try with that role (empty: not tried). `canary_at`: when the region's own
    canary was written last. `writers`: who wrote the items that have changed since; looked for only where any has.
    """

    traffic: Traffic
    attempt: str
    canary_at: datetime | None
    denied_at: datetime | None
    writers: tuple[str, ...] = field(default=(), compare=False)


REFUSED, ACCEPTED = "refused", "accepted"
_WRITING_STEPS = (REPAIRING, SWITCHING, ALLOWING)  # from there on this run, or the service, writes again


def roles(run: Run) -> list[Target]:
    return [Target(region, role) for region in run.service.regions for role in run.facts.roles.writers]


def _own_canary(run: Run) -> dict[str, str]:
    key = run.facts.key
    return {key.partition: f"{run.facts.canary.key_prefix}drcore-{run.id}", key.sort: "0"}


def see_stillness(run: Run, target: Target) -> Stillness:
    denied, name = run.moments.get("denied"), table(run)
    traffic = read_traffic(run, target.region, name, WRITING, denied or run.clock.now())
    # Read in every region, whichever is looked at: so the proof of the next one need not begin anew.
    canaries = {
        region: tables.item(run.aws, region, name, _canary(run, region), consistent=True)
        for region in run.service.regions
    }
    canary = canaries[target.region]
    return Stillness(
        traffic,
        _attempt(run, target),
        parse_time(canary["ts"]) if canary else None,
        denied,
        # Read whole to name who was missed; once this run has begun to write, it is no proof any more.
        _writers_since(run, target.region, denied) if denied and str(traffic) and not _writes_itself(run) else (),
    )


def _attempt(run: Run, target: Target) -> str:
    """What became of our last try; one that was accepted is made anew when the run is opened again."""
    answer = ""
    for line in run.record.events:
        if line["event"] == "opened-again" and answer == ACCEPTED:
            answer = ""
        elif line["event"] == "acted" and line["step"] == NOTHING_WRITES.title and line["target"] == str(target):
            answer = line["answer"]
    return answer


def _canary(run: Run, region: str) -> dict[str, str]:
    key = run.facts.key
    return {key.partition: f"{run.facts.canary.key_prefix}{region}", key.sort: "0"}


def nothing_writes(run: Run, target: Target, seen: Stillness) -> Check:
    later = _writes_itself(run)
    if later:
        return yes(f"nothing wrote, until this run began to write itself: {later}")
    if seen.attempt == ACCEPTED:
        return never(f"a write by {target.thing} was accepted: the policy of the table does not hold")
    if str(seen.traffic):
        by = f", last written by {', '.join(seen.writers)}" if seen.writers else ""
        return never(
            f"a writer was missed: {seen.traffic} in the last {seen.traffic.minutes} minutes{by}. Find it (CloudTrail, "
            f"AssumeRole and data events of {table(run)}), stop it, wait {run.facts.quiet_minutes:g} minutes, resume"
        )
    if seen.canary_at and seen.denied_at and seen.canary_at > seen.denied_at:
        return never(f"the canary of {target.region} was written at {seen.canary_at:%H:%M:%S}, after the denial")
    if not seen.attempt:
        return no(f"{target.thing} is to be tried")
    if not seen.denied_at:
        return unknown("when writes were denied is not known")
    silent = is_silent(run, seen.traffic, "writes")
    return yes(f"{target.thing} is refused; {silent.why}") if silent.answer == "yes" else silent


def _writes_itself(run: Run) -> str:
    """The step with which this run, or the service by it, has begun to write; empty before that."""
    lines = (line for line in run.record.events if line["event"] == "intent" and line["step"] in _WRITING_STEPS)
    return next((str(line["step"]) for line in lines), "")


def knock(run: Run, target: Target, seen: Stillness) -> str:
    """Try to write one item of our own as a role of the service: it must be refused. What was accepted is removed."""
    written = _own_canary(run) | {"ts": run.now_text(), "run": run.id}
    try:
        tables.put(run.aws.as_role(role_arn(run, target.thing)), target.region, table(run), written)
    except Rejected as error:
        if error.code != "AccessDeniedException" or "put_item" not in str(error):
            raise  # the role could not be had, the table is not there: that is no proof
        return REFUSED
    tables.delete(run.aws, target.region, table(run), _own_canary(run))
    return ACCEPTED


def _writers_since(run: Run, region: str, since: datetime) -> tuple[str, ...]:
    return tuple(sorted({writer for _, _, writer in _changed(run, region, since) if writer}))


def _changed(run: Run, region: str, since: datetime) -> Iterator[tuple[str, str, str]]:
    """The items that say they were changed since a time: key, when, by whom."""
    names = run.facts.attributes
    for item in tables.items(run.aws, region, table(run)):
        modified = item.get(names.modified)
        if isinstance(modified, str) and _later(modified, since):
            writer = item.get(names.writer) or ""
            yield str(item[run.facts.key.partition]), modified, str(writer[-1] if isinstance(writer, list) else writer)


def _later(text: str, since: datetime) -> bool:
    try:
        return parse_time(text) > since
    except ValueError:
        return False


def show_stillness(run: Run, states: Mapping[Target, Stillness]) -> Iterator[Exhibit]:
    yield requests_chart(run, "writes-stopped", table(run), WRITING, 30)
    rows = tuple((t.region, t.thing, seen.attempt or "not tried", seen.canary_at) for t, seen in states.items())
    title = "A write as each role of the service, and each region's own canary"
    yield Table("writes-refused", title, ("region", "role", "its write was", "region's canary of"), rows)
    since = run.moments.get("denied")
    if since and not _writes_itself(run) and any(str(seen.traffic) for seen in states.values()):
        found = sorted(_changed(run, run.service.runner_region, since), key=lambda each: each[1])[-20:]
        yield Table("written-since", f"Written since {iso(since)}", ("item", "changed", "last writer"), tuple(found))


def requests_chart(run: Run, name: str, of: str, operations: tuple[str, ...], minutes: float) -> Chart:
    """Requests to a table by operation, a panel a region; our own reads among them, so that silence can be believed."""
    since, until = cloudwatch.whole_minutes(run.clock.now(), minutes)
    times = tuple(since + number * _ONE for number in range(int((until - since) / _ONE)))
    series: list[Series] = []
    for region in run.service.regions:
        asked = list(dict.fromkeys((*operations, OWN_READ)))
        found = cloudwatch.minutes(run.aws, region, [requests(of, each) for each in asked], since, until)
        series += [
            Series(operation, times, tuple(points.by_time.get(time) for time in times), region)
            for operation, points in zip(asked, found, strict=True)
            if points.times
        ]
    return Chart(name, f"Requests to {of}: {_last(series)}", "requests a minute", tuple(series), (), run.marks())


def _last(series: list[Series]) -> str:
    still = sorted({each.label for each in series if each.values and each.values[-1]})
    return f"in the last minute only {', '.join(still)}" if still else "none in the last minute"


NOTHING_WRITES = Step(
    title="Nothing writes",
    plan="G.1",
    changes="nothing, if all is well: a write as each role of the service must be refused, the metric must be silent",
    look=see_stillness,
    expect=nothing_writes,
    act=knock,
    targets=roles,
    needs=(RULES.title, SOURCES.title, FUNCTIONS.title, WORKERS.title, DENY.title),
    way=Way.COMPENSABLE,
    within=lambda run: 60 * (run.facts.quiet_minutes + 6),
    every=20,
    shows=show_stillness,
    moment=HALTED,
    permissions=("sts:AssumeRole", "dynamodb:GetItem", "dynamodb:DeleteItem"),
)
