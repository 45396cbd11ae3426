"""Where DNS sends users, by which levers a region is kept out of it.

The levers, most robust first (aws-facts A.4): an ARC routing control, an object that the region's health endpoint
reads in the other region, at last the health check itself, whose control plane stands in us-east-1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_network
from itertools import islice

from drcore.calls.gate import HOME_OF_GLOBAL
from drcore.errors import Rejected, Unknown
from drcore.plans.a.facts import Arc, ARun
from drcore.record.evidence import Chart, Limit, Series
from drcore.services import arc, cloudwatch, dns, route53, s3
from drcore.services.cloudwatch import Metric
from drcore.services.route53 import HealthCheck, RecordSet

_SUBNETS_PER_MARKET = 4  # client subnets that are asked for in each market


@dataclass(frozen=True, slots=True)
class Answers:
    """Where DNS sends clients: percent of answers that name each region, by an independent query to the name servers.

    An answer is a region's where its load balancer has the address now. `unknown` are the addresses that none has:
    where they lead is not known, and never counts as anywhere else than in the failed region.
    `api` is what Route 53's own API says that it would answer; empty when its control plane does not answer, which
    `api_silent` then says. It is no sign of a failover that failed.
    """

    percent: tuple[tuple[str, float], ...]
    api: tuple[str, ...] = field(compare=False)
    api_silent: str = field(default="", compare=False)
    unknown: tuple[str, ...] = ()
    unknown_percent: float = 0

    def leave_out(self, region: str) -> bool:
        """Whether it is known that no answer names a region."""
        return not self.of(region) and not self.unknown_percent

    def of(self, region: str) -> float:
        """Percent of the answers that name a region."""
        return dict(self.percent).get(region, 0.0)

    def describe(self) -> Mapping[str, object]:
        return {"DNS answers": str(self)}

    def __str__(self) -> str:
        known = [f"{percent:.0f} % {region}" for region, percent in self.percent]
        if self.unknown_percent:
            known.append(
                f"{self.unknown_percent:.0f} % addresses of no known load balancer ({', '.join(self.unknown)})"
            )
        return ", ".join(known)


@dataclass(frozen=True, slots=True)
class LeverState:
    """The object that the health endpoints read: which regions are kept out on purpose."""

    out: tuple[str, ...]
    object: s3.StoredJson = field(compare=False)


def described(record: RecordSet) -> Mapping[str, object]:
    """A record set as a card shows it: without the whole that is written, which says the same once more."""
    return {
        "weight": record.weight,
        "TTL": "its target's" if record.ttl is None else f"{record.ttl} s",
        "values": record.values,
        "health check": record.health_check,
    }


def read_answers(run: ARun) -> Answers:
    """Independent DNS first, then what the API says. Raises Unknown when the name servers do not answer."""
    answers = _query(run)
    try:
        api, silent = route53.answer(run.aws, run.facts.zone, run.facts.record), ""
    except (Unknown, Rejected) as error:
        api, silent = (), str(error)
    return _shares(run, answers, api, silent)


def read_name_servers(run: ARun) -> Answers:
    """Independent DNS only, as no control plane may be needed for a lever."""
    return _shares(run, _query(run), (), "")


def own_record(run: ARun, region: str) -> RecordSet:
    """The record set of a region. Raises Unknown, Rejected; a region without one is Unknown."""
    for record in route53.records(run.aws, run.facts.zone, run.facts.record):
        if record.id == region:
            return record
    raise Unknown(f"{run.facts.record} has no record set for {region}")


def own_check(run: ARun, region: str) -> HealthCheck:
    """The health check of a region. Raises Unknown, Rejected."""
    return route53.health_check(run.aws, run.facts.health_checks[region])


# ── Levers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def control(run: ARun, region: str) -> arc.Control:
    """The region's routing control, asked for where no region has failed. Raises Unknown, Rejected."""
    cluster = _cluster(run)
    endpoints = [(each.region, each.url) for each in cluster.endpoints if each.region != run.failed_region]
    return arc.control(run.aws, endpoints, cluster.controls[region])


def set_control(run: ARun, region: str, *, on: bool, at: arc.Control) -> None:
    """Set the region's routing control, at the endpoint that answered last."""
    arc.set_control(run.aws, at.endpoint, _cluster(run).controls[region], on=on)


def _cluster(run: ARun) -> Arc:
    assert run.facts.arc  # without a cluster there is no control that could be set
    return run.facts.arc


