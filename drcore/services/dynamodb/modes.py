"""DynamoDB: how a table is kept, what hangs on it, one region's at a time: what no restore brings along."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.calls.aws import Aws

_OFF = {"DISABLED", "DISABLING"}  # whatever else there may be counts as on: it is for a person to look


@dataclass(frozen=True, slots=True)
class TableModes:
    """How a table is kept.

    - `key`: the ARN of the customer's KMS key, empty: the key is DynamoDB's own, or AWS's.
    - `provisioned`: it has capacity units in place of on-demand.
    - `strong`: its replicas are strongly consistent (MRSC): it takes no transaction, and no replica once it has items.
    - `storage`: its class, such as STANDARD_INFREQUENT_ACCESS.
    - `stream`: the ARN of its stream, empty: it has none.
    - `indexes`: the names of its global secondary indexes, sorted.
    """

    key: str = ""
    provisioned: bool = False
    strong: bool = False
    storage: str = "STANDARD"
    stream: str = ""
    indexes: tuple[str, ...] = ()


def modes(aws: Aws, region: str, table: str) -> TableModes:
    """Raises Rejected when there is no table, Unknown."""
    description = aws.call("dynamodb", region, "describe_table", TableName=table)["Table"]
    encryption = description.get("SSEDescription", {})
    return TableModes(
        encryption.get("KMSMasterKeyArn", "") if encryption.get("SSEType") == "KMS" else "",
        description.get("BillingModeSummary", {}).get("BillingMode") != "PAY_PER_REQUEST",
        description.get("MultiRegionConsistency", "EVENTUAL") != "EVENTUAL",
        description.get("TableClassSummary", {}).get("TableClass", "STANDARD"),
        description.get("LatestStreamArn", "")
        if description.get("StreamSpecification", {}).get("StreamEnabled")
        else "",
        tuple(sorted(each["IndexName"] for each in description.get("GlobalSecondaryIndexes", ()))),
    )


def kinesis(aws: Aws, region: str, table: str) -> tuple[str, ...]:
    """The ARNs of the Kinesis streams that its changes go to, sorted. Raises Rejected, Unknown."""
    answer = aws.call("dynamodb", region, "describe_kinesis_streaming_destination", TableName=table)
    streams = answer.get("KinesisDataStreamDestinations", ())
    return tuple(sorted(each["StreamArn"] for each in streams if each.get("DestinationStatus") not in _OFF))


def insights(aws: Aws, region: str, table: str) -> bool:
    """Whether Contributor Insights is on. Raises Rejected, Unknown."""
    answer = aws.call("dynamodb", region, "describe_contributor_insights", TableName=table)
    return answer["ContributorInsightsStatus"] not in _OFF
