"""How a partner does: by our workers' calls, by probes of our own, by the word of its status page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE
from drcore.errors import Rejected, Unknown
from drcore.plans.d.facts import DRun
from drcore.services import partners
from drcore.services.cloudwatch import Metric, Points

OPERATIONAL = "operational"
_WHO_ASKS = ("401", "403")  # a refusal that is about who asks: it may be ours to mend


@dataclass(frozen=True, slots=True)
class OperationRate:
    """The calls of one operation over some minutes in one region. None: nothing was measured."""

    region: str
    operation: str
    calls: int | None
    error_percent: float | None
    p99_ms: float | None

    def describe(self) -> str:
        if self.calls is None:
            return f"{self.operation} in {self.region}: not measured"
        errors = "" if self.error_percent is None else f", {self.error_percent:g} % errors"
        p99 = "" if self.p99_ms is None else f", p99 {self.p99_ms:,.0f} ms"
        return f"{self.operation} in {self.region}: {self.calls} calls{errors}{p99}"


@dataclass(frozen=True, slots=True)
class ProbeCount:
    """Requests of our own: how many, how many were answered well, were refused for our credential, by operation."""

    sent: int
    well: int
    refused: int
    failing: tuple[str, ...] = ()

    def describe(self) -> str:
        text = f"{self.well} of {self.sent} answered well"
        text += f", {self.refused} refused for our credential" if self.refused else ""
        return text + (f"; {', '.join(self.failing)} failed" if self.failing else "")


@dataclass(frozen=True, slots=True)
class PageSays:
    """What the partner's page says of the components that we use; `unread`: why it cannot be read."""

    components: dict[str, str] = field(default_factory=dict)
    unread: str = ""

    @property
    def down(self) -> tuple[str, ...]:
        """The components that are not operational, with their status; none where the page cannot be read."""
        return tuple(f"{name}: {status}" for name, status in self.components.items() if status != OPERATIONAL)

    @property
    def well(self) -> bool:
        """Whether it says that all is well; a page that cannot be read does not."""
        return not self.unread and not self.down

    def describe(self) -> str:
        return self.unread or (", ".join(self.down) if self.down else "all operational")


@dataclass(frozen=True, slots=True)
class PartnerSignals:
    """All that tells how a partner does. `unauthorized`: calls that it refused for our credential, None if unknown."""

    rates: tuple[OperationRate, ...] = field(metadata=label("calls of our workers"))
    unauthorized: int | None = field(metadata=label("refused for our credential"))
    probed: ProbeCount = field(metadata=label("probes"))
    page: PageSays = field(metadata=label("its status page"))


# ── Metrics ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def calls(run: DRun, partner: str, operation: str) -> tuple[Metric, Metric, Metric]:
    """Calls, errors, p99 of an operation."""
    of, space = (("Operation", operation), ("Partner", partner)), run.facts.metrics.calls
    return Metric(space, "Calls", "Sum", of), Metric(space, "Errors", "Sum", of), Metric(space, "Latency", "p99", of)


def of_partner(run: DRun, partner: str, name: str, stat: str = "Sum") -> Metric:
    """A metric of a partner as a whole: Unauthorized, Throttled, Waiting, Delayed, Lost."""
    return Metric(run.facts.metrics.calls, name, stat, (("Partner", partner),))


def banner_shown(run: DRun, partner: str) -> Metric:
    """The share of the app's sessions that show the banner, 0 to 1."""
    return Metric(run.facts.metrics.app, "BannerShown", "Average", (("Partner", partner),))


def counted(run: DRun, partner: str) -> list[Metric]:
    """Calls and errors of all operations, one after the other."""
    return [metric for each in run.facts.partners[partner].operations for metric in calls(run, partner, each)[:2]]


def read_rates(
    run: DRun, region: str, partner: str, since: datetime, until: datetime
) -> tuple[tuple[OperationRate, ...], int | None]:
    """The rates of each operation, the calls that were refused for our credential. Raises Unknown, Rejected."""
    operations = tuple(run.facts.partners[partner].operations)
    asked = [metric for each in operations for metric in calls(run, partner, each)]
    *read, refused = run.metrics.read(region, [*asked, of_partner(run, partner, "Unauthorized")], since, until)
    rates = tuple(
        _rate(region, operation, *read[3 * number : 3 * number + 3]) for number, operation in enumerate(operations)
    )
    return rates, None if refused.total is None else int(refused.total)


def _rate(region: str, operation: str, made: Points, failed: Points, p99: Points) -> OperationRate:
    if made.total is None:
        return OperationRate(region, operation, None, None, None)
    count = int(made.total)
    percent = round(100 * (failed.total or 0) / count, 2) if count and failed.total is not None else None
    return OperationRate(region, operation, count, percent, round(p99.highest, 1) if p99.highest is not None else None)


