"""DynamoDB: what looks at a table's changes or requests: Kinesis streams, Contributor Insights.

Simplified: nothing is delivered to a stream, no rule is evaluated; a destination is ACTIVE at once, whatever its ARN.
"""

from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.services.dynamodb.item_operations import tables
from drcore.sandbox.services.dynamodb.replica import Replica


def _replica(call: AwsCall) -> Replica:
    replica = tables(call).find(call.region, call.params["TableName"])
    if replica is None:
        raise AwsError("ResourceNotFoundException", f"Requested resource not found: Table: {call.params['TableName']}")
    return replica


@operation("dynamodb", "EnableKinesisStreamingDestination")
def enable_kinesis_streaming_destination(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica, arn = _replica(call), call.params["StreamArn"]
    if arn in replica.settings.kinesis:
        raise AwsError("ValidationException", f"Table is already in a valid KinesisStreamingDestination state: {arn}")
    replica.settings.kinesis.append(arn)
    return {"TableName": replica.name, "StreamArn": arn, "DestinationStatus": "ENABLING"}


@operation("dynamodb", "DescribeKinesisStreamingDestination")
def describe_kinesis_streaming_destination(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica = _replica(call)
    destinations = [{"StreamArn": arn, "DestinationStatus": "ACTIVE"} for arn in replica.settings.kinesis]
    return {"TableName": replica.name, "KinesisDataStreamDestinations": destinations}


@operation("dynamodb", "UpdateContributorInsights")
def update_contributor_insights(call: AwsCall) -> dict[str, Any]:
    """As the API, for a table, not for an index."""
    replica = _replica(call)
    replica.settings.insights = call.params["ContributorInsightsAction"] == "ENABLE"
    return {"TableName": replica.name, "ContributorInsightsStatus": "ENABLING" if _on(replica) else "DISABLING"}


@operation("dynamodb", "DescribeContributorInsights")
def describe_contributor_insights(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    replica = _replica(call)
    return {"TableName": replica.name, "ContributorInsightsStatus": "ENABLED" if _on(replica) else "DISABLED"}


def _on(replica: Replica) -> bool:
    return replica.settings.insights
