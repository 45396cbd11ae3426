"""What the lock of a plan calls, and leaves behind."""

from __future__ import annotations

from drcore.parameters import Service
from drcore.sandbox.core.world import World
from tests.support.effects import Effect


def lock_only(effects: list[Effect]) -> bool:
    """It is taken, and given back, in each of the buckets that answer."""
    half = len(effects) // 2
    calls = [*["s3:PutObject"] * half, *["s3:DeleteObject"] * half]
    return (
        half in (2, 3)
        and [each.call for each in effects] == calls
        and all('"Key": "locks/' in each.asked for each in effects)
    )


def kept_locks(world: World, service: Service) -> list[str]:
    """The locks that lie in any of the buckets."""
    stores, witness = service.evidence.buckets, service.evidence.witness
    buckets = [*stores.values(), *([witness.bucket] if witness else [])]
    s3 = world.client("s3", service.runner_region)
    listed = [s3.list_objects_v2(Bucket=bucket, Prefix="locks/").get("Contents", ()) for bucket in buckets]
    return [each["Key"] for contents in listed for each in contents]
