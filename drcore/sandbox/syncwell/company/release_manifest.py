"""The release manifest: which versions, with which API deployment, each release is in each region."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.moto import backends
from drcore.sandbox.syncwell.company import names

KEY = "releases.json"


@dataclass(slots=True)
class ReleaseEntry:
    """One release; `rollback_safe` false: it changed the schema, and code may not go back past it."""

    release: str
    at: datetime
    status: str
    schema: int = 7
    rollback_safe: bool = True
    regions: dict[str, dict[str, Any]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As in releases.json."""
        return {
            "release": self.release,
            "at": iso(self.at),
            "status": self.status,
            "schema": self.schema,
            "rollback_safe": self.rollback_safe,
            "regions": {region: self.regions[region] for region in sorted(self.regions)},
        }


class ReleaseManifest:
    """The releases that the pipeline has deployed, oldest first; written to the bucket of each region."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.entries: list[ReleaseEntry] = []

    def entry(self, release: str, at: datetime, status: str) -> ReleaseEntry:
        """The entry of a release, made if it is new."""
        for known in self.entries:
            if known.release == release:
                return known
        self.entries.append(ReleaseEntry(release, at, status))
        return self.entries[-1]

    def record(self, entry: ReleaseEntry, region: str, versions: dict[str, str], deployment: str) -> None:
        """Write down what a release is in one region, and publish the manifest."""
        api = {"rest_api_id": names.REST_API_IDS[region], "stage": names.STAGE, "deployment_id": deployment}
        entry.regions[region] = {"functions": dict(sorted(versions.items())), "api": api}

    def publish(self) -> None:
        """Write releases.json in both regions."""
        body = json.dumps({"releases": [entry.document() for entry in self.entries]}, indent=2).encode()
        for region in self._world.regions:
            backends.s3(self._world.account).put_object(names.releases_bucket(region), KEY, body)
