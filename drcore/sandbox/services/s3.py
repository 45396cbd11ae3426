"""S3: what moto does wrong about Object Lock's retention; conditional deletion; the policies of buckets.

GetObjectRetention answers the retention (moto answers the object), and a COMPLIANCE retention cannot be
shortened or weakened by anyone. Everything else of S3 is moto's.
"""

from datetime import datetime
from typing import Any

from moto.s3.models import FakeKey

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.timestamps import aware, iso
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.moto import backends


@resource_policy("s3")
def bucket_policy(world: World, arn: str) -> str:
    """The policy of a bucket, for it and for what lies in it."""
    bucket = backends.s3(world.account).buckets.get(arn.rpartition(":")[2].partition("/")[0])
    policy = bucket.policy if bucket else None
    return policy.decode() if isinstance(policy, bytes) else policy or ""


@operation("s3", "DeleteObject")
def delete_object(call: AwsCall) -> dict[str, Any]:
    """As the API, with If-Match, which moto takes no notice of: what was changed meanwhile is not deleted."""
    wanted = call.params.get("IfMatch")
    if wanted:
        stored = backends.s3(call.account).get_object(call.params["Bucket"], call.params["Key"])
        if stored is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if wanted not in ("*", stored.etag):
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
    return call.forward()


@operation("s3", "GetObjectRetention")
def get_object_retention(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    key = _key(call)
    if not key.lock_mode or not key.lock_until:
        raise AwsError(
            "NoSuchObjectLockConfiguration",
            "The specified object does not have a ObjectLock configuration",
            404,
        )
    return {"Retention": {"Mode": key.lock_mode, "RetainUntilDate": _until(key)}}


@operation("s3", "PutObjectRetention")
def put_object_retention(call: AwsCall) -> dict[str, Any]:
    """As the API: a retention that is still in force may be made longer, not shorter or weaker.

    GOVERNANCE gives way to BypassGovernanceRetention, COMPLIANCE to nobody.
    """
    key, wanted = _key(call), call.params.get("Retention") or {}
    until = aware(wanted["RetainUntilDate"]) if wanted.get("RetainUntilDate") else None
    bypass = key.lock_mode == "GOVERNANCE" and bool(call.params.get("BypassGovernanceRetention"))
    in_force = bool(key.lock_mode and key.lock_until) and _until(key) > call.world.clock.now()
    if in_force and not bypass:
        weaker = key.lock_mode == "COMPLIANCE" and wanted.get("Mode") != "COMPLIANCE"
        if weaker or until is None or until < _until(key):
            raise AwsError("AccessDenied", "Access Denied because object protected by object lock.", 403)
    key.lock_mode = wanted.get("Mode")
    key.lock_until = iso(until) if until else None
    return {}


def _until(key: FakeKey) -> datetime:
    return aware(str(key.lock_until))


def _key(call: AwsCall) -> FakeKey:
    backend = backends.s3(call.account)
    stored = backend.get_object(call.params["Bucket"], call.params["Key"], call.params.get("VersionId"))
    if stored is None:
        raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
    return stored
