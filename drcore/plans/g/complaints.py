"""How corrupted data shows: tickets at the support desk, lines in the log, errors that users get."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from drcore.clock import parse_time
from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE, minute_of
from drcore.plans.g import titles
from drcore.plans.g.facts import GRun
from drcore.plans.shared.good_minutes import GoodMinutes, judge, to_judge
from drcore.plans.shared.support_desk import read_tickets
from drcore.record.evidence import Chart, Limit, Series, Table
from drcore.services import logs, support
from drcore.services.cloudwatch import Metric, Points

_USER, _REASON = re.compile(r"\buser=(\S+)"), re.compile(r"\breason=(.+)$")


@dataclass(frozen=True, slots=True)
class Complaints:
    """What a span shows, by its worst whole minute; `error_percent` is None where too few requests came to tell.

    `users` are those whom a log line or a ticket names.
    """

    tickets: int = field(metadata=label("tickets"))
    tickets_per_minute: int = field(metadata=label("tickets in the worst minute"))
    lines: int = field(metadata=label("log lines"))
    lines_per_minute: int = field(metadata=label("log lines in the worst minute"))
    users: int = field(metadata=label("users named"))
    requests: int = field(metadata=label("requests"))
    error_percent: float | None = field(metadata=label("errors", unit="%"))


def read(run: GRun, region: str, since: datetime, until: datetime) -> Complaints:
    """Some minutes: log and errors of one region, tickets of all. Raises Unknown, Rejected.

    Errors are of as many minutes, but of the last ones that are whole.
    """
    tickets, lines = _tickets(run, since, until), _lines(run, region, since, until)
    last_whole = run.metrics.last((until - since) / ONE)
    return _complaints(run, tickets, lines, *run.metrics.read(region, error_metrics(run), *last_whole))


def read_served(run: GRun, region: str, before: GoodMinutes | None) -> tuple[Complaints, GoodMinutes]:
    """The last whole minute, and which minutes until then were good. Raises Unknown, Rejected.

    `before` is what the look before has found of them.
    """
    since, until = span = to_judge(run, before)
    tickets, lines = _tickets(run, since, until), _lines(run, region, since, until)
    errors = run.metrics.read(region, error_metrics(run), since, until)
    let_in = run.history.act(titles.FUNCTIONS_AGAIN)  # whoever is kept out until then gets no errors, and is not well
    served = parse_time(let_in.last["time"]) if let_in else since

    def of(minute: datetime) -> Complaints:
        return _complaints(
            run,
            [ticket for ticket in tickets if minute_of(ticket.opened) == minute],
            [line for line in lines if minute_of(line.at) == minute],
            *(points.within(minute, minute + ONE) for points in errors),
        )

    def is_good(minute: datetime) -> bool:
        seen = of(minute)
        return minute >= served and seen.error_percent is not None and not failing(run, seen)

    return of(until - ONE), judge(span, is_good, before)


def named(run: GRun, since: datetime, until: datetime) -> tuple[str, ...]:
    """The users whom tickets and log lines of all regions name, in order. Raises Unknown, Rejected."""
    users = {ticket.user for ticket in _tickets(run, since, until)}
    for region in run.service.regions:
        users |= _users(_lines(run, region, since, until))
    return tuple(sorted(user.removeprefix(run.facts.users.prefix) for user in users))


def _users(lines: Iterable[logs.Line]) -> set[str]:
    return {user[1] for line in lines if (user := _USER.search(line.text))}


def _complaints(
    run: GRun, tickets: Sequence[support.Ticket], lines: Sequence[logs.Line], count: Points, errors: Points
) -> Complaints:
    requests = int(count.total or 0)
    enough = requests >= run.facts.minimum_sample
    percent = round(100 * (errors.total or 0) / requests, 3) if enough else None
    users = {ticket.user for ticket in tickets} | _users(lines)
    return Complaints(
        len(tickets),
        max(_by_minute(ticket.opened for ticket in tickets).values(), default=0),
        len(lines),
        max(_by_minute(line.at for line in lines).values(), default=0),
        len(users),
        requests,
        percent,
    )


def trouble(run: GRun, seen: Complaints) -> list[str]:
    """What is over its threshold, in words; empty when nothing is."""
    limits = run.facts.thresholds
    over = []
    if seen.tickets_per_minute >= limits.tickets_per_minute:
        over.append(f"{seen.tickets} tickets, up to {seen.tickets_per_minute} a minute")
    if seen.lines_per_minute >= limits.log_lines_per_minute:
        over.append(f"{seen.lines} log lines {run.facts.log.pattern}, up to {seen.lines_per_minute} a minute")
    return over


def failing(run: GRun, seen: Complaints) -> list[str]:
    """The same, with the errors that users get."""
    over = trouble(run, seen)
    if seen.error_percent is not None and seen.error_percent > run.facts.thresholds.error_rate_percent:
        over.append(f"{seen.error_percent:.1f} % errors in {seen.requests} requests")
    return over


def charts(run: GRun, name: str, minutes: float) -> tuple[Chart, Chart]:
    """Tickets and log lines by the minute, each with its threshold and the moments of this run."""
    since, until = run.metrics.until_now(minutes)
    limits, marks = run.facts.thresholds, run.marks()
    desk = _series("all regions", _by_minute(t.opened for t in _tickets(run, since, until)), since, until)
    log = tuple(
        _series(region, _by_minute(line.at for line in _lines(run, region, since, until)), since, until)
        for region in run.service.regions
    )
    return (
        Chart(
            f"{name}-tickets",
            _headline(f"Tickets, {run.facts.support.category}", (desk,), limits.tickets_per_minute),
            "tickets a minute",
            (desk,),
            (Limit(f"threshold {limits.tickets_per_minute:g}", limits.tickets_per_minute),),
            marks,
        ),
        Chart(
            f"{name}-log",
            _headline(f"Log lines {run.facts.log.pattern}", log, limits.log_lines_per_minute),
            "lines a minute",
            log,
            (Limit(f"threshold {limits.log_lines_per_minute:g}", limits.log_lines_per_minute),),
            marks,
        ),
    )


def reasons(run: GRun, name: str, minutes: float) -> Table:
    """What the log gives as reasons, most frequent first."""
    since, until = run.metrics.until_now(minutes)
    counted: Counter[tuple[str, str]] = Counter()
    for region in run.service.regions:
        for line in _lines(run, region, since, until):
            reason = _REASON.search(line.text)
            counted[region, reason[1].strip() if reason else line.text[:80]] += 1
    rows = tuple((*key, count) for key, count in counted.most_common(20))
    return Table(name, f"Reasons that the log gives for {run.facts.log.pattern}", ("region", "reason", "lines"), rows)


def _tickets(run: GRun, since: datetime, until: datetime) -> tuple[support.Ticket, ...]:
    return read_tickets(run, run.facts.support, since, until)


def _lines(run: GRun, region: str, since: datetime, until: datetime) -> tuple[logs.Line, ...]:
    log = run.facts.log
    return logs.lines(run.aws, region, log.group, log.pattern, since, until)


def error_metrics(run: GRun) -> tuple[Metric, Metric]:
    """Requests to the API, and those that it failed."""
    stage = (("ApiName", run.facts.api.name), ("Stage", run.facts.api.stage))
    return Metric("AWS/ApiGateway", "Count", "Sum", stage), Metric("AWS/ApiGateway", "5XXError", "Sum", stage)


def requests(run: GRun, region: str, minutes: float) -> int:
    """The requests to the API over the last whole minutes. Raises Unknown, Rejected."""
    count, _ = run.metrics.read(region, error_metrics(run), run.metrics.last(minutes)[0])
    return int(count.total or 0)


def _by_minute(moments: Iterable[datetime]) -> Counter[datetime]:
    return Counter(minute_of(moment) for moment in moments)


def _series(label: str, counted: Counter[datetime], since: datetime, until: datetime) -> Series:
    times = tuple(since + number * ONE for number in range(int((until - since) / ONE)))
    return Series(label, times, tuple(float(counted[time]) for time in times))  # a minute without a line had none


def _headline(what: str, series: tuple[Series, ...], limit: float) -> str:
    peak = max((value or 0 for each in series for value in each.values), default=0)
    return f"{what}: up to {peak:g} a minute, threshold {limit:g}" if peak else f"{what}: none"
