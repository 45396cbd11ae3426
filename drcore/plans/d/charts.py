"""Charts of a partner's trouble: its error rate with the flag's state, what waits, probes beside the page's word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from drcore.clock import parse_time
from drcore.engine.outcome import Target
from drcore.plans.d import titles
from drcore.plans.d.facts import DRun
from drcore.plans.d.partner_signals import PageSays, PartnerSignals, ProbeCount, calls, minutes_between, of_partner
from drcore.plans.d.paused import Case
from drcore.plans.shared.flags import switch_target
from drcore.plans.shared.incident_span import begins
from drcore.record.evidence import Band, Chart, Limit, Mark, Series, Table
from drcore.services import cloudwatch

_SHOWN = 60  # minutes


def signals_table(name: str, title: str, states: Mapping[Target, PartnerSignals]) -> Table:
    """What is known of each partner, a row an operation and region. An empty cell is unknown."""
    rows = tuple(
        (
            target.thing,
            rate.operation,
            rate.region,
            rate.calls,
            rate.error_percent,
            rate.p99_ms,
            seen.probed.describe(),
            seen.page.describe(),
        )
        for target, seen in states.items()
        for rate in seen.rates
    )
    columns = ("partner", "operation", "region", "calls", "errors, %", "p99, ms", "probes", "its page")
    return Table(name, title, columns, rows)


def cases_table(cases: Sequence[Case]) -> Table:
    """The partners in trouble: whose trouble it is, what speaks for that, what against."""
    rows = tuple(
        (
            each.partner,
            each.cause,
            "pause" if each.pause else "leave on",
            "; ".join(each.evidence),
            "; ".join(each.against),
        )
        for each in cases
    )
    columns = ("partner", "whose trouble", "proposed", "evidence", "against it")
    return Table("cases", "Whose trouble it is, by what is known", columns, rows)


def error_rates(run: DRun, name: str, partners: Iterable[str]) -> Chart:
    """Error rate by operation, a panel a region and partner, with the threshold."""
    names = tuple(partners)
    since, until = run.metrics.last(_SHOWN)
    series: list[Series] = []
    for region in run.service.regions:
        for partner in names:
            for operation in run.facts.partners[partner].operations:
                made, failed, _ = cloudwatch.minutes(run.aws, region, calls(run, partner, operation), since, until)
                times = minutes_between(since, until)
                rates = tuple(_percent(failed.by_time.get(at), made.by_time.get(at)) for at in times)
                series.append(Series(operation, times, rates, _panel(names, partner, region)))
    limit = run.facts.error_rate_percent
    peak = max(((v, s) for s in series for v in s.values if v is not None), key=lambda point: point[0], default=None)
    title = "Error rate by operation: nothing was measured"
    if peak:
        value, worst = peak
        title = f"Error rate by operation: all stayed below {limit:g} %"
        if value > limit:
            title = (
                f"Error rate by operation: {worst.label} in {worst.panel} went to {value:.3g} %, threshold {limit:g} %"
            )
    limits = (Limit(f"threshold {limit:g} %", limit),)
    bands = tuple(_flag_off(run, names))
    marks = _moments(run)
    since_when = begins([(each, limit) for each in series], marks)
    return Chart(name, title, "errors, % of calls", tuple(series), limits, marks, bands=bands, begins=since_when)


def calls_with_flag(run: DRun, name: str, partners: Sequence[str]) -> Chart:
    """The calls of each minute, a panel a region and partner: where the flag is off they are zero, not missing."""
    since, until = run.metrics.last(_SHOWN)
    series: list[Series] = []
    for region in run.service.regions:
        for partner in partners:
            asked = [
                calls(run, partner, each)[number]
                for each in run.facts.partners[partner].operations
                for number in (0, 1)
            ]
            read = cloudwatch.minutes(run.aws, region, asked, since, until)
            times = minutes_between(since, until)
            for label, points in (("all calls", read[::2]), ("failed", read[1::2])):
                values = tuple(_total([each.by_time.get(at) for each in points]) for at in times)
                series.append(Series(label, times, values, _panel(partners, partner, region)))
    last = [s.values[-1] for s in series if s.label.endswith("all calls") and s.values]
    text = (
        "not measured"
        if None in last or not last
        else f"{sum(v for v in last if v is not None):,.0f} in the last minute that is measured"
    )
    title = f"Calls to {', '.join(partners)}: {text}"
    bands = tuple(_flag_off(run, tuple(partners)))
    return Chart(name, title, "calls a minute", tuple(series), (), _moments(run), bands=bands)


def waiting(run: DRun, name: str, partners: Iterable[str]) -> Chart:
    """The syncs that wait, by the minute, a panel a region."""
    since, until = run.metrics.last(_SHOWN)
    times, series = minutes_between(since, until), list[Series]()
    for region in run.service.regions:
        for partner in partners:
            (points,) = cloudwatch.minutes(run.aws, region, [of_partner(run, partner, "Waiting")], since, until)
            series.append(Series(partner, times, tuple(points.by_time.get(at) for at in times), region))
    last = [next((v for v in reversed(s.values) if v is not None), None) for s in series]
    text = (
        "not measured"
        if None in last or not last
        else f"{sum(v for v in last if v is not None):,.0f} when last measured"
    )
    peak = max((v for s in series for v in s.values if v is not None), default=0)
    title = f"Syncs that wait: {text}, {peak:,.0f} in one region at most"
    return Chart(name, title, "syncs that wait", tuple(series), (), _moments(run))


def probes_and_page(
    run: DRun, name: str, partner: str, looks: Sequence[tuple[datetime, ProbeCount, PageSays]]
) -> Chart:
    """Our probes beside the page's word, at each look. A page that cannot be read is a gap."""
    times = tuple(at for at, _, _ in looks)
    probed = Series("probes, well", times, tuple(_percent(seen.well, seen.sent) for _, seen, _ in looks))
    words = tuple(
        None if page.unread else _percent(len(page.components) - len(page.down), len(page.components))
        for _, _, page in looks
    )
    on_page = Series("its page, operational", times, words)
    agree = sum(seen.well == seen.sent and page.well for _, seen, page in looks)
    title = f"{run.facts.partners[partner].title}: probes and page say that it is well in {agree} of {len(looks)} looks"
    return Chart(name, title, "%", (probed, on_page), (), _moments(run))


def _moments(run: DRun) -> tuple[Mark, ...]:
    """The moments of the run, with those at which flags were switched."""
    switched = {"paused": run.history.act(titles.PAUSE), "let in": run.history.act(titles.LET_IN)}
    marks = [Mark(name, parse_time(act.last["time"])) for name, act in switched.items() if act]
    return tuple(sorted([*run.marks(), *marks], key=lambda mark: mark.at))


def _flag_off(run: DRun, names: Sequence[str]) -> Iterator[Band]:
    """While each partner's integration was off in each region: from its pause until it was begun to be let in."""
    for region in run.service.regions:
        for partner in names:
            target = switch_target(region, partner)
            off, on = run.history.act(titles.PAUSE, target), run.history.act(titles.LET_IN, target)
            if off:
                since, until = parse_time(off.last["time"]), parse_time(on.first["time"]) if on else None
                yield Band("flag off", since, until, _panel(names, partner, region))


def _panel(partners: Sequence[str], partner: str, region: str) -> str:
    """The panel of a region; of a region and partner where there are several, as each has a flag of its own."""
    return region if len(partners) == 1 else f"{partner} in {region}"


def _percent(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else round(100 * part / whole, 2)


def _total(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)
