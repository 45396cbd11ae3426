"""SyncWell's app in the stores: its releases, its accounts there.

Simplified: each version has one build in each store, whose number follows from the version's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.vendors.appstoreconnect.store import LIVE, AppStore, IosVersion
from drcore.sandbox.vendors.appstoreconnect.webhooks import HOST, IosWebhook, IosWebhooks
from drcore.sandbox.vendors.googleplay.accounts import service_account
from drcore.sandbox.vendors.googleplay.store import PlayRelease, PlayStore
from drcore.sandbox.vendors.keys import app_store_key

PLAY, APP_STORE = "play", "appstore"
STABLE_APP, NEW_APP, HOTFIX_APP = "4.10.0", "4.11.0", "4.11.1"
LONG_AGO = timedelta(days=30)
PLAY_SECRET, APP_STORE_SECRET = "syncwell/google-play-account", "syncwell/app-store-key"
WEBHOOK_SECRET, WEBHOOK_VALUE = "syncwell/app-store-webhook", "emulated-app-store-webhook-5c20e4"
WEBHOOK_URL = f"https://{HOST}/app-store"
_TOKENS = {  # or boto3 makes them up, and two worlds of a seed differ
    PLAY_SECRET: "0b0c5ad4-61f0-4e0e-8a53-3f5d2a0c7e11",
    APP_STORE_SECRET: "0b0c5ad4-61f0-4e0e-8a53-3f5d2a0c7e12",
    WEBHOOK_SECRET: "0b0c5ad4-61f0-4e0e-8a53-3f5d2a0c7e13",
}


@dataclass(frozen=True, slots=True)
class AppVersion:
    """A version of the app."""

    name: str

    @property
    def code(self) -> int:
        """Its version code at Google Play: 41001 for 4.10.1."""
        major, minor, patch = map(int, self.name.split("."))
        return major * 10_000 + minor * 100 + patch

    @property
    def build(self) -> str:
        """The number of its build at Apple."""
        return str(self.code)

    @classmethod
    def of(cls, code: int) -> AppVersion:
        """The version with a version code."""
        return cls(f"{code // 10_000}.{code // 100 % 100}.{code % 100}")


class MobileReleases:
    """mobile.json: the app's releases as its pipeline writes them down in both regions, the oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.entries: dict[str, dict[str, Any]] = {}

    def record(self, name: str, status: str, *, local_schema: int = 7, released: datetime | None = None) -> None:
        """Write a release down: its tag, the number of the local database that it works on, since when users get it."""
        self.entries[name] = {
            "version": name,
            "tag": f"mobile/{name}",
            "status": status,
            "local_schema": local_schema,
        } | ({"released": iso(released)} if released else {})
        body = json.dumps({"releases": list(self.entries.values())}, indent=2).encode()
        for region in self._world.regions:
            backends.s3(self._world.account).put_object(names.releases_bucket(region), "mobile.json", body)


def set_up(world: World) -> None:
    """Put the stable version into both stores, for everybody, since a month; the keys into Secrets Manager."""
    with world.clock.at(world.clock.now() - LONG_AGO):
        put_on_play(world, STABLE_APP)
        put_on_app_store(world, STABLE_APP, phased=False)
    world.state(MobileReleases).record(STABLE_APP, "stable", released=world.clock.now() - LONG_AGO)
    first, *others = world.regions
    store = world.state(AppStore)
    world.state(IosWebhooks).webhooks.append(IosWebhook(store.new_id("webhook"), "review", WEBHOOK_URL, WEBHOOK_VALUE))
    secrets = {PLAY_SECRET: service_account(), APP_STORE_SECRET: app_store_key(), WEBHOOK_SECRET: WEBHOOK_VALUE}
    for name, value in secrets.items():
        world.client("secretsmanager", first).create_secret(
            Name=name,
            SecretString=value,
            ClientRequestToken=_TOKENS[name],
            AddReplicaRegions=[{"Region": region} for region in others],
        )


def put_on_play(world: World, name: str, fraction: float | None = None, *, state: str = "PUBLISHED") -> PlayRelease:
    """Upload a version and put it on the production track: for a share of users, or for everybody."""
    store, version = world.state(PlayStore), AppVersion(name)
    store.upload(version.code, name)
    release: dict[str, Any] = {"name": name, "versionCodes": [str(version.code)], "status": "completed"}
    if fraction is not None:
        release |= {"status": "inProgress", "userFraction": fraction}
    elif state == "PUBLISHED":
        store.retire()
    return store.publish(release, state=state)


def put_on_app_store(world: World, name: str, *, phased: bool) -> IosVersion:
    """Upload a version and put it on sale: over seven days, or for everybody at once."""
    store = world.state(AppStore)
    build = store.upload(AppVersion(name).build, name)
    return store.add_version(name, state=LIVE, build=build.id, phased=phased)