def lever(run: ARun, region: str) -> LeverState:
    """The lever that keeps a region out; it lies in another region. Raises Unknown, Rejected."""
    kept = s3.kept(run.aws, _beside(run, region), *_location(run, region))
    settings: Mapping[str, object] = kept.content if isinstance(kept.content, dict) else {}
    return LeverState(tuple(sorted(name for name, value in settings.items() if value == "out")), kept)


def set_lever(run: ARun, region: str, seen: LeverState, *, out: bool) -> None:
    """Keep a region out, or let it in, unless somebody else has changed the lever since it was read."""
    before = seen.object.content if isinstance(seen.object.content, dict) else {}
    content = before | {region: "out" if out else "in"}
    s3.put_if(run.aws, _beside(run, region), *_location(run, region), content, seen.object)


def _beside(run: ARun, region: str) -> str:
    return next(other for other in run.service.regions if other != region)


def _location(run: ARun, region: str) -> tuple[str, str]:
    where = run.facts.levers
    return where.bucket.format(region=_beside(run, region)), where.key


# ── Exhibits ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def answers_chart(run: ARun, name: str, history: Iterable[tuple[datetime, Answers]]) -> Chart:
    """The share of DNS answers by region at each look, on top of each other."""
    looks = list(history)
    times = tuple(time for time, _ in looks)
    series = tuple(
        Series(region, times, tuple(answers.of(region) for _, answers in looks)) for region in run.service.regions
    )
    title = f"DNS answers by region, at the end: {looks[-1][1]}" if looks else "DNS answers by region: not queried"
    return Chart(name, title, "DNS answers, %", series, (), run.marks(), stacked=True)


def checkers_chart(run: ARun, name: str, measured: tuple[Series, ...] = (), minutes: float = 30) -> Chart:
    """The share of checkers that see a region down: as Route 53 was asked, with the metric where it can be read."""
    series = [*measured]
    if run.calls.failed_region != HOME_OF_GLOBAL:  # the metric is kept there, and nowhere else
        since, until = run.metrics.last(minutes)
        for region, id_ in run.facts.health_checks.items():
            metric = Metric("AWS/Route53", "HealthCheckPercentageHealthy", "Average", (("HealthCheckId", id_),))
            points = cloudwatch.minutes(run.aws, HOME_OF_GLOBAL, [metric], since, until)[0]
            series.append(Series(region, points.times, tuple(100 - value for value in points.values)))
    limit = run.facts.thresholds.checker_down_percent
    worst = max(((value, each.label) for each in series for value in each.values if value is not None), default=None)
    summary = f"at most {worst[0]:.0f} % reported {worst[1]} down" if worst else "not measured"
    limits = (Limit(f"taken out at {limit:g} %", limit),)
    return Chart(
        name, f"Health checkers: {summary}", "checkers that report down, %", tuple(series), limits, run.marks()
    )


def _query(run: ARun) -> tuple[tuple[str, ...], ...]:
    networks = map(ip_network, run.facts.markets.values())
    subnets = [
        str(subnet) for network in networks for subnet in islice(network.subnets(new_prefix=24), _SUBNETS_PER_MARKET)
    ]
    return dns.answers(run.calls, run.facts.dns, run.facts.record, subnets)


def _shares(run: ARun, answers: Iterable[tuple[str, ...]], api: tuple[str, ...], silent: str) -> Answers:
    destinations = [address for answer in answers for address in answer]
    if not destinations:
        raise Unknown(f"the name servers give no address for {run.facts.record}")
    regions = balancer_addresses(run)
    led = [regions.get(address, "") for address in destinations]
    shares = tuple((region, _percent(led, region)) for region in run.facts.load_balancers)
    unknown = tuple(sorted({address for address in destinations if address not in regions}))
    return Answers(shares, tuple(regions.get(address, address) for address in api), silent, unknown, _percent(led, ""))


def _percent(led: Sequence[str], to: str) -> float:
    return round(100 * led.count(to) / len(led), 1)


def balancer_addresses(run: ARun) -> dict[str, str]:
    """The region of each address that a load balancer has now, by its own DNS name.

    One whose name has no answer has no known address: answers that lead there are unknown then.
    """
    regions: dict[str, str] = {}
    for region, balancer in run.facts.load_balancers.items():
        with suppress(Unknown):
            regions |= dict.fromkeys(dns.addresses(run.calls, run.facts.resolver, balancer.host), region)
    return regions
