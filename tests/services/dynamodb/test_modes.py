"""How a table is kept, read as it is."""

from __future__ import annotations

from drcore.calls.aws import Aws
from drcore.services.dynamodb import modes
from tests.support.service_calls import EAST, TABLE

KEY = "arn:aws:kms:us-east-1:123456789012:key/1"
KINESIS = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"


def test_how_the_table_in_use_is_kept(aws: Aws) -> None:
    found = modes.modes(aws, EAST, TABLE)
    assert found == modes.TableModes(stream=found.stream)
    assert f"table/{TABLE}/stream/" in found.stream
    assert (modes.kinesis(aws, EAST, TABLE), modes.insights(aws, EAST, TABLE)) == ((), False)


def test_each_change_is_seen(aws: Aws) -> None:
    aws.call("dynamodb", EAST, "update_table", TableName=TABLE, TableClass="STANDARD_INFREQUENT_ACCESS")
    encryption = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    aws.call("dynamodb", EAST, "update_table", TableName=TABLE, SSESpecification=encryption)
    aws.call("dynamodb", EAST, "enable_kinesis_streaming_destination", TableName=TABLE, StreamArn=KINESIS)
    aws.call("dynamodb", EAST, "update_contributor_insights", TableName=TABLE, ContributorInsightsAction="ENABLE")
    found = modes.modes(aws, EAST, TABLE)
    assert (found.storage, found.key) == ("STANDARD_INFREQUENT_ACCESS", KEY)
    assert (modes.kinesis(aws, EAST, TABLE), modes.insights(aws, EAST, TABLE)) == ((KINESIS,), True)
