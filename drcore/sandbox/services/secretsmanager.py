"""Secrets Manager: the promotion of a replica, which moto lacks.

Everything else of Secrets Manager is moto's.
"""

import copy
from typing import Any

from moto.secretsmanager.models import FakeSecret, ReplicaSecret

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import epoch
from drcore.sandbox.moto import backends


@operation("secretsmanager", "StopReplicationToReplica")
def stop_replication_to_replica(call: AwsCall) -> dict[str, Any]:
    """As the API, in the replica's region: the replica becomes a secret of its own, and the primary forgets it."""
    backend = backends.secretsmanager(call.account, call.region)
    replica = backend.secrets.get(call.params["SecretId"])
    if replica is None:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 400)
    if not isinstance(replica, ReplicaSecret):
        raise AwsError("InvalidRequestException", "The secret is no replica: call this in the replica's region.", 400)
    source = replica.source
    source.replicas = [each for each in source.replicas if each is not replica]
    own: FakeSecret = copy.copy(source)
    own.arn, own.region, own.replicas = replica.arn, call.region, []
    own.versions, own.tags = copy.deepcopy(source.versions), copy.deepcopy(source.tags)
    own.last_changed_date = epoch(call.world.clock.now())
    dict.__setitem__(backend.secrets, replica.arn, own)
    return {"ARN": own.arn}
