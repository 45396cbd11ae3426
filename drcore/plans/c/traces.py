"""What traces tell of a version of the app: how many are faulty, where, what was thrown, the map of their services.

X-Ray has them or, with Transaction Search on, the log group of spans: both are read, as the region says where they go.
They are samples: that none is faulty proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from drcore.engine.labels import label
from drcore.errors import Rejected, Unknown
from drcore.plans.c.facts import CRun
from drcore.record.evidence import Table
from drcore.services import logs, xray
from drcore.services.logs import LogQuery, LogRow
from drcore.services.xray import ServiceNode, TraceStore

_EXAMPLES = 20  # faulty traces that are looked into
_SERVICE, _CALLEE = "attributes.aws.local.service", "attributes.aws.remote.service"


@dataclass(frozen=True, slots=True)
class ThrownCount:
    """What a service has thrown, in how many of the traces that were looked into."""

    service: str
    error: str
    traces: int

    def describe(self) -> str:
        return f"{self.error} in {self.service}, {self.traces} times"


@dataclass(frozen=True, slots=True)
class TracedVersion:
    """The sampled traces of a version; `missing` says why they could not be read, else empty."""

    version: str
    store: str = field(default="", metadata=label("read from"))
    traces: int = 0
    faulty: int = 0
    thrown: tuple[ThrownCount, ...] = ()
    services: tuple[ServiceNode, ...] = field(default=(), metadata=label("services"))
    missing: str = ""

    def describe(self) -> str:
        if self.missing:
            return f"traces of {self.version}: {self.missing}"
        if not self.traces:
            return f"no trace of {self.version} was sampled, which proves nothing"
        worst = f", most often {self.thrown[0].describe()}" if self.thrown else ""
        return f"{self.faulty} of {self.traces} sampled traces of {self.version} are faulty{worst}"


def traced(run: CRun, version: str) -> TracedVersion:
    """What the traces of the last hours tell of a version. What cannot be read is said, not raised."""
    region = run.facts.traces.region
    try:
        if xray.destination(run.aws, region) is TraceStore.LOGS:
            return _by_spans(run, version)
        return _by_xray(run, version)
    except (Unknown, Rejected) as error:
        return TracedVersion(version, missing=f"cannot be read: {error}"[:300])


def _by_xray(run: CRun, version: str) -> TracedVersion:
    where, until = run.facts.traces, run.clock.now()
    asked = f'annotation.{where.annotation} = "{version}"'
    summaries = xray.summaries(run.aws, where.region, asked, until - xray.WINDOW, until)
    faulty = [each.id for each in summaries if each.fault]
    looked_into = faulty[-_EXAMPLES:]
    errors = [(each.service, f"{each.kind} {each.message}") for each in xray.thrown(run.aws, where.region, looked_into)]
    services = xray.service_map(run.aws, where.region, looked_into) if looked_into else ()
    counted = sorted(((errors.count(each), each) for each in dict.fromkeys(errors)), key=lambda pair: -pair[0])
    return TracedVersion(
        version,
        TraceStore.XRAY,
        len(summaries),
        len(faulty),
        tuple(ThrownCount(service, error, count) for count, (service, error) in counted),
        services,
    )


def _by_spans(run: CRun, version: str) -> TracedVersion:
    where, now = run.facts.traces, run.clock.now()
    until = now - timedelta(seconds=logs.SEARCHABLE_S)
    of = f'filter attributes.{where.annotation} = "{version}"'
    failed = 'status.code = "ERROR"'
    kind, message = "attributes.exception.type", "attributes.exception.message"
    texts = (
        f"{of} | stats count_distinct(traceId) as traces",
        f"{of} and {failed} | stats count_distinct(traceId) as traces",
        f"{of} and {failed} | stats count(*) as n by {_SERVICE}, {kind}, {message} | sort n desc | limit 20",
        f"{of} | stats count(*) as n by {_SERVICE}, {_CALLEE}, status.code",
    )
    queries = [LogQuery(where.region, (where.spans,), text) for text in texts]
    all_, faulty, thrown, calls = logs.insights(run.aws, run.clock, queries, now - xray.WINDOW, until, within=60)
    return TracedVersion(
        version,
        TraceStore.LOGS,
        _number(all_),
        _number(faulty),
        tuple(_thrown(row) for row in thrown),
        _services(calls),
    )


def _number(rows: Sequence[LogRow]) -> int:
    return int(rows[0].number("traces") or 0) if rows else 0


def _thrown(row: LogRow) -> ThrownCount:
    kind, message = (row.text(f"attributes.exception.{name}") or "" for name in ("type", "message"))
    return ThrownCount(row.text(_SERVICE) or "not told", f"{kind} {message}".strip(), int(row.number("n") or 0))


def _services(rows: Sequence[LogRow]) -> tuple[ServiceNode, ...]:
    nodes = []
    for name in dict.fromkeys(row.text(_SERVICE) or "not told" for row in rows):
        mine = [row for row in rows if (row.text(_SERVICE) or "not told") == name]
        counts = [(int(row.number("n") or 0), row.text("status.code") == "ERROR") for row in mine]
        callees = dict.fromkeys(callee for row in mine if (callee := row.text(_CALLEE)))
        nodes.append(
            ServiceNode(name, "", sum(n for n, _ in counts), sum(n for n, failed in counts if failed), tuple(callees))
        )
    return tuple(nodes)


def shown_traces(known: Sequence[TracedVersion]) -> Iterator[Table]:
    """The faulty traces by what was thrown, the map of the services."""
    text = "; ".join(each.describe() for each in known) or "none were read"
    rows = tuple(
        (seen.version, each.service, each.error, each.traces, seen.store) for seen in known for each in seen.thrown
    )
    columns = ("version", "service", "thrown", "traces", "read from")
    yield Table("faulty-traces", f"Faulty traces: {text}", columns, rows)
    nodes = tuple(
        (seen.version, each.name, each.kind, each.calls, each.faults, ", ".join(each.calls_to) or "nothing")
        for seen in known
        for each in seen.services
    )
    worst = max(nodes, key=lambda node: node[4], default=None)
    first = f"{worst[4]} of {worst[3]} calls of {worst[1]} fail" if worst and worst[4] else "no service fails"
    of_map = ("version", "service", "kind", "calls", "faults", "calls on")
    yield Table("service-map", f"The services of these traces: {first}", of_map, nodes)
