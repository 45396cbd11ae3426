"""What Google Play holds of SyncWell's app: tracks with their releases, reviews, bundles, open edits.

Simplified: one app; a review takes its time and is passed, unless a fault says otherwise; a change of a release that
was reviewed is published at once; draft apps, testers and store listings are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.timestamps import epoch, iso
from drcore.sandbox.core.world import World
from drcore.sandbox.vendors.googleplay.answers import conflict, invalid, not_found, precondition

PACKAGE = "com.syncwell.app"
PRODUCTION = "production"
TRACKS = (PRODUCTION, "beta", "alpha", "internal")
REVIEW = timedelta(hours=2)
EDIT_LASTS = timedelta(hours=1)

IN_REVIEW, PUBLISHED, DRAFT = "IN_REVIEW", "PUBLISHED", "DRAFT"
NOT_SENT, NOT_APPROVED = "NOT_SENT_FOR_REVIEW", "NOT_APPROVED"


@dataclass(slots=True)
class PlayRelease:
    """One release of a track: `body` is what the API shows (TrackRelease), `state` where its review stands."""

    body: dict[str, Any]
    state: str = PUBLISHED
    submitted: datetime | None = None

    @property
    def codes(self) -> tuple[int, ...]:
        """Its version codes."""
        return tuple(int(code) for code in self.body.get("versionCodes", ()))

    @property
    def status(self) -> str:
        """draft, inProgress, halted, completed."""
        return str(self.body["status"])

    @property
    def share(self) -> float:
        """The share of the users whom the store offers it now."""
        if self.state != PUBLISHED or self.status not in ("inProgress", "completed"):
            return 0.0
        return 1.0 if self.status == "completed" else float(self.body["userFraction"])


@dataclass(slots=True)
class PlayEdit:
    """An edit: a copy of the tracks as they were when it was opened."""

    id: str
    user: str
    base: int
    expires: datetime
    tracks: dict[str, list[dict[str, Any]]]
    ended: str = ""


@dataclass(slots=True)
class PlayBundle:
    """An uploaded bundle."""

    code: int
    name: str
    uploaded: datetime


@dataclass(slots=True)
class PlayStore:
    """The app in the store."""

    world: World
    tracks: dict[str, list[PlayRelease]] = field(default_factory=lambda: {track: [] for track in TRACKS})
    earlier: dict[str, list[PlayRelease]] = field(default_factory=lambda: {track: [] for track in TRACKS})
    bundles: dict[int, PlayBundle] = field(default_factory=dict)
    edits: dict[str, PlayEdit] = field(default_factory=dict)
    version: int = 1
    review: timedelta = REVIEW
    rejects: bool = False
    rejected: bool = False
    before_commit: Callable[[], None] | None = None
    changed: list[tuple[datetime, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world.add_to_dump("googleplay", self._dump)

    # ── what the world's own actors do

    def upload(self, code: int, name: str) -> None:
        """Put a bundle into the store's library, as the pipeline does."""
        self.bundles[code] = PlayBundle(code, name, self.world.clock.now())

    def publish(self, body: Mapping[str, Any], *, track: str = PRODUCTION, state: str = PUBLISHED) -> PlayRelease:
        """Put a release on a track past any edit: what was there before the doors opened, or the Console."""
        submitted = self.world.clock.now() if state == IN_REVIEW else None
        release = PlayRelease(dict(body), state, submitted)
        self.tracks[track].insert(0, release)
        self.touch("the Console")
        return release

    def retire(self, track: str = PRODUCTION) -> None:
        """Make place for a release that is for everybody: the one that was is one of the earlier ones now."""
        old = [release for release in self.tracks[track] if release.status == "completed"]
        self.earlier[track] += old
        self.tracks[track] = [release for release in self.tracks[track] if release not in old]

    def touch(self, by: str) -> None:
        """Somebody has changed the app: edits that were opened before are worth nothing."""
        self.version += 1
        self.changed.append((self.world.clock.now(), by))

    def settle(self) -> None:
        """Let reviews that are through take effect."""
        now = self.world.clock.now()
        for releases in self.tracks.values():
            for release in releases:
                due = release.submitted is not None and now >= release.submitted + self.review
                if release.state == IN_REVIEW and due:
                    release.state = NOT_APPROVED if self.rejects else PUBLISHED
                    self.rejected |= self.rejects

    def offered(self, track: str = PRODUCTION) -> list[PlayRelease]:
        """The releases that users of a track may get now, newest code first.

        Where none is for everybody (the one that was is halted, or its successor waits for its review), the last one
        that was is served on.
        """
        self.settle()
        served = [release for release in self.tracks[track] if release.share > 0]
        if all(release.share < 1 for release in served):
            served += self.earlier[track][-1:]
        return sorted(served, key=lambda release: max(release.codes), reverse=True)

    def in_review(self) -> list[PlayRelease]:
        """The releases that wait for Google, of any track."""
        self.settle()
        return [each for releases in self.tracks.values() for each in releases if each.state == IN_REVIEW]

    # ── edits

    def open_edit(self, user: str) -> PlayEdit:
        """A new edit; the one that this user had open is deleted by it."""
        self.settle()
        for other in self.edits.values():
            if other.user == user and not other.ended:
                other.ended = "deleted"
        number = self.world.count("googleplay", "edit", "")
        name = f"{self.world.rng('edit', number).getrandbits(63):020d}"
        copied = {track: [deepcopy(each.body) for each in releases] for track, releases in self.tracks.items()}
        edit = PlayEdit(name, user, self.version, self.world.clock.now() + EDIT_LASTS, copied)
        self.edits[name] = edit
        return edit

    def edit(self, name: str, user: str) -> PlayEdit:
        """An edit that is still open. Raises AwsError where it is not."""
        edit = self.edits.get(name)
        if edit is None or edit.user != user:
            raise not_found(f"No edit found with id {name}.")
        if edit.ended == "committed":
            raise precondition("This edit has already been successfully committed, please create a new Edit.")
        if edit.ended:
            raise invalid("This Edit has been deleted.")
        if self.world.clock.now() >= edit.expires:
            raise precondition("This edit has expired, please create a new Edit.")
        return edit

    def check_base(self, edit: PlayEdit) -> None:
        """Raises AwsError 409 where the app was changed since the edit was opened."""
        if edit.base != self.version:
            raise conflict("A change was made to the application outside of this Edit, please create a new edit.")

    def apply(self, edit: PlayEdit, *, cancel: bool, hold: bool) -> None:
        """Make the edit's tracks the app's.

        `cancel`: what is in review is sent once more from the beginning, or is gone where the edit lacks it. `hold`:
        what is new waits for a person, who sends it for review in the Console.
        """
        now = self.world.clock.now()
        for track, wanted in edit.tracks.items():
            before = {release.codes: release for release in self.tracks[track]}
            after: list[PlayRelease] = []
            for body in wanted:
                codes = tuple(int(code) for code in body.get("versionCodes", ()))
                known = before.get(codes)
                release = PlayRelease(body, known.state, known.submitted) if known else PlayRelease(body, "")
                if body["status"] == "draft":
                    release.state, release.submitted = DRAFT, None
                elif (
                    known is None
                    or known.state in ("", DRAFT, NOT_APPROVED, NOT_SENT)
                    or (known.state == IN_REVIEW and cancel)
                ):
                    release.state, release.submitted = (NOT_SENT, None) if hold else (IN_REVIEW, now)
                after.append(release)
            kept = {release.codes for release in after}
            gone = [each for each in self.tracks[track] if each.share == 1 and each.codes not in kept]
            self.earlier[track] += gone
            self.tracks[track] = after
        edit.ended = "committed"
        self.touch(edit.user)

    def _dump(self) -> Any:
        self.settle()
        return {
            "tracks": {
                track: [each.body | {"state": each.state} for each in releases]
                for track, releases in self.tracks.items()
                if releases
            },
            "bundles": {str(code): bundle.name for code, bundle in self.bundles.items()},
            "changed": [[iso(at), by] for at, by in self.changed],
        }


def edit_answer(edit: PlayEdit) -> dict[str, Any]:
    """AppEdit."""
    return {"id": edit.id, "expiryTimeSeconds": str(epoch(edit.expires))}
