"""The pipeline's job that builds the app from a tag of its source for both stores.

It takes the version from VERSION, and writes the release down as a candidate. What it builds from an older tag, or from
a branch of a fix, is good.
"""

from __future__ import annotations

from datetime import timedelta

from drcore.sandbox.core.world import World
from drcore.sandbox.services.codebuild import CodeBuild, RunningBuild
from drcore.sandbox.syncwell.company.app_stores import AppVersion, MobileReleases
from drcore.sandbox.syncwell.company.names import MOBILE_JOB, MOBILE_REGION
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.store import PlayStore

LASTS = timedelta(minutes=6)


def set_up(world: World) -> None:
    """Make the job."""

    def built(build: RunningBuild) -> bool:
        """Upload what was built; a version code that a store has already is refused there."""
        name, code = build.variables.get("VERSION", ""), 0
        try:
            code = AppVersion(name).code
        except ValueError:
            return False
        play, apple = world.state(PlayStore), world.state(AppStore)
        if code in play.bundles or any(each.version == name for each in apple.builds):
            return False
        play.upload(code, name)
        apple.upload(AppVersion(name).build, name)
        world.state(MobileReleases).record(name, "candidate")
        return True

    world.state(CodeBuild).add(MOBILE_REGION, MOBILE_JOB, LASTS, built)
