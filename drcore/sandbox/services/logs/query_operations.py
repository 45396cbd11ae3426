"""CloudWatch Logs: the operations of Insights.

Simplified: log groups are named by the call, not by the command SOURCE; the language is Insights' own, neither SQL
nor PPL; no saved definitions.
"""

import json
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.services.logs.insights_queries import CarryOut, FoundLine, Insights, QueryRun
from drcore.sandbox.services.logs.state import LogGroup, Logs, millis

MOST, MOST_GROUPS = 10_000, 50
"""Rows of a query unless it asks for another number, log groups of one query."""
_GROUPS = ("logGroupName", "logGroupNames", "logGroupIdentifiers")


@operation("logs", "StartQuery")
def start_query(call: AwsCall) -> dict[str, Any]:
    """As the API: the query is compiled here, and refused here if it cannot be."""
    params, logs = call.params, call.world.state(Logs)
    if params.get("queryLanguage") not in (None, "CWLI"):
        raise AwsError("NotImplemented", f"not in the sandbox: Logs Insights in {params['queryLanguage']}", 501)
    named = [name for name in _GROUPS if params.get(name)]
    if len(named) != 1:
        raise AwsError("InvalidParameterException", f"Exactly one of {', '.join(_GROUPS)} is required")
    names = [params[named[0]]] if named[0] == "logGroupName" else list(params[named[0]])
    if len(names) > MOST_GROUPS:
        raise AwsError("InvalidParameterException", f"At most {MOST_GROUPS} log groups can be queried")
    if params["startTime"] > params["endTime"]:
        raise AwsError("InvalidParameterException", "End time should not be before start time")
    most = int(params.get("limit") or MOST)
    carry_out = compiled(params["queryString"], most)
    groups = [logs.group(call.region, name) for name in names]
    since, until = int(params["startTime"]) * 1000, int(params["endTime"]) * 1000
    lines = [each for group in groups for each in lines_of(call.world, group, since, until)]
    text, of = params["queryString"], [group.name for group in groups]
    return {"queryId": call.world.state(Insights).start(call.region, text, carry_out, of, lines).id}


@operation("logs", "GetQueryResults")
def get_query_results(call: AwsCall) -> dict[str, Any]:
    """As the API: of a running query the rows so far, which are not all and may still change."""
    run, now = call.world.state(Insights).get(call.region, call.params["queryId"]), call.world.clock.now()
    rows, looked_at = run.results(now)
    size = min(int(call.params.get("maxItems") or MOST), MOST)
    here, token = page(rows, call.params.get("nextToken"), size, "InvalidParameterException")
    scanned = sum(len(each.line[3]) for each in run.lines[:looked_at])
    return {
        "queryLanguage": "CWLI",
        "status": run.status(now),
        "results": [[{"field": name, "value": value} for name, value in row] for row in here],
        "statistics": {
            "recordsMatched": float(len(rows)),
            "recordsScanned": float(looked_at),
            "bytesScanned": float(scanned),
        },
    } | ({"nextToken": token} if token else {})


@operation("logs", "StopQuery")
def stop_query(call: AwsCall) -> dict[str, Any]:
    """As the API: a query that is over cannot be stopped."""
    insights = call.world.state(Insights)
    insights.stop(insights.get(call.region, call.params["queryId"]))
    return {"success": True}


@operation("logs", "DescribeQueries")
def describe_queries(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first, by group and status."""
    params, now = call.params, call.world.clock.now()
    group, status = params.get("logGroupName"), params.get("status")
    documents = [
        _described(run, now_status)
        for run in call.world.state(Insights).newest_first(call.region)
        if (now_status := run.status(now)) and status in (None, now_status) and (not group or group in run.groups)
    ]
    here, token = page(documents, params.get("nextToken"), int(params.get("maxResults") or 1000))
    return {"queries": list(here)} | ({"nextToken": token} if token else {})


@operation("logs", "GetLogRecord")
def get_log_record(call: AwsCall) -> dict[str, Any]:
    """As the API: all fields of the line that a query's `@ptr` names."""
    for run in call.world.state(Insights).newest_first(call.region):
        for row in run.lines:
            if row.pointer == call.params["logRecordPointer"]:
                return {"logRecord": _record(row)}
    raise AwsError("InvalidParameterException", "The log record pointer is not valid")


def compiled(text: str, most: int) -> CarryOut:
    """A query made ready, that gives `most` rows at most. Raises AwsError (MalformedQueryException, NotImplemented)."""
    # Here, as parser and database take half a second, and most worlds are never asked a query.
    from drcore.sandbox.services.logs.insights_commands import compile_query
    from drcore.sandbox.services.logs.insights_engine import carry_out, check

    query = compile_query(text)
    check(query)
    return lambda lines: carry_out(query, lines, most)


def lines_of(world: World, group: LogGroup, since: int, until: int) -> list[FoundLine]:
    """The lines of a span (milliseconds, both inclusive) that can be found by now."""
    log, lines = f"{world.account}:{group.name}", world.state(Logs).lines(group, since, until)
    return [FoundLine(log, line, f"{group.name}/{line[0]:013d}/{line[1]:09d}") for line in lines]


def _described(run: QueryRun, status: str) -> dict[str, Any]:
    return {
        "queryLanguage": "CWLI",
        "queryId": run.id,
        "queryString": run.text,
        "status": status,
        "createTime": millis(run.begun),
        "logGroupName": run.groups[0],
    }


def _record(found_line: FoundLine) -> dict[str, str]:
    line = found_line.line
    system = {"@timestamp": str(line[0]), "@message": line[3], "@logStream": line[2], "@log": found_line.log}
    try:
        document = json.loads(line[3])
    except ValueError:
        return system
    return system | (_flat(document) if isinstance(document, dict) else {})


def _flat(document: dict[str, Any], before: str = "") -> dict[str, str]:
    fields: dict[str, str] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            fields |= _flat(value, f"{before}{key}.")
        elif value is not None:
            fields[f"{before}{key}"] = str(int(value)) if isinstance(value, bool) else str(value)
    return fields
