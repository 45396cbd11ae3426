"""The traces of both regions, made when somebody asks for them.

A trace goes either to X-Ray or, with Transaction Search on, as spans to the log group `aws/spans`: then X-Ray's own
operations find none of it. Simplified: no span is indexed there; what was traced before the switch stays where it is.
"""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.lateness import Lateness, Told
from drcore.sandbox.core.world import World
from drcore.sandbox.services.logs.state import Logs

SPANS = "aws/spans"
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One service's part of a trace. `parent` is the id of the one that has called it; `thrown` is type and message."""

    id: str
    name: str
    origin: str
    seconds: float
    parent: str = ""
    status: int = 200
    fault: bool = False
    thrown: tuple[str, str] | None = None

    @property
    def refused(self) -> bool:
        """Whether the fault is its caller's: what X-Ray calls an error."""
        return 400 <= self.status < 500


@dataclass(frozen=True, slots=True)
class Trace:
    """One request as it went through the services; the first call is the root."""

    id: str
    at: datetime
    calls: tuple[TracedCall, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> datetime:
        return self.at + timedelta(seconds=self.calls[0].seconds)

    def document(self, call: TracedCall) -> dict[str, Any]:
        """A call as X-Ray's segment document has it."""
        begun = self.at.timestamp()
        fields: dict[str, Any] = {
            "id": call.id,
            "trace_id": self.id,
            "name": call.name,
            "origin": call.origin,
            "start_time": begun,
            "end_time": begun + call.seconds,
            "http": {"response": {"status": call.status}},
            "annotations": dict(self.annotations),
        }
        fields |= {"parent_id": call.parent} if call.parent else {}
        fields |= {"fault": True} if call.fault else {}
        if call.thrown:
            kind, message = call.thrown
            fields["cause"] = {"exceptions": [{"id": call.id, "type": kind, "message": message}]}
        return fields

    def span(self, call: TracedCall) -> dict[str, Any]:
        """A call as OpenTelemetry's span, as it lies in the log group."""
        callee = next((each.name for each in self.calls if each.parent == call.id), "")
        fields: dict[str, Any] = {
            "traceId": self.id.replace("-", "")[1:],
            "spanId": call.id,
            "parentSpanId": call.parent,
            "name": call.name,
            "durationNano": int(1e9 * call.seconds),
            "status": {"code": "ERROR" if call.fault else "OK"},
            "attributes": {"aws.local.service": call.name, **self.annotations},
        }
        fields["attributes"] |= {"aws.remote.service": callee} if callee else {}
        if call.thrown:
            fields["attributes"] |= {"exception.type": call.thrown[0], "exception.message": call.thrown[1]}
        return fields


Making = Callable[[], list[Trace]]


class Traces:
    """What was traced, by region."""

    def __init__(self, world: World) -> None:
        self._world, self._logs, self._lateness = world, world.state(Logs), world.state(Lateness)
        self._made: dict[str, list[tuple[datetime, Making]]] = defaultdict(list)
        self.searched: set[str] = set()
        """The regions whose spans go to the log group."""
        world.add_to_dump("xray", lambda: sorted(self.searched))

    def add(self, region: str, at: datetime, make: Making) -> None:
        """Traces that have begun within the hour before a moment; they are made when somebody asks for them."""
        if region not in self.searched:
            self._made[region].append((at, functools.cache(make)))
            return
        for trace in make():
            for call in trace.calls:
                self._logs.write(region, SPANS, trace.at, json.dumps(trace.span(call)))

    def between(self, region: str, since: datetime, until: datetime) -> Iterator[Trace]:
        """The traces that have begun in a span and can be found by now, oldest first."""
        now, hour = self._world.clock.now(), timedelta(hours=1)
        known = [make for at, make in self._made[region] if max(since, now - KEPT) <= at <= until + hour]
        traces = [trace for make in known for trace in make()]
        for trace in sorted(traces, key=lambda trace: (trace.at, trace.id)):
            if max(since, now - KEPT) <= trace.at <= until and self._is_found(trace, now):
                yield trace

    def _is_found(self, trace: Trace, now: datetime) -> bool:
        return self._lateness.at(Told.TRACE, trace.ended, trace.id) <= now.timestamp()

    def of(self, region: str, ids: list[str]) -> dict[str, Trace]:
        """The traces with these ids that can be found by now: an id begins with the second of its trace."""
        by_id: dict[str, Trace] = {}
        now = self._world.clock.now()
        for second in sorted({int(each.split("-")[1], 16) for each in ids}):
            at = datetime.fromtimestamp(second, now.tzinfo)
            by_id |= {each.id: each for each in self.between(region, at, at + timedelta(seconds=1)) if each.id in ids}
        return by_id
