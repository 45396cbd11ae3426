"""CloudWatch Logs: lines that can be searched by terms.

moto searches each stream line by line in Python objects, which is too slow for the logs of a busy API.
Simplified: no subscription. A line can be found some seconds after it was written.
"""

from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.logs.patterns import matcher
from drcore.sandbox.services.logs.state import Line, LogGroup, Logs

LONGEST = 10_000
"""Lines of one page at most."""


@operation("logs", "CreateLogGroup")
def create_log_group(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    logs, name = call.world.state(Logs), call.params["logGroupName"]
    if name in logs.groups.get(call.region, {}):
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    logs.create(call.region, name)
    return {}


@operation("logs", "DeleteLogGroup")
def delete_log_group(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    gone = call.world.state(Logs).group(call.region, call.params["logGroupName"])
    del call.world.state(Logs).groups[call.region][gone.name]
    return {}


@operation("logs", "CreateLogStream")
def create_log_stream(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    logs, name = call.world.state(Logs), call.params["logStreamName"]
    group = logs.group(call.region, call.params["logGroupName"])
    if name in group.streams:
        raise AwsError("ResourceAlreadyExistsException", "The specified log stream already exists")
    group.streams[name] = logs.now()
    return {}


@operation("logs", "PutRetentionPolicy")
def put_retention_policy(call: AwsCall) -> dict[str, Any]:
    """As the API; nothing expires while the world lives."""
    group = call.world.state(Logs).group(call.region, call.params["logGroupName"])
    group.retention = int(call.params["retentionInDays"])
    return {}


@operation("logs", "DescribeLogGroups")
def describe_log_groups(call: AwsCall) -> dict[str, Any]:
    """As the API, 50 a page, by name."""
    prefix, part = call.params.get("logGroupNamePrefix") or "", call.params.get("logGroupNamePattern") or ""
    groups = call.world.state(Logs).groups.get(call.region, {})
    documents = [_group(call, groups[name]) for name in sorted(groups) if name.startswith(prefix) and part in name]
    return _page(call, "logGroups", documents)


@operation("logs", "DescribeLogStreams")
def describe_log_streams(call: AwsCall) -> dict[str, Any]:
    """As the API, by name."""
    group = _asked(call)
    prefix = call.params.get("logStreamNamePrefix") or ""
    documents = [
        {"logStreamName": name, "creationTime": at, "arn": f"{_arn(call, group)}:log-stream:{name}"}
        for name, at in sorted(group.streams.items())
        if name.startswith(prefix)
    ]
    return _page(call, "logStreams", documents)


@operation("logs", "PutLogEvents")
def put_log_events(call: AwsCall) -> dict[str, Any]:
    """As the API: the stream must be there."""
    logs, params = call.world.state(Logs), call.params
    group = logs.group(call.region, params["logGroupName"])
    if params["logStreamName"] not in group.streams:
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
    for event in params["logEvents"]:
        logs.write(call.region, group.name, aware(event["timestamp"] / 1000), event["message"], params["logStreamName"])
    return {"nextSequenceToken": str(group.written)}


@operation("logs", "FilterLogEvents")
def filter_log_events(call: AwsCall) -> dict[str, Any]:
    """As the API: oldest first, of all streams or of those that are named, from startTime to endTime."""
    params = call.params
    group, logs = _asked(call), call.world.state(Logs)
    since, until = params.get("startTime"), params.get("endTime")
    if since is not None and until is not None and since > until:
        raise AwsError("InvalidParameterException", "startTime must not be after endTime")
    names, prefix = params.get("logStreamNames") or [], params.get("logStreamNamePrefix") or ""
    matches = matcher(params.get("filterPattern") or "")
    lines = [
        line
        for line in logs.lines(group, since, until)
        if (not names or line[2] in names) and line[2].startswith(prefix) and matches(line[3])
    ]
    size = min(int(params.get("limit") or LONGEST), LONGEST)
    here, token = page(lines, params.get("nextToken"), size, "InvalidParameterException")
    events = [_event(line) | {"logStreamName": line[2], "eventId": f"{line[0]:020d}{line[1]:036d}"} for line in here]
    return {"events": events, "searchedLogStreams": []} | ({"nextToken": token} if token else {})


@operation("logs", "GetLogEvents")
def get_log_events(call: AwsCall) -> dict[str, Any]:
    """As the API for a stream's first page, oldest first; the token says that there is no more."""
    params = call.params
    group, logs = _asked(call), call.world.state(Logs)
    if params["logStreamName"] not in group.streams:
        raise AwsError("ResourceNotFoundException", "The specified log stream does not exist.")
    lines = [
        line
        for line in logs.lines(group, params.get("startTime"), params.get("endTime"))
        if line[2] == params["logStreamName"]
    ]
    size = int(params.get("limit") or LONGEST)
    here = lines[:size] if params.get("startFromHead") else lines[-size:]
    return {"events": [_event(line) for line in here], "nextForwardToken": "f/0", "nextBackwardToken": "b/0"}


def _asked(call: AwsCall) -> LogGroup:
    name = call.params.get("logGroupName") or call.params.get("logGroupIdentifier") or ""
    return call.world.state(Logs).group(call.region, name)


def _event(line: Line) -> dict[str, Any]:
    return {"timestamp": line[0], "message": line[3], "ingestionTime": line[4]}


def _group(call: AwsCall, group: LogGroup) -> dict[str, Any]:
    stored = sum(len(line[3]) + 26 for line in group.lines)
    return {
        "logGroupName": group.name,
        "creationTime": group.created,
        "arn": f"{_arn(call, group)}:*",
        "logGroupArn": _arn(call, group),
        "storedBytes": stored,
        "metricFilterCount": 0,
        "logGroupClass": "STANDARD",
    } | ({"retentionInDays": group.retention} if group.retention else {})


def _arn(call: AwsCall, group: LogGroup) -> str:
    return f"arn:aws:logs:{call.region}:{call.account}:log-group:{group.name}"


def _page(call: AwsCall, name: str, documents: list[dict[str, Any]]) -> dict[str, Any]:
    here, token = page(documents, call.params.get("nextToken"), int(call.params.get("limit") or 50))
    return {name: list(here)} | ({"nextToken": token} if token else {})
