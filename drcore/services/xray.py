"""X-Ray: traces by what is said of them, the map of their services.

With Transaction Search on X-Ray finds none of them: their spans lie in a log group, and Logs Insights reads them. A
trace is a sample. That there is none proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from drcore.calls.aws import Aws
from drcore.errors import Missing, Unknown

WINDOW = timedelta(hours=6)  # the longest span that one question may have
_BATCH = 5  # ids in one question


class TraceStore(StrEnum):
    """Where the segments of a region go."""

    XRAY = "XRay"
    LOGS = "CloudWatchLogs"


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One trace: whether its root failed (5xx, or thrown)."""

    id: str
    fault: bool


@dataclass(frozen=True, slots=True)
class ServiceNode:
    """A service of some traces: calls of it, those that failed, the services that it called."""

    name: str
    kind: str = ""
    calls: int = 0
    faults: int = 0
    calls_to: tuple[str, ...] = field(default=(), metadata={"label": "calls"})


@dataclass(frozen=True, slots=True)
class Thrown:
    """An exception that a service has thrown in a trace."""

    service: str
    kind: str
    message: str


def destination(aws: Aws, region: str) -> TraceStore:
    """Where segments go now. Raises Unknown for a place that is not known, or not reached yet; Rejected."""
    answer = aws.call("xray", region, "get_trace_segment_destination")
    if answer.get("Status") != "ACTIVE":
        raise Unknown(f"xray in {region}: the destination of traces is {answer.get('Status')}: both may have some")
    try:
        return TraceStore(answer["Destination"])
    except ValueError as error:
        raise Unknown(f"xray in {region}: traces go to {answer['Destination']}, which is not known") from error


def summaries(aws: Aws, region: str, expression: str, since: datetime, until: datetime) -> tuple[TraceSummary, ...]:
    """The traces that have begun in a span of at most six hours and that an expression finds.

    Raises Rejected for a longer span, or an expression that cannot be; Unknown.
    """
    listed = aws.pages(
        "xray",
        region,
        "get_trace_summaries",
        "TraceSummaries",
        StartTime=since,
        EndTime=until,
        TimeRangeType="Event",
        Sampling=False,
        FilterExpression=expression,
    )
    return tuple(TraceSummary(each["Id"], bool(each["HasFault"])) for each in listed)


def service_map(aws: Aws, region: str, traces: Sequence[str]) -> tuple[ServiceNode, ...]:
    """The services of some traces, by their ids. Raises Unknown, Rejected."""
    nodes = list(aws.pages("xray", region, "get_trace_graph", "Services", TraceIds=list(traces)))
    names = {each["ReferenceId"]: each["Name"] for each in nodes}
    return tuple(_node(each, names) for each in nodes)


def _node(node: Mapping[str, Any], names: Mapping[int, str]) -> ServiceNode:
    statistics = node["SummaryStatistics"]
    return ServiceNode(
        node["Name"],
        node.get("Type", ""),
        statistics["TotalCount"],
        statistics["FaultStatistics"]["TotalCount"],
        tuple(names[each["ReferenceId"]] for each in node.get("Edges", ())),
    )


def thrown(aws: Aws, region: str, traces: Sequence[str]) -> tuple[Thrown, ...]:
    """The exceptions of some traces, as their segments tell. Raises Unknown, Rejected."""
    causes: list[Thrown] = []
    for first in range(0, len(traces), _BATCH):
        asked = list(traces[first : first + _BATCH])
        read = list(aws.pages("xray", region, "batch_get_traces", "Traces", TraceIds=asked))
        lacking = set(asked) - {each["Id"] for each in read}
        if lacking:
            raise Missing(f"xray in {region}: {len(lacking)} of the traces are not there (any more)", "NoSuchTrace")
        for trace in read:
            for segment in trace["Segments"]:
                causes += _exceptions(trace["Id"], segment["Document"], region)
    return tuple(causes)


def _exceptions(trace: str, document: str, region: str) -> list[Thrown]:
    try:
        segment = json.loads(document)
        exceptions = segment.get("cause", {}).get("exceptions", ())
        return [Thrown(segment["name"], each.get("type", ""), each.get("message", "")) for each in exceptions]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise Unknown(f"xray in {region}: a segment of {trace} cannot be read: {error}") from error
