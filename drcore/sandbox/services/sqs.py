"""SQS: a short poll asks a sample of the servers, so that it may find only some of the messages, or none.

moto keeps the queues. Simplified: a long poll finds what there is, and ends at once.
"""

from typing import Any

from drcore.sandbox.core.registry import AwsCall, operation

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
