"""AWS Health: public events about regions, late as they are.

Simplified: one event for each outage and service, seen fifteen minutes after it began and closed ten minutes after it
was over; the account is not named as affected.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.outages import Outage, OutageKind, Regions
from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.core.world import World

LATE, CLOSING = timedelta(minutes=15), timedelta(minutes=10)

_SERVICES: Mapping[OutageKind, tuple[str, ...]] = {OutageKind.LAMBDA_SQS: ("LAMBDA", "SQS")}


@operation("health", "DescribeEvents")
def describe_events(call: AwsCall) -> dict[str, Any]:
    """As the API, newest first, with the filters on arn, service, region, category and status."""
    params = call.params
    events = [event for event in _events(call.world) if _wanted(event, params.get("filter") or {})]
    size = int(params.get("maxResults") or 100)
    here, token = page(events[::-1], params.get("nextToken"), size, "InvalidPaginationToken")
    return {"events": list(here)} | ({"nextToken": token} if token else {})


@operation("health", "DescribeEventDetails")
def describe_event_details(call: AwsCall) -> dict[str, Any]:
    """As the API: the event, with a text."""
    known = {event["arn"]: event for event in _events(call.world)}
    events = [known[arn] for arn in call.params["eventArns"] if arn in known]
    missing = [arn for arn in call.params["eventArns"] if arn not in known]
    return {
        "successfulSet": [
            {"event": event, "eventDescription": {"latestDescription": _text(event)}} for event in events
        ],
        "failedSet": [{"eventArn": arn, "errorName": "InvalidEventArn"} for arn in missing],
    }


def open_events(world: World) -> list[dict[str, Any]]:
    """The open ones, oldest first: what AWS's public page shows."""
    return [event for event in _events(world) if event["statusCode"] == "open"]


def _events(world: World) -> Iterator[dict[str, Any]]:
    """What the page says by now, oldest first."""
    now = world.clock.now()
    for outage in world.state(Regions).outages:
        if now >= outage.since + LATE:
            for service in _SERVICES.get(outage.kind, ("MULTIPLE_SERVICES",)):
                yield _event(outage, service, now)


def _event(outage: Outage, service: str, now: datetime) -> dict[str, Any]:
    code = f"AWS_{service}_OPERATIONAL_ISSUE"
    digest = hashlib.sha256(f"{outage.region}{outage.since}{service}".encode()).hexdigest()[:10].upper()
    closed = outage.until is not None and now >= outage.until + CLOSING
    event = {
        "arn": f"arn:aws:health:{outage.region}::event/{service}/{code}/{code}_{digest}",
        "service": service,
        "eventTypeCode": code,
        "eventTypeCategory": "issue",
        "eventScopeCode": "PUBLIC",
        "region": outage.region,
        "startTime": outage.since,
        "lastUpdatedTime": now,
        "statusCode": "closed" if closed else "open",
    }
    return event | ({"endTime": outage.until} if closed else {})


def _wanted(event: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    named = {
        "eventArns": "arn",
        "services": "service",
        "regions": "region",
        "eventTypeCodes": "eventTypeCode",
        "eventTypeCategories": "eventTypeCategory",
        "eventStatusCodes": "statusCode",
    }
    if any(asked.get(key) and event[of] not in asked[key] for key, of in named.items()):
        return False
    began, spans = event["startTime"], asked.get("startTimes") or [{}]
    return any(aware(span.get("from") or began) <= began <= aware(span.get("to") or began) for span in spans)


def _text(event: Mapping[str, Any]) -> str:
    state = "has been resolved" if event["statusCode"] == "closed" else "is being investigated"
    return f"An operational issue of {event['service']} in {event['region']} {state}."
