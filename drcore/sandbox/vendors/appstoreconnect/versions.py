"""Apps, their versions, builds, phased releases (App Store Connect)."""

from __future__ import annotations

from drcore.sandbox.core.registry import AwsError, HttpCall, JsonReply, http_route
from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.vendors.appstoreconnect.access import SERVICE, AppStoreKeys
from drcore.sandbox.vendors.appstoreconnect.answers import (
    Row,
    attribute_error,
    attributes,
    listed,
    not_there,
    one,
    parameter_error,
    related,
    reply,
    state_error,
    to,
)
from drcore.sandbox.vendors.appstoreconnect.store import (
    APP,
    BUNDLE_ID,
    DAY,
    LIVE,
    LONGEST_PAUSE,
    NAME,
    OPEN,
    PENDING,
    PREPARE,
    READY,
    REJECTED,
    AppStore,
    IosBuild,
    IosPhase,
    IosVersion,
)

V1 = f"/{SERVICE}/v1"
_PHASES = "appStoreVersionPhasedReleases"
_STATES = ("INACTIVE", "ACTIVE", "PAUSED", "COMPLETE")
_EDITABLE = {PREPARE, READY, REJECTED, "DEVELOPER_REJECTED"}


def app_store(call: HttpCall) -> AppStore:
    """The store, for a caller who may come in, as it is by now. Raises AwsError 401, 403, 429."""
    call.world.state(AppStoreKeys).check(call)
    store = call.world.state(AppStore)
    store.settle()
    return store


def of_the_app(call: HttpCall) -> AppStore:
    """The same for an address below the app's own. Raises AwsError 404 for another app."""
    store = app_store(call)
    if call.args["app"] != APP:
        raise not_there("apps", call.args["app"])
    return store


@http_route("GET", f"{V1}/apps")
def list_apps(call: HttpCall) -> JsonReply:
    """The apps of the account."""
    app_store(call)
    wanted = call.query.get("filter[bundleId]", BUNDLE_ID).split(",")
    return listed(call, [_app()] if BUNDLE_ID in wanted else [], ["filter[bundleId]"])


@http_route("GET", f"{V1}/apps/<app>")
def get_app(call: HttpCall) -> JsonReply:
    """One app."""
    of_the_app(call)
    return one(call, _app())


@http_route("GET", f"{V1}/apps/<app>/appStoreVersions")
def list_app_store_versions(call: HttpCall) -> JsonReply:
    """The versions of the app, newest first, with their phased releases or builds if they are asked for."""
    store = of_the_app(call)
    rows, filters = store.versions, ("filter[appVersionState]", "filter[versionString]", "filter[platform]")
    states, names, platforms = (list(filter(None, call.query.get(each, "").split(","))) for each in filters)
    rows = [each for each in rows if (not states or each.state in states) and (not names or each.name in names)]
    if platforms and "IOS" not in platforms:
        rows = []
    included, asked = dict[str, Row](), list(filter(None, call.query.get("include", "").split(",")))
    for what in asked:
        if what not in ("appStoreVersionPhasedRelease", "build"):
            raise parameter_error(f"'{what}' is not a relationship that can be included here")
    if len(asked) > 1:
        raise parameter_error("Only one of appStoreVersionPhasedRelease and build can be included")
    for version in rows:
        build = _build_of(store, version)
        if asked == ["appStoreVersionPhasedRelease"] and version.phase is not None:
            included[version.id] = _phase(store, version.phase)
        if asked == ["build"] and build is not None:
            included[version.id] = _build(build)
    return listed(call, [_version(each) for each in rows], (*filters, "include"), included)


@http_route("POST", f"{V1}/appStoreVersions")
def create_app_store_version(call: HttpCall) -> JsonReply:
    """A new version, in preparation; only one at a time, with a number that was never used and is higher."""
    store = app_store(call)
    sent = attributes(call, "appStoreVersions", ("platform", "versionString", "releaseType", "copyright"))
    if related(call, "app", "apps") != APP or sent.get("platform") != "IOS":
        raise AwsError("ENTITY_ERROR.RELATIONSHIP.INVALID", "The app, or its platform, is not known", 409)
    if any(each.state in OPEN for each in store.versions):
        raise AwsError(
            "ENTITY_ERROR.RELATIONSHIP.INVALID", "You cannot create a new version of the App in the current state.", 409
        )
    version = IosVersion(store.new_id("version"), "", store.world.clock.now())
    _set(store, version, sent, related(call, "build", "builds"))
    store.versions.insert(0, version)
    return one(call, _version(version), status=201)


