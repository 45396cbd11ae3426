"""The release manifest: which versions make up a release, in every region.

One version number for many functions in two regions means nothing (aws-facts 8, row 21). The pipeline writes the
manifest at each release; a rollback reads from it what to go back to. docs/release-manifest.schema.json is its schema.

Each region has a copy of the whole. Copies that differ would lead regions to different code, so they are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import ConfigDict, Field

from drcore.engine.context import Run
from drcore.engine.outcome import Check, no, yes
from drcore.errors import BadInput, Rejected, Unknown, WrongParameter
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

    rest_api_id: Annotated[str, Field(description="id of the REST API in that region")]
    stage: Annotated[str, Field(description="name of the stage that users are served by")]
    deployment_id: Annotated[str, Field(description="id of the deployment that the release put behind it")]


class RegionalRelease(_Written):
    """A release in one region: a version for each function, and the API's deployment."""

    functions: Annotated[
        dict[str, str], Field(description="for each function its published version: a number, as a text")
    ]
    api: Annotated[ApiDeployment, Field(description="what the release put behind the API's stage")]

    def version_of(self, function: str) -> str:
        """The version of a function. Raises Rejected where the release has none."""
        if function not in self.functions:
            raise Rejected(f"the release has no {function}, it has {', '.join(self.functions)}", "NoSuchRelease")
        return self.functions[function]


class Release(_Written):
    """One release. `rollback_safe` is false when it changed the data's schema: then older code must not come back.

    `stable` is what a rollback goes back to where nobody names a release. The pipeline writes it once the release
    serves everywhere and has been watched; it does not say that nobody has found a bug in it since.
    """

    release: Annotated[str, Field(description="name of the release, the same in every region")]
    status: Annotated[
        str,
        Field(
            description="stable: it serves all users in every region, and was healthy there for the pipeline's time of "
            "watching; a rollback goes back to the newest such release. A release in which a bug is found later stays "
            "stable here: a person names another one. Any other text (deploying, failed, ...): not to be gone back to"
        ),
    ]
    rollback_safe: Annotated[
        bool, Field(description="false: it changed the schema of the data, and older code must not come back after it")
    ]
    regions: Annotated[dict[str, RegionalRelease], Field(description="by region what the release is there")]

    def of(self, region: str) -> RegionalRelease:
        """What the release is in a region. Raises Rejected where it was never there."""
        if region not in self.regions:
            known = ", ".join(sorted(self.regions)) or "none"
            raise Rejected(f"release {self.release} has no {region} in the manifest, only {known}", "NoSuchRelease")
        return self.regions[region]

    @property
    def versions(self) -> frozenset[str]:
        """The versions of all its functions, in all regions."""
        return frozenset(version for region in self.regions.values() for version in region.functions.values())


class _Releases(_Written):
    """What the pipeline writes at each release, whole, into a bucket of each region; more fields are let pass."""

    releases: Annotated[tuple[Release, ...], Field(description="all releases, oldest first")]


def schema() -> dict[str, Any]:
    """The JSON Schema of the manifest."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Release manifest"}
    return {**_Releases.model_json_schema(), **document}


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
            if name:
                raise WrongParameter("release", f"expected one of {known}, seen {name!r}")
            raise Rejected(f"release: expected one of {known}, seen no stable one", "NoSuchRelease")
        return matches[0]

    def newer_than(self, target: Release) -> tuple[Release, ...]:
        """The releases that a rollback to `target` takes out of service. Raises Rejected where it is not here."""
        names = [each.release for each in self.all]
        if target.release not in names:
            raise Rejected(f"release {target.release} is not in the manifest any more", "NoSuchRelease")
        return self.all[names.index(target.release) + 1 :]

    def name_of(self, region: str, function: str, version: str) -> str:
        """The newest release that has this version of a function, empty if none has."""
        there = ((each.release, each.regions[region]) for each in reversed(self.all) if region in each.regions)
        return next((name for name, regional in there if regional.functions.get(function) == version), "")

    def name_of_deployment(self, region: str, deployment: str) -> str:
        """The newest release that put this deployment behind the API's stage, empty if none has."""
        there = ((each.release, each.regions[region]) for each in reversed(self.all) if region in each.regions)
        return next((name for name, regional in there if regional.api.deployment_id == deployment), "")


def read_releases(run: Run[F], region: str) -> Releases:
    """The region's copy of the manifest. Raises Rejected, Unknown, also when it is of another shape."""
    where = run.facts.releases
    bucket = where.bucket.format(region=region)
    written: Any = s3.document(run.aws, region, bucket, where.key)
    try:
        return Releases(parse(written, _Releases, f"s3://{bucket}/{where.key}").releases)
    except BadInput as error:
        raise Unknown(str(error)) from error


def same_manifest(run: Run[F]) -> Check:
    """Whether every region's copy of the manifest says the same. Raises Unknown, Rejected."""
    copies = {region: read_releases(run, region) for region in run.service.regions}
    differing = tuple(differences(copies))
    if differing:
        return no(f"{'; '.join(differing)}. Have the pipeline publish it anew everywhere")
    newest = next(reversed(next(iter(copies.values())).all), None)
    return yes(f"the same in {', '.join(copies)}; the newest release is {newest.release if newest else 'none'}")


def differences(copies: Mapping[str, Releases]) -> Iterator[str]:
    """What the copies of the regions do not agree on, each naming both, in words."""
    (first, known), *others = copies.items()
    for region, copy in others:
        here, there = ({each.release: each for each in releases.all} for releases in (known, copy))
        for name in here.keys() | there.keys():
            if name not in here or name not in there:
                has, lacks = (first, region) if name in here else (region, first)
                yield f"release {name} is in the copy of {has}, and not in that of {lacks}"
            elif here[name] != there[name]:
                yield f"release {name}: {_difference(first, here[name], region, there[name])}"
        if list(here) != list(there) and here.keys() == there.keys():
            yield f"the order is {', '.join(here)} in the copy of {first}, {', '.join(there)} in that of {region}"


def _difference(first: str, here: Release, second: str, there: Release) -> str:
    """The first field that differs, in words."""
    for name in ("status", "rollback_safe"):
        if getattr(here, name) != getattr(there, name):
            return f"{name} is {getattr(here, name)} in the copy of {first}, {getattr(there, name)} in that of {second}"
    regions = sorted(here.regions.keys() | there.regions.keys())
    differing = [region for region in regions if here.regions.get(region) != there.regions.get(region)]
    return f"the copies of {first} and {second} name different versions in {', '.join(differing)}"
