"""CloudTrail: LookupEvents of one region, newest first.

Simplified: only changes are events, not what was read; names of events have no version suffix (Lambda's have on AWS);
one attribute narrows the search, as on AWS.
"""

from datetime import datetime
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.cloudtrail.state import Trail, TrailEvent

LONGEST_PAGE = 50


@operation("cloudtrail", "LookupEvents")
def lookup_events(call: AwsCall) -> dict[str, Any]:
    """As the API; what happened in the last minutes is not there yet."""
    params = call.params
    since, until = _time(params.get("StartTime")), _time(params.get("EndTime"))
    if since and until and since > until:
        raise AwsError("InvalidTimeRangeException", "The start time must be before the end time.")
    wanted = params.get("LookupAttributes") or []
    if len(wanted) > 1:
        raise AwsError("InvalidLookupAttributesException", "You can specify only one lookup attribute.")
    events = [
        event
        for event in call.world.state(Trail).known(call.region)
        if (since is None or event.at >= since)
        and (until is None or event.at <= until)
        and all(_matches(event, each["AttributeKey"], each["AttributeValue"]) for each in wanted)
    ]
    size = min(int(params.get("MaxResults") or LONGEST_PAGE), LONGEST_PAGE)
    here, token = page(events, params.get("NextToken"), size)
    return {"Events": [_document(event) for event in here]} | ({"NextToken": token} if token else {})


def _matches(event: TrailEvent, key: str, value: str) -> bool:
    match key:
        case "EventName":
            return event.name == value
        case "EventSource":
            return event.source == value
        case "Username":
            return event.user == value
        case "ResourceName":
            return any(value in (name, name.rpartition("/")[2]) for name in event.resources)
        case "EventId":
            return event.id == value
        case "ReadOnly":
            return value == "false"
        case "AccessKeyId":
            return bool(value) and event.key == value
        case "ResourceType":
            return False
    raise AwsError("InvalidLookupAttributesException", f"{key} is not a valid attribute key.")


def _document(event: TrailEvent) -> dict[str, Any]:
    return {
        "EventId": event.id,
        "EventName": event.name,
        "ReadOnly": "false",
        "EventTime": event.at,
        "EventSource": event.source,
        "Username": event.user,
        "Resources": [{"ResourceName": name} for name in event.resources],
        "CloudTrailEvent": event.document,
    } | ({"AccessKeyId": event.key} if event.key else {})


def _time(moment: datetime | None) -> datetime | None:
    return None if moment is None else aware(moment)
