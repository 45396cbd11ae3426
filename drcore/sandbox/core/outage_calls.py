"""What a call meets in a region that is out.

Simplified: which operations belong to a data plane is a list of the ones a plan uses, not AWS's whole catalogue; a
caller of the kind `timeout` loses five virtual seconds, whatever its own timeout is.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

from drcore.sandbox.core.call_faults import READ_TIMEOUT
from drcore.sandbox.core.call_hooks import Interceptor, Proceed
from drcore.sandbox.core.outages import WHOLE, Outage, OutageKind, Regions
from drcore.sandbox.core.registry import AwsCall, AwsError, HttpCall
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.protocol.exchange import Dropped, NoResponse, Response

CONTROLLED_FROM: Mapping[str, str] = {
    "cloudfront": "us-east-1",
    "health": "us-east-1",
    "iam": "us-east-1",
    "organizations": "us-east-1",
    "route53": "us-east-1",
    "route53-recovery-control-config": "us-west-2",
    "support": "us-east-1",
}
"""Services with one control plane, wherever a caller thinks it stands (aws-facts 0.2)."""

CLUSTER = "route53-recovery-cluster"
ALSO_DEAD = "ap-northeast-1"
"""An endpoint of the routing-control cluster that is in maintenance whenever a region is out."""

_DATA_PLANES: Mapping[str, frozenset[str] | None] = {
    "appconfigdata": None,
    "dynamodb": frozenset(
        {
            *("BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "GetItem", "PutItem", "Query"),
            *("Scan", "TransactGetItems", "TransactWriteItems", "UpdateItem"),
        }
    ),
    "dynamodbstreams": None,
    "lambda": frozenset({"Invoke", "InvokeAsync"}),
    CLUSTER: None,
    "s3": frozenset({"DeleteObject", "GetObject", "HeadBucket", "HeadObject", "ListObjectsV2", "PutObject"}),
    "secretsmanager": frozenset({"BatchGetSecretValue", "GetSecretValue"}),
    "sns": frozenset({"Publish", "PublishBatch"}),
    "sqs": frozenset({"DeleteMessage", "GetQueueUrl", "ReceiveMessage", "SendMessage", "SendMessageBatch"}),
    "syncwell": None,
}
"""The operations of a service's data plane; None is all of them."""

_WATCHING = frozenset({"cloudwatch", "logs", "sts"})
"""Neither plane of what they watch: only a whole region takes them away."""


def meets(world: World) -> Interceptor:
    """What stands around each call from outside while a region may be out."""
    regions = world.state(Regions)

    def meet(call: AwsCall | HttpCall, proceed: Proceed) -> Response:
        for region in _needed(call):
            for outage in regions.now(region):
                if _takes(outage, call):
                    _refuse(world, outage)
        if call.service == CLUSTER and call.region == ALSO_DEAD and any(map(regions.now, world.regions)):
            raise AwsError("EndpointTemporarilyUnavailableException", "The endpoint is in maintenance", 503)
        return proceed()

    return meet


def _needed(call: AwsCall | HttpCall) -> set[str]:
    """The regions that a call needs: where it is sent, or where its service or its bucket really is."""
    if call.service in CONTROLLED_FROM:
        return {CONTROLLED_FROM[call.service]}
    needed = {call.region}
    if isinstance(call, AwsCall) and call.service == "s3":
        bucket: Any = backends.s3(call.account).buckets.get(call.params.get("Bucket", ""))
        needed |= {bucket.region_name} if bucket else set()
    return needed


def _takes(outage: Outage, call: AwsCall | HttpCall) -> bool:
    if outage.kind in WHOLE:
        return True
    if outage.kind is OutageKind.LAMBDA_SQS:
        return call.service in ("lambda", "sqs", "syncwell")
    if call.service in _WATCHING:
        return False
    listed = _DATA_PLANES.get(call.service, frozenset())
    data = listed is None or call.operation in listed
    return data if outage.kind is OutageKind.DATA_PLANE else not data


def _refuse(world: World, outage: Outage) -> NoReturn:
    if outage.kind is OutageKind.DROP:
        raise Dropped
    if outage.kind is OutageKind.TIMEOUT:
        world.clock.spend(READ_TIMEOUT)
        raise NoResponse
    raise AwsError("ServiceUnavailable", f"Service is unable to handle request in {outage.region}", 503)
