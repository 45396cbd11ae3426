"""AWS's public page about the health of its regions, as health.aws.amazon.com/public/currentevents answers.

It stands outside the regions: it answers while us-east-1, where AWS Health's API is, does not. Simplified: the same
events as those of the API, as late as there; no log of updates; JSON in UTF-8, where the real one has UTF-16.
"""

from drcore.sandbox.core.registry import HttpCall, JsonReply, http_route
from drcore.sandbox.services.health import open_events


@http_route("GET", "/aws-status/public/currentevents")
def current_events(call: HttpCall) -> JsonReply:
    """The open events, oldest first."""
    return JsonReply(
        200,
        [
            {
                "date": str(int(event["startTime"].timestamp())),
                "arn": event["arn"],
                "region_name": event["region"],
                "status": "1",
                "service": f"{event['service'].lower()}-{event['region']}",
                "service_name": event["service"],
                "summary": "Operational issue",
            }
            for event in open_events(call.world)
        ],
    )
