"""SQS: a short poll asks a sample of the servers, so that it may find only some of the messages, or none.

moto keeps the queues. Simplified: a long poll finds what there is, and ends at once.
"""

import json
from typing import Any

from drcore.sandbox.core.registry import AwsCall, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.moto import backends

MOST = 10
"""Messages that one receive can return."""


@operation("sqs", "ReceiveMessage")
def receive_message(call: AwsCall) -> dict[str, Any]:
    """As the API: without a wait, of the messages that are asked for as many as the servers asked by chance have."""
    params = dict(call.params)
    wanted = min(int(params.get("MaxNumberOfMessages") or 1), MOST)
    if not params.get("WaitTimeSeconds"):
        count = call.world.count("sqs", "short poll", call.region)
        wanted = call.world.rng("short poll", call.region, count).randint(0, wanted)
    if not wanted:
        return {}
    return call.forward(params | {"MaxNumberOfMessages": wanted, "WaitTimeSeconds": 0})


@resource_policy("sqs")
def queue_policy(world: World, arn: str) -> str:
    """The policy of a queue; empty where it has none."""
    queue = backends.sqs(world.account, arn.split(":")[3]).queues.get(arn.rpartition(":")[2])
    policy = queue.policy if queue else None
    return policy if isinstance(policy, str) else json.dumps(policy) if policy else ""
