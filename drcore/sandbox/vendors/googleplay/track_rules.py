"""The rules that Google Play holds the releases of a track to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drcore.sandbox.vendors.googleplay.answers import invalid
from drcore.sandbox.vendors.googleplay.store import PRODUCTION, PlayRelease, PlayStore

STATUSES = ("draft", "inProgress", "halted", "completed")
_FIELDS = {
    "name",
    "versionCodes",
    "status",
    "userFraction",
    "countryTargeting",
    "inAppUpdatePriority",
    "releaseNotes",
}


def check_release(body: object, track: str) -> dict[str, Any]:
    """One release as it was sent. Raises AwsError for what is wrong whatever the state."""
    if not isinstance(body, dict):
        raise invalid("Invalid value at 'track.releases' (TrackRelease), expected an object.")
    unknown = set(body) - _FIELDS
    if unknown:
        raise invalid(f"Invalid JSON payload received. Unknown name \"{min(unknown)}\" at 'releases[0]'.")
    status = body.get("status")
    if status not in STATUSES:
        raise invalid(f"Invalid value at 'releases[0].status' (Status), {status!r}")
    codes = body.get("versionCodes", [])
    if not isinstance(codes, list) or not all(str(code).isdigit() for code in codes):
        raise invalid(f"Invalid value at 'releases[0].version_codes' (TYPE_INT64), {codes!r}")
    if not codes and status != "draft":
        raise invalid("The release must contain at least one version code.")
    _check_fraction(body, str(status))
    if body.get("countryTargeting") is not None and (status != "inProgress" or track != PRODUCTION):
        raise invalid("Country targeting is only allowed for inProgress releases in the production track.")
    priority = body.get("inAppUpdatePriority", 0)
    if not isinstance(priority, int) or not 0 <= priority <= 5:
        raise invalid(f"inAppUpdatePriority must be in the range [0, 5], was {priority!r}.")
    return body | {"versionCodes": [str(code) for code in codes]}


def _check_fraction(body: Mapping[str, Any], status: str) -> None:
    fraction = body.get("userFraction")
    if fraction is None:
        if status == "inProgress":
            raise invalid("A release with status inProgress must have a user fraction.")
        return
    if status not in ("inProgress", "halted"):
        raise invalid(f"A release with status {status} must not have a user fraction.")
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise invalid("The user fraction must be in the range (0, 1).")


def check_track(store: PlayStore, track: str, releases: list[dict[str, Any]]) -> None:
    """All releases of a track together, before they are committed. Raises AwsError."""
    before = {release.codes: release for release in store.tracks[track]}
    for status, most in (("completed", 1), ("inProgress", 1), ("draft", 1)):
        if sum(body["status"] == status for body in releases) > most:
            raise invalid(f"[Track: {track}] must not have more than one {status} release.")
    codes = [int(code) for body in releases for code in body["versionCodes"]]
    if len(codes) != len(set(codes)):
        raise invalid(f"[Track: {track}] has a version code in more than one release.")
    for body in releases:
        mine = tuple(int(code) for code in body["versionCodes"])
        for code in mine:
            if code not in store.bundles:
                raise invalid(f"Version code {code} was not found among the app's bundles.")
        _check_change(before.get(mine), body, mine, list(before.values()))


def _check_change(
    known: PlayRelease | None, body: Mapping[str, Any], mine: tuple[int, ...], before: list[PlayRelease]
) -> None:
    status = body["status"]
    if known is None:
        if status == "halted":
            raise invalid("A new release cannot be halted: it was never rolled out.")
        served = [code for other in before if other.status != "draft" for code in other.codes]
        if status != "draft" and served and max(mine) <= max(served):
            message = "does not allow any existing users to upgrade to the newly added app bundles"
            raise invalid(f"You cannot rollout this release because it {message}.")
        return
    if known.status == "draft":
        return
    if status == "draft":
        raise invalid(f"A release that is {known.status} cannot become a draft again.")
    if known.status == "completed" and status == "inProgress":
        raise invalid("A completed release cannot be staged again.")
    if body.get("inAppUpdatePriority", 0) != known.body.get("inAppUpdatePriority", 0):
        raise invalid("inAppUpdatePriority can not be updated once the release is rolled out.")
