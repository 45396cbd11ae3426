"""Versions of an app in the App Store, their builds, their phased releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from drcore.clock import parse_time
from drcore.errors import Busy, Rejected, Unknown
from drcore.services.answers import VendorAnswer, understood
from drcore.services.appstore.client import AppStoreConnect, Relationship, ResourcePage, resource

PhaseState = Literal["INACTIVE", "ACTIVE", "PAUSED", "COMPLETE"]
LIVE = "READY_FOR_DISTRIBUTION"
PERCENT = (1, 2, 5, 10, 20, 50, 100)  # of the devices that update by themselves, by the day of a phased release
LONGEST_PAUSE = 30  # days, all in all
_PHASES = "appStoreVersionPhasedReleases"


@dataclass(frozen=True, slots=True)
class PhasedRelease:
    """How far a phased release is: its day from 1 on, the whole days that it was paused.

    Whoever visits the store gets the version all the same, also while it is paused. An empty id: there is none.
    """

    id: str = ""
    state: PhaseState | Literal[""] = ""
    day: int = field(default=0, compare=False)
    days_paused: int = field(default=0, compare=False, metadata={"label": "days paused"})
    started: str = field(default="", compare=False)

    @property
    def percent(self) -> int:
        """Of the devices that update by themselves, how many get the version now."""
        if self.state == "COMPLETE" or not self.id:
            return 100
        return PERCENT[self.day - 1] if self.state == "ACTIVE" and 1 <= self.day <= len(PERCENT) else 0


@dataclass(frozen=True, slots=True)
class StoreVersion:
    """A version of the app with its state, in Apple's words (`appVersionState`)."""

    id: str
    name: str
    state: str
    phase: PhasedRelease = PhasedRelease()


@dataclass(frozen=True, slots=True)
class StoreBuild:
    """A build that was uploaded; only one that is VALID can be submitted."""

    id: str
    number: str
    state: str
    uploaded: datetime


class _PhaseSaid(VendorAnswer):
    phased_release_state: PhaseState
    current_day_number: int = 0
    total_pause_duration: int = 0
    start_date: str = ""


class _Phase(VendorAnswer):
    id: str
    type: str
    attributes: _PhaseSaid


class _VersionRelations(VendorAnswer):
    app_store_version_phased_release: Relationship = Relationship()


class _VersionSaid(VendorAnswer):
    version_string: str
    app_version_state: str


class _Version(VendorAnswer):
    id: str
    attributes: _VersionSaid
    relationships: _VersionRelations = _VersionRelations()


class _Versions(ResourcePage):
    data: tuple[_Version, ...]
    included: tuple[_Phase, ...] = ()


class _PhaseAnswer(VendorAnswer):
    data: _Phase


class _VersionAnswer(VendorAnswer):
    data: _Version


class _BuildSaid(VendorAnswer):
    version: str
    processing_state: str
    uploaded_date: str


class _Build(VendorAnswer):
    id: str
    attributes: _BuildSaid


class _Builds(ResourcePage):
    data: tuple[_Build, ...]


def store_versions(store: AppStoreConnect) -> tuple[StoreVersion, ...]:
    """All versions of the app, the newest first, with their phased releases. Raises Unknown, Rejected."""
    path, what = f"/v1/apps/{store.app.app}/appStoreVersions", "the versions in the App Store"
    query = {"filter[platform]": "IOS", "include": "appStoreVersionPhasedRelease"}
    rows = []
    for page in store.pages(path, _Versions, what, **query):
        phases = {each.id: _phase(each) for each in page.included if each.type == _PHASES}
        for version in page.data:
            phase = version.relationships.app_store_version_phased_release.data
            if phase is not None and phase.id not in phases:
                raise Unknown(f"{what}: expected the phased release {phase.id} of {version.id}, seen none")
            shown = phases[phase.id] if phase is not None else PhasedRelease()
            attributes = version.attributes
            rows.append(StoreVersion(version.id, attributes.version_string, attributes.app_version_state, shown))
    return tuple(rows)


def phased_release(store: AppStoreConnect, version: str, *, of_an_act: bool = False) -> PhasedRelease:
    """The phased release of a version; one without an id where it has none. Raises Unknown, Rejected.

    `of_an_act`: an act looks once more before it writes, so that it may use the calls that are kept for acts.
    """
    path = f"/v1/appStoreVersions/{version}/appStoreVersionPhasedRelease"
    try:
        document = store.read(path, of_an_act=of_an_act)
    except Rejected as error:
        if error.code == "NOT_FOUND":
            return PhasedRelease()
        raise
    return _phase(understood(document, _PhaseAnswer, f"the phased release of {version} in the App Store").data)


def turn_phased_release(
    store: AppStoreConnect, version: str, seen: PhasedRelease, to: Literal["ACTIVE", "PAUSED"]
) -> None:
    """Pause a phased release, or let it go on. To release to everybody at once (COMPLETE) is not offered: it is final.

    Raises Busy where it is not as it was seen any more (nothing was changed: look again), Rejected, Unknown.
    """
    if to not in ("ACTIVE", "PAUSED"):
        raise Rejected(f"a phased release is turned ACTIVE or PAUSED, not {to}: COMPLETE cannot be taken back", "Final")
    now = phased_release(store, version, of_an_act=True)
    if now != seen:
        raise Busy(f"the phased release of {version} has changed: expected {seen}, seen {now}", "Changed")
    asked = resource(_PHASES, seen.id, attributes={"phasedReleaseState": to})
    document = store.write("PATCH", f"/v1/{_PHASES}/{seen.id}", asked)
    state = understood(
        document, _PhaseAnswer, "the phased release that was changed"
    ).data.attributes.phased_release_state
    if state != to:
        raise Unknown(f"the phased release of {version}: expected {to}, seen {state}")


def builds(store: AppStoreConnect, version: str) -> tuple[StoreBuild, ...]:
    """The builds of a version that were uploaded, the newest first. Raises Unknown, Rejected."""
    what = f"the builds of {version} in the App Store"
    query = {"filter[app]": store.app.app, "filter[preReleaseVersion.version]": version}
    listed = [each for page in store.pages("/v1/builds", _Builds, what, **query) for each in page.data]
    rows = [
        StoreBuild(each.id, attributes.version, attributes.processing_state, _time(attributes.uploaded_date, what))
        for each in listed
        for attributes in (each.attributes,)
    ]
    return tuple(sorted(rows, key=lambda row: row.uploaded, reverse=True))


def create_version(store: AppStoreConnect, name: str, build: str) -> str:
    """A version in preparation with its build, released by itself once it is approved; returns its id.

    Look for a version of that name first. Raises Rejected where another one is under way, Unknown.
    """
    attributes = {"platform": "IOS", "versionString": name, "releaseType": "AFTER_APPROVAL"}
    asked = resource("appStoreVersions", attributes=attributes, app=("apps", store.app.app), build=("builds", build))
    document = store.write("POST", "/v1/appStoreVersions", asked)
    return understood(document, _VersionAnswer, f"the new version {name}").data.id


def _phase(row: _Phase) -> PhasedRelease:
    attributes = row.attributes
    return PhasedRelease(
        row.id,
        attributes.phased_release_state,
        attributes.current_day_number,
        attributes.total_pause_duration,
        attributes.start_date,
    )


def _time(text: str, what: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise Unknown(f"{what}: expected a time with a zone, seen {text!r}") from None
