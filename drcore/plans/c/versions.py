"""The app's versions: the one that is bad, the stable one before it, the one that takes its place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from drcore.engine.outcome import Check, Target, no, wrong, yes
from drcore.errors import BadInput, Missing, Rejected, Unknown
from drcore.parameters import Model, parse
from drcore.plans.c import titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.stores import PLAY, app_store, google_play
from drcore.record.events import Kind
from drcore.services import s3
from drcore.services.appstore.versions import LIVE, StoreVersion, store_versions
from drcore.services.play.tracks import IN_REVIEW, PlayTrack, TrackRelease, bundle_codes, read_track, reviews

_VERSION = r"^\d+\.\d+\.\d+$"


class _WrittenByPipeline(Model):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")  # the pipeline may write more than is read here


class MobileRelease(_WrittenByPipeline):
    """A release of the app as its pipeline has written it down.

    `local_schema` numbers the database on the device: older code cannot read a higher one than its own. `released` is
    when the stores gave it to the first user, where the pipeline knows that.
    """

    version: Annotated[str, Field(pattern=_VERSION)]
    tag: str
    status: str
    local_schema: int
    released: datetime | None = None


class _MobileReleases(_WrittenByPipeline):
    releases: tuple[MobileRelease, ...]


def read_releases(run: CRun, region: str = "") -> tuple[MobileRelease, ...]:
    """A region's copy of mobile.json, the oldest release first. Raises Rejected, Unknown."""
    where, region = run.facts.releases, region or run.service.runner_region
    bucket = where.bucket.format(region=region)
    written: Any = s3.document(run.aws, region, bucket, where.key)
    try:
        return parse(written, _MobileReleases, f"s3://{bucket}/{where.key}").releases
    except BadInput as error:
        raise Unknown(str(error)) from error


def same_manifest(run: CRun) -> Check:
    """Whether every region's copy says the same. Raises Unknown, Rejected."""
    copies = {region: read_releases(run, region) for region in run.service.regions}
    first, known = next(iter(copies.items()))
    differing = [region for region, releases in copies.items() if releases != known]
    if differing:
        return no(f"the copy of {', '.join(differing)} is not that of {first}: have the pipeline publish it anew")
    return yes(f"the same in {', '.join(copies)}; the newest release is {known[-1].version if known else 'none'}")


def release_of(run: CRun, version: str) -> MobileRelease | None:
    """What the pipeline has written down of a version, None where it has nothing."""
    return next((each for each in read_releases(run) if each.version == version), None)


def stable_before(run: CRun, version: str) -> MobileRelease:
    """The newest stable release that is older than a version. Raises Missing."""
    older = [each for each in read_releases(run) if each.status == "stable" and key(each.version) < key(version)]
    if not older:
        raise Missing(f"no stable release is older than {version}", "NoSuchRelease")
    return max(older, key=lambda release: key(release.version))


def key(version: str) -> tuple[int, ...]:
    """A version as numbers, to be compared. Raises Unknown."""
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise Unknown(f"version: expected three numbers such as 4.11.0, seen {version!r}")
    return tuple(map(int, parts))


def code_of(run: CRun, version: str) -> int:
    """The version code of a version, by the numbering of the parameters."""
    major, minor, patch = key(version)
    return major * run.facts.version_code.major + minor * run.facts.version_code.minor + patch


def version_of(run: CRun, code: int) -> str:
    """The version with a version code."""
    numbering = run.facts.version_code
    major, rest = divmod(code, numbering.major)
    return f"{major}.{rest // numbering.minor}.{rest % numbering.minor}"


# ── what the stores have ─────────────────────────────────────────────────────────────────────────────────────────────


def served_on_play(track: PlayTrack, waiting: Iterable[int]) -> tuple[TrackRelease, ...]:
    """The releases that users have been given, the newest first: no draft, none that waits for its review."""
    held = set(waiting)
    given = [each for each in track.releases if each.status != "draft" and not held & set(each.codes)]
    return tuple(sorted(given, key=lambda release: max(release.codes, default=0), reverse=True))


def waiting_on_play(run: CRun) -> tuple[int, ...]:
    """The version codes that wait for Google's review. Raises Unknown, Rejected."""
    return tuple(code for each in reviews(google_play(run)) if each.state == IN_REVIEW for code in each.codes)


def live_on_ios(versions: Iterable[StoreVersion]) -> StoreVersion:
    """The version that is on the App Store. Raises Missing."""
    live = next((each for each in versions if each.state == LIVE), None)
    if live is None:
        raise Missing("the App Store has no version that is on sale", "NoSuchVersion")
    return live


def newest(run: CRun, store: Target) -> str:
    """The newest version that a store has given to anybody. Raises Unknown, Rejected."""
    if store == PLAY:
        served = served_on_play(read_track(google_play(run)), waiting_on_play(run))
        if not served:
            raise Missing("Google Play has no release in production", "NoSuchRelease")
        return version_of(run, max(served[0].codes))
    return live_on_ios(store_versions(app_store(run))).name


def suspect(run: CRun, store: Target) -> str:
    """The version that is judged in a store: the one that was named, or was detected, or its newest one."""
    if run.incident.version:
        return run.incident.version
    looks = [line for line in run.history.lines(Kind.LOOK, step=titles.DETECT, target=store) if line["state"]]
    for line in sorted(looks, key=lambda line: line["check"] != "yes"):  # where it was bad, else what was seen first
        return str(line["state"]["version"])
    looked = run.result(titles.DETECT)
    seen = looked.states.get(store) if looked else None
    return str(seen.version) if seen else newest(run, store)


def is_known(run: CRun) -> Check:
    """Whether the version that was named is one that a store has. Raises Unknown, Rejected."""
    if not run.incident.version:
        return yes("none was named: the newest one of each store")
    track, ios = read_track(google_play(run)), store_versions(app_store(run))
    known = {version_of(run, code) for each in track.releases for code in each.codes} | {each.name for each in ios}
    if run.incident.version in known:
        return yes(run.incident.version)
    return wrong("version", f"expected one of {', '.join(sorted(known, key=key))}, seen {run.incident.version}")


def next_version(run: CRun) -> str:
    """A version above all that any store has ever seen, with a version code above all of theirs.

    Raises Rejected where the numbering does not fit the codes that are there; Unknown.
    """
    codes = bundle_codes(google_play(run))
    names = [version_of(run, code) for code in codes] + [each.name for each in store_versions(app_store(run))]
    names += [each.version for each in read_releases(run)]
    major, minor, patch = max(map(key, names))
    proposed = f"{major}.{minor}.{patch + 1}"
    if patch + 1 >= run.facts.version_code.minor or code_of(run, proposed) <= max(codes, default=0):
        raise Rejected(f"version_code: {proposed} gets {code_of(run, proposed)}, not above {max(codes)}", "Numbering")
    return proposed