@http_route("GET", f"{V1}/appStoreVersions/<version>")
def get_app_store_version(call: HttpCall) -> JsonReply:
    """One version."""
    return one(call, _version(_found(app_store(call), call.args["version"])))


@http_route("PATCH", f"{V1}/appStoreVersions/<version>")
def update_app_store_version(call: HttpCall) -> JsonReply:
    """Change a version that is not with Apple, nor on the store."""
    store = app_store(call)
    version = _found(store, call.args["version"])
    known = ("versionString", "releaseType", "copyright")
    sent = attributes(call, "appStoreVersions", known, name=version.id)
    if version.state not in _EDITABLE:
        raise state_error(f"The version cannot be changed while it is {version.state}")
    _set(store, version, sent, related(call, "build", "builds"))
    return one(call, _version(version))


@http_route("POST", f"{V1}/appStoreVersionReleaseRequests")
def release_app_store_version(call: HttpCall) -> JsonReply:
    """Put an approved version, which waits for its developer, on the store."""
    store = app_store(call)
    attributes(call, "appStoreVersionReleaseRequests", ())
    version = _found(store, related(call, "appStoreVersion", "appStoreVersions"))
    if version.state != PENDING:
        raise state_error(f"The version is {version.state}, not {PENDING}")
    store.release(version)
    return one(call, {"type": "appStoreVersionReleaseRequests", "id": store.new_id("release")}, status=201)


@http_route("GET", f"{V1}/builds")
def list_builds(call: HttpCall) -> JsonReply:
    """The builds that were uploaded, newest first."""
    store = app_store(call)
    filters = ("filter[app]", "filter[version]", "filter[preReleaseVersion.version]")
    apps, numbers, versions = (list(filter(None, call.query.get(each, "").split(","))) for each in filters)
    rows = [
        _build(each)
        for each in reversed(store.builds)
        if (not apps or APP in apps)
        and (not numbers or each.number in numbers)
        and (not versions or each.version in versions)
    ]
    return listed(call, rows, filters)


@http_route("GET", f"{V1}/appStoreVersions/<version>/appStoreVersionPhasedRelease")
def get_phased_release(call: HttpCall) -> JsonReply:
    """The phased release of a version. Raises AwsError 404 where it has none."""
    store = app_store(call)
    phase = _found(store, call.args["version"]).phase
    if phase is None:
        raise not_there(_PHASES, call.args["version"])
    return one(call, _phase(store, phase))


@http_route("POST", f"{V1}/appStoreVersionPhasedReleases")
def create_phased_release(call: HttpCall) -> JsonReply:
    """A phased release for a version that is not on the store yet; not for an app's first one."""
    store = app_store(call)
    sent = attributes(call, _PHASES, ("phasedReleaseState",))
    version = _found(store, related(call, "appStoreVersion", "appStoreVersions"))
    if version.phase is not None or version.state not in {*OPEN} or len(store.versions) < 2:
        raise state_error("A phased release cannot be made for this version")
    if sent.get("phasedReleaseState", "INACTIVE") not in ("INACTIVE", "ACTIVE"):
        raise attribute_error("The phased release must be INACTIVE or ACTIVE")
    version.phase = IosPhase(store.new_id("phase"))
    return one(call, _phase(store, version.phase), status=201)


@http_route("PATCH", f"{V1}/appStoreVersionPhasedReleases/<phase>")
def update_phased_release(call: HttpCall) -> JsonReply:
    """Pause a phased release, resume it, or release to everybody at once (COMPLETE), which cannot be taken back."""
    store = app_store(call)
    version, phase = _phased(store, call.args["phase"])
    wanted = attributes(call, _PHASES, ("phasedReleaseState",), name=phase.id).get("phasedReleaseState")
    now = store.world.clock.now()
    if wanted not in _STATES:
        raise attribute_error(f"'{wanted}' is not a value of phasedReleaseState: {', '.join(_STATES)}")
    if version.state != LIVE or phase.state == "COMPLETE" or wanted == "INACTIVE":
        detail = f"The phased release is {phase.state}, its version is {version.state}: it cannot become {wanted}"
        raise state_error(detail)
    if wanted == "PAUSED" and phase.state == "ACTIVE":
        if phase.pause(now) >= LONGEST_PAUSE:
            raise state_error("The phased release was paused for 30 days already")
        phase.paused_at = now
    if wanted != "PAUSED" and phase.paused_at is not None:
        phase.paused, phase.paused_at = phase.pause(now), None
    phase.state = str(wanted)
    return one(call, _phase(store, phase))


