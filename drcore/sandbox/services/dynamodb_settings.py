"""DynamoDB: what a table is, beside its items."""

from typing import Any

from drcore.sandbox.layer import Call, operation
from drcore.sandbox.services.dynamodb import tables


@operation("dynamodb", "DescribeTable")
def describe_table(call: Call) -> dict[str, Any]:
    """As the API; a replica says ACTIVE whether its region can be reached or not, as on AWS."""
    replica, answer = tables(call).find(call.region, call.params["TableName"]), call.forward()
    if replica:
        now = call.world.clock.now()
        answer["Table"] |= {"TableStatus": replica.status(now), "ItemCount": len(replica.items())}
        others = sorted(replica.members - {call.region})
        if others:
            answer["Table"] |= {
                "GlobalTableVersion": "2019.11.21",
                "MultiRegionConsistency": "EVENTUAL",
                "Replicas": [{"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in others],
            }
    return answer
