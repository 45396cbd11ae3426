"""The release manifest: which versions make up a release, in every region.

One version number for many functions in two regions means nothing (aws-facts 8, row 21). The pipeline writes the
manifest at each release; a rollback reads from it what to go back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from pydantic import ConfigDict

from drcore.engine.context import Run
from drcore.errors import Rejected
from drcore.parameters import Model, parse
from drcore.services import s3


class _Written(Model):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")  # the pipeline may write more than is read here


class Manifest(Model):
    """Where the manifest lies; `{region}` in the bucket's name stands for each region: each has its own copy."""

    bucket: str
    key: str


class ReleaseFacts(Protocol):
    """What the facts of a plan hold that reads releases."""

    @property
    def releases(self) -> Manifest: ...


F = TypeVar("F", bound=ReleaseFacts)


class ApiDeployment(_Written):
    """The deployment that a release put behind a stage."""

    rest_api_id: str
    stage: str
    deployment_id: str


class RegionalRelease(_Written):
    """A release in one region: a version for each function, and the API's deployment."""

    functions: dict[str, str]
    api: ApiDeployment


class Release(_Written):
    """One release. `rollback_safe` is false when it changed the data's schema: then older code must not come back."""

    release: str
    status: str
    rollback_safe: bool
    regions: dict[str, RegionalRelease]

    @property
    def versions(self) -> frozenset[str]:
        """The versions of all its functions, in all regions."""
        return frozenset(version for region in self.regions.values() for version in region.functions.values())


class _Releases(_Written):
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Releases:
    """All releases, oldest first."""

    all: tuple[Release, ...]

    def target(self, name: str) -> Release:
        """The release to go back to: the one named, or the newest stable one.

        A function's version number names a release too, where only one release has it. Raises Rejected otherwise.
        """
        if not name:
            matches = [release for release in self.all if release.status == "stable"][-1:]
        else:
            matches = [release for release in self.all if release.release == name] or [
                release for release in self.all if name in release.versions
            ]
        if len(matches) != 1:
            known = ", ".join(f"{each.release} (versions {', '.join(sorted(each.versions))})" for each in self.all)
            raise Rejected(f"release: expected one of {known}, seen {name or 'no stable one'!r}", "NoSuchRelease")
        return matches[0]

    def newer_than(self, target: Release) -> tuple[Release, ...]:
        """The releases that a rollback to `target` takes out of service."""
        return self.all[self.all.index(target) + 1 :]

    def name_of(self, region: str, function: str, version: str) -> str:
        """The newest release that has this version of a function, empty if none has."""
        names = (r.release for r in reversed(self.all) if version == r.regions[region].functions.get(function))
        return next(names, "")


def read_releases(run: Run[F], region: str) -> Releases:
    """The region's copy of the manifest. Raises Unknown, Rejected, BadInput when it is not a manifest."""
    where = run.facts.releases
    bucket = where.bucket.format(region=region)
    written: Any = s3.document(run.aws, region, bucket, where.key)
    return Releases(parse(written, _Releases, f"s3://{bucket}/{where.key}").releases)
