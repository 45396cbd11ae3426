"""An account whose tables, secrets and buckets lie under keys of its owner."""

from __future__ import annotations

import json

from moto.secretsmanager.models import FakeSecret

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends


def put_under_own_keys(world: World) -> dict[str, str]:
    """Make a key in each region, and have all that is there lie under it. Returns the keys' ARNs by region."""
    buckets = backends.s3(world.account).buckets.values()
    regions = dict.fromkeys([*world.regions, *(bucket.region_name for bucket in buckets)])
    keys = {region: world.client("kms", region).create_key()["KeyMetadata"]["Arn"] for region in regions}
    for bucket in buckets:
        bucket.encryption = {
            "Rule": {
                "ApplyServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms",
                    "KMSMasterKeyID": keys[bucket.region_name],
                }
            }
        }
    for region in world.regions:
        for secret in backends.secretsmanager(world.account, region).secrets.values():
            if isinstance(secret, FakeSecret):  # a replica's key is its own, AWS's unless it is named
                secret.kms_key_id = keys[region]
        for table in backends.dynamodb(world.account, region).tables.values():
            table.sse_specification = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": keys[region]}
    return keys


def only_by(service: str, account: str) -> str:
    """A key's policy by which the account may use it by way of one service alone."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
        "Condition": {"StringLike": {"kms:ViaService": f"{service}.*.amazonaws.com"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
