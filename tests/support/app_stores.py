"""An account that has the app stores only, with the buckets that its releases are written down in."""

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.syncwell.company import app_stores, mobile_builds, names


def set_up(world: World) -> None:
    """Put both stores, and the job that builds for them, into an empty account."""
    with world.clock.frozen():
        for region in world.regions:
            backends.s3(world.account).create_bucket(names.releases_bucket(region), region)
        app_stores.set_up(world)
        mobile_builds.set_up(world)