# ── Looks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_signals(run: DRun, partner: str) -> PartnerSignals:
    """All signals of a partner, from every region. Raises Unknown, Rejected."""
    since, until = run.metrics.last(run.facts.window_minutes)
    rates: list[OperationRate] = []
    refused: list[int | None] = []
    for region in run.service.regions:
        rates_of_region, count = read_rates(run, region, partner, since, until)
        rates += rates_of_region
        refused.append(count)
    known = [count for count in refused if count is not None]
    return PartnerSignals(tuple(rates), sum(known) if known else None, probe(run, partner), read_page(run, partner))


def probe(run: DRun, partner: str) -> ProbeCount:
    """Some requests of our own to each operation, with the credential of the workers. Raises Unknown without one."""
    known = run.facts.partners[partner]
    key = run.secret(known.credential, anew=True)  # in an incident somebody may renew it
    sent, well, refused, failing = 0, 0, 0, dict[str, None]()
    for operation, path in known.operations.items():
        for _ in range(run.facts.probes):
            sent += 1
            try:
                partners.ask(run.http, known.api + path, key)
                well += 1
            except (Rejected, Unknown) as error:
                failing[operation] = None
                refused += isinstance(error, Rejected) and error.code in _WHO_ASKS
    return ProbeCount(sent, well, refused, tuple(failing))


def read_page(run: DRun, partner: str) -> PageSays:
    """What its page says of the components that we use; one that is not on the page is said to be so."""
    known = run.facts.partners[partner]
    try:
        page = partners.page(run.http, known.page)
    except (Rejected, Unknown) as error:
        return PageSays(unread=f"cannot be read: {error}"[:200])
    lacks = [each for each in known.components if each not in page.components]
    if lacks:
        return PageSays(unread=f"has no component {', '.join(lacks)}")
    return PageSays({each: page.components[each] for each in known.components})


# ── What they mean ───────────────────────────────────────────────────────────────────────────────────────────────────


def too_high(run: DRun, rates: Iterable[OperationRate]) -> tuple[str, ...]:
    """The rates over their thresholds, in words. A rate counts only above the minimum sample."""
    facts, parts = run.facts, list[str]()
    for rate in rates:
        if rate.calls is None or rate.calls < facts.minimum_sample:
            continue
        where = f"{rate.operation} in {rate.region}"
        if rate.error_percent is not None and rate.error_percent > facts.error_rate_percent:
            parts.append(f"{where}: {rate.error_percent:.1f} % errors")
        elif rate.p99_ms is not None and rate.p99_ms > facts.p99_ms:
            parts.append(f"{where}: p99 {rate.p99_ms:,.0f} ms")
    return tuple(parts)


def measured(signals: PartnerSignals) -> bool:
    """Whether every region told of every operation. A call that nobody made is a zero; no word is none."""
    return all(rate.calls is not None for rate in signals.rates)


def probes_fail(probed: ProbeCount) -> bool:
    """Whether probes of our own say that something is wrong: of one operation more than half is not needed."""
    return probed.well <= probed.sent * 2 // 3 or bool(probed.refused)


# ── Minutes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class CallMinutes:
    """Calls and errors of some partners by the minute, in one region."""

    by_partner: Mapping[str, tuple[Points, ...]]  # calls, errors of each operation, one after the other

    def calls(self, partner: str, minute: datetime) -> float | None:
        """All calls to a partner in a minute; None where an operation has told nothing."""
        return _sum(self.by_partner[partner][::2], minute)

    def errors(self, partner: str, minute: datetime) -> float | None:
        """All that failed of them."""
        return _sum(self.by_partner[partner][1::2], minute)


def read_minutes(run: DRun, region: str, of: Iterable[str], since: datetime, until: datetime) -> CallMinutes:
    """The calls to some partners. Raises Unknown, Rejected."""
    names = tuple(of)
    asked = {name: counted(run, name) for name in names}
    points = iter(run.metrics.read(region, [each for name in names for each in asked[name]], since, until))
    return CallMinutes({name: tuple(next(points) for _ in asked[name]) for name in names})


def _sum(points: Iterable[Points], minute: datetime) -> float | None:
    values = [each.by_time.get(minute) for each in points]
    return None if None in values else sum(value for value in values if value is not None)


def is_calm(run: DRun, minutes: CallMinutes, partner: str, minute: datetime) -> bool:
    """Whether no sync of a partner met trouble in a minute: no call was made, or hardly any failed."""
    made, failed = minutes.calls(partner, minute), minutes.errors(partner, minute)
    if made is None or failed is None:
        return False
    return made == 0 or 100 * failed / made <= run.facts.error_rate_percent


def minutes_between(since: datetime, until: datetime) -> tuple[datetime, ...]:
    """The begins of the whole minutes of a span."""
    count = int((until - since) / timedelta(minutes=1))
    return tuple(since + number * ONE for number in range(count))
