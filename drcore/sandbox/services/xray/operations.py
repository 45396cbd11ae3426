"""X-Ray: the operations that read traces.

Simplified: groups, insights and sampling are moto's; a graph counts the calls of the traces that it is asked of.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.xray.filters import finds
from drcore.sandbox.services.xray.state import Trace, TracedCall, Traces

_WINDOW = timedelta(hours=6)
_PAGE, _BATCH = 100, 5


@operation("xray", "GetTraceSummaries")
def get_trace_summaries(call: AwsCall) -> dict[str, Any]:
    """As the API: of at most six hours, those that the filter expression finds, newest last, a hundred a page."""
    since, until = aware(call.params["StartTime"]), aware(call.params["EndTime"])
    if not timedelta(0) < until - since <= _WINDOW:
        raise AwsError("InvalidRequestException", "The time range must be longer than zero and at most 6 hours")
    wanted = finds(call.params.get("FilterExpression") or "")
    looked = list(call.world.state(Traces).between(call.region, since, until))
    summaries = [_summary(trace) for trace in looked if wanted(trace)]
    here, token = page(summaries, call.params.get("NextToken"), _PAGE, "InvalidRequestException")
    answer = {"TraceSummaries": list(here), "ApproximateTime": since, "TracesProcessedCount": len(looked)}
    return answer | ({"NextToken": token} if token else {})


@operation("xray", "BatchGetTraces")
def batch_get_traces(call: AwsCall) -> dict[str, Any]:
    """As the API: five at most; one that it does not find is unprocessed."""
    ids = _ids(call, _BATCH)
    known = call.world.state(Traces).of(call.region, ids)
    traces = [
        {
            "Id": each.id,
            "Duration": each.calls[0].seconds,
            "LimitExceeded": False,
            "Segments": [{"Id": part.id, "Document": json.dumps(each.document(part))} for part in each.calls],
        }
        for each in known.values()
    ]
    return {"Traces": traces, "UnprocessedTraceIds": [each for each in ids if each not in known]}


@operation("xray", "GetTraceGraph")
def get_trace_graph(call: AwsCall) -> dict[str, Any]:
    """As the API: the services of some traces, who has called whom, how often it went wrong."""
    return {"Services": _graph(call.world.state(Traces).of(call.region, _ids(call, 1000)).values())}


@operation("xray", "GetTraceSegmentDestination")
def get_trace_segment_destination(call: AwsCall) -> dict[str, Any]:
    """As the API: X-Ray, or CloudWatch Logs with Transaction Search on."""
    return _destination(call)


@operation("xray", "UpdateTraceSegmentDestination")
def update_trace_segment_destination(call: AwsCall) -> dict[str, Any]:
    """As the API, at once; AWS is PENDING for some minutes."""
    searched = call.world.state(Traces).searched
    if call.params.get("Destination") == "CloudWatchLogs":
        searched.add(call.region)
    else:
        searched.discard(call.region)
    return _destination(call)


def _destination(call: AwsCall) -> dict[str, Any]:
    searched = call.region in call.world.state(Traces).searched
    return {"Destination": "CloudWatchLogs" if searched else "XRay", "Status": "ACTIVE"}


def _ids(call: AwsCall, most: int) -> list[str]:
    ids = [str(each) for each in call.params["TraceIds"]]
    if not ids or len(ids) > most:
        raise AwsError("InvalidRequestException", f"TraceIds must have 1 to {most} ids, not {len(ids)}")
    return ids


def _summary(trace: Trace) -> dict[str, Any]:
    root = trace.calls[0]
    return {
        "Id": trace.id,
        "StartTime": trace.at,
        "Duration": root.seconds,
        "ResponseTime": root.seconds,
        "HasFault": root.fault,
        "HasError": root.refused,
        "HasThrottle": root.status == 429,
        "IsPartial": False,
        "Http": {"HttpStatus": root.status},
        "Annotations": {
            name: [{"AnnotationValue": {"StringValue": value}, "ServiceIds": []}]
            for name, value in trace.annotations.items()
        },
        "ServiceIds": [_service_id(each) for each in trace.calls],
        "EntryPoint": _service_id(root),
    }


def _service_id(call: TracedCall) -> dict[str, Any]:
    return {"Name": call.name, "Names": [call.name], "Type": call.origin}


def _graph(traces: Iterable[Trace]) -> list[dict[str, Any]]:
    parts: dict[tuple[str, str], list[TracedCall]] = {}
    calls: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    spans: list[Trace] = list(traces)
    for trace in spans:
        by_id = {each.id: each for each in trace.calls}
        for call in trace.calls:
            parts.setdefault((call.name, call.origin), []).append(call)
            if call.parent:
                caller = by_id[call.parent]
                calls.setdefault((caller.name, caller.origin), Counter())[call.name, call.origin] += 1
    numbers = {key: number for number, key in enumerate(parts)}
    return [
        {
            "ReferenceId": numbers[key],
            "Name": key[0],
            "Names": [key[0]],
            "Type": key[1],
            "Root": any(each.calls[0].name == key[0] for each in spans),
            "State": "active",
            "SummaryStatistics": _statistics(calls_of_part),
            "Edges": [
                {"ReferenceId": numbers[callee], "SummaryStatistics": {"TotalCount": count}}
                for callee, count in calls.get(key, {}).items()
            ],
        }
        for key, calls_of_part in parts.items()
    ]


def _statistics(calls: list[TracedCall]) -> Mapping[str, Any]:
    faults, errors = sum(each.fault for each in calls), sum(each.refused for each in calls)
    return {
        "OkCount": len(calls) - faults - errors,
        "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": errors, "TotalCount": errors},
        "FaultStatistics": {"OtherCount": faults, "TotalCount": faults},
        "TotalCount": len(calls),
        "TotalResponseTime": sum(each.seconds for each in calls),
    }