@http_route("DELETE", f"{V1}/appStoreVersionPhasedReleases/<phase>")
def delete_phased_release(call: HttpCall) -> JsonReply:
    """Do without a phased release that has not begun: 204."""
    version, phase = _phased(app_store(call), call.args["phase"])
    if phase.state != "INACTIVE":
        raise state_error(f"The phased release is {phase.state}: it has begun")
    version.phase = None
    return reply(call, None, 204)


def number_of(name: str) -> tuple[int, ...]:
    """A version string as numbers, to be compared. Raises AwsError 409 where it is none."""
    parts = name.split(".")
    if not 1 <= len(parts) <= 3 or not all(part.isdigit() for part in parts):
        raise attribute_error(f"The version number '{name}' must be of one to three numbers with dots between them")
    return tuple(int(part) for part in parts)


def _set(store: AppStore, version: IosVersion, sent: Row, build: str) -> None:
    name, kind = sent.get("versionString", version.name), sent.get("releaseType", version.release_type)
    others = [each for each in store.versions if each is not version]
    if any(number_of(each.name) == number_of(name) for each in others):
        raise AwsError("ENTITY_ERROR.ATTRIBUTE.INVALID.DUPLICATE", f"The version number '{name}' was used already", 409)
    live = store.live()
    if live is not None and number_of(name) < number_of(live.name):
        raise attribute_error(f"The version number '{name}' must be higher than '{live.name}', which is on the store")
    if kind not in ("MANUAL", "AFTER_APPROVAL"):
        raise attribute_error(f"'{kind}' is not a value of releaseType that the sandbox has: MANUAL, AFTER_APPROVAL")
    if build:
        of_build = next((each for each in store.builds if each.id == build), None)
        if of_build is None or of_build.version != name:
            detail = f"There is no build '{build}' of version '{name}'"
            raise AwsError("ENTITY_ERROR.RELATIONSHIP.INVALID", detail, 409)
        version.build = of_build.id
    version.name, version.release_type = name, kind


def _found(store: AppStore, name: str) -> IosVersion:
    for version in store.versions:
        if version.id == name:
            return version
    raise not_there("appStoreVersions", name)


def _phased(store: AppStore, name: str) -> tuple[IosVersion, IosPhase]:
    for version in store.versions:
        if version.phase is not None and version.phase.id == name:
            return version, version.phase
    raise not_there(_PHASES, name)


def _build_of(store: AppStore, version: IosVersion) -> IosBuild | None:
    return next((each for each in store.builds if each.id == version.build), None)


def _app() -> Row:
    attributes = {"name": NAME, "bundleId": BUNDLE_ID, "sku": "SYNCWELL", "primaryLocale": "en-US"}
    return {"type": "apps", "id": APP, "attributes": attributes, "links": {"self": f"{V1}/apps/{APP}"}}


def _version(version: IosVersion) -> Row:
    attributes = {
        "platform": "IOS",
        "versionString": version.name,
        "appVersionState": version.state,
        "releaseType": version.release_type,
        "reviewType": "APP_STORE",
        "downloadable": version.state == LIVE,
        "createdDate": iso(version.created),
    }
    relations: Row = {"app": to("apps", APP)}
    if version.build:
        relations["build"] = to("builds", version.build)
    if version.phase is not None:
        relations["appStoreVersionPhasedRelease"] = to(_PHASES, version.phase.id)
    row = {"type": "appStoreVersions", "id": version.id, "attributes": attributes, "relationships": relations}
    return row | {"links": {"self": f"{V1}/appStoreVersions/{version.id}"}}


def _phase(store: AppStore, phase: IosPhase) -> Row:
    now = store.world.clock.now()
    attributes: Row = {
        "phasedReleaseState": phase.state,
        "totalPauseDuration": phase.pause(now) // DAY,
        "currentDayNumber": phase.day(now),
    }
    if phase.started is not None:
        attributes["startDate"] = iso(phase.started)
    return {"type": _PHASES, "id": phase.id, "attributes": attributes, "links": {"self": f"{V1}/{_PHASES}/{phase.id}"}}


def _build(build: IosBuild) -> Row:
    attributes = {
        "version": build.number,
        "uploadedDate": iso(build.uploaded),
        "expired": False,
        "processingState": "VALID",
    }
    return {"type": "builds", "id": build.id, "attributes": attributes, "links": {"self": f"{V1}/builds/{build.id}"}}
