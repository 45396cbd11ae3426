"""Plan C, the halt: nobody more gets the bad version. Android first, which can be stopped whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Check, Target, no, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.c import resources, titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.stores import APP_STORE, PLAY, app_store, google_play
from drcore.plans.c.versions import code_of, suspect
from drcore.services.appstore.versions import LONGEST_PAUSE, PhasedRelease, store_versions, turn_phased_release
from drcore.services.play import tracks
from drcore.services.play.tracks import PlayTrack, read_track

_NOTHING = "no trouble was seen, nothing is to be halted"

# ── Google Play ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PlayRollout:
    """The production track, with the bad version's release in it; what waits for its review."""

    version: str = field(metadata=label("version"))
    track: PlayTrack = field(metadata=label(""))
    waiting: tuple[str, ...] = field(default=(), compare=False, metadata=label("waits for its review"))


def see_play(run: CRun, target: Target) -> PlayRollout:
    play = google_play(run)
    waiting = tuple(
        each.name or "/".join(map(str, each.codes)) for each in tracks.reviews(play) if each.state == tracks.IN_REVIEW
    )
    return PlayRollout(suspect(run, PLAY), read_track(play), waiting)


def play_gives_it_to_nobody(run: CRun, target: Target, seen: PlayRollout) -> Check:
    if "detected" not in run.moments:
        return yes(_NOTHING)
    release = seen.track.release(code_of(run, seen.version))
    if release is None:
        return yes(f"{seen.version} is not on the track {seen.track.track}")
    if release.status == "halted":
        return yes(f"{seen.version} is halted: nobody new gets it, who has it keeps it")
    if release.status == "draft":
        return yes(f"{seen.version} is a draft: nobody gets it")
    share = "everybody" if release.fraction is None else f"{release.fraction:.4g} of the users"
    waits = f"; {', '.join(seen.waiting)} waits for its review, which a change would cancel" if seen.waiting else ""
    return no(f"{seen.version} is {release.status} for {share}{waits}")


def halt_play(run: CRun, target: Target, seen: PlayRollout) -> None:
    tracks.halt(google_play(run), seen.track, code_of(run, seen.version))


def resume_play(run: CRun, target: Target, before: PlayRollout) -> None:
    """For as many users as before; guarded by the track as it is by now, as this run has changed it."""
    code = code_of(run, before.version)
    release = before.track.release(code)
    tracks.resume(google_play(run), read_track(google_play(run)), code, release.fraction if release else None)


HALT_PLAY = Step(
    titles.HALT_PLAY,
    changes="nobody new gets the bad version from Google Play; who has it keeps it",
    look=see_play,
    expect=play_gives_it_to_nobody,
    act=halt_play,
    undo=resume_play,
    targets=lambda run: (PLAY,),
    needs=(titles.DETECT,),
    goes_on=True,
    consent=Consent.GO,
    phrase=lambda run, states: "HALT ON GOOGLE PLAY: " + ", ".join(seen.version for seen in states.values()),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=lambda run: 60 * run.facts.halt_minutes, every=10),
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.play_key),
)


# ── App Store ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class IosRollout:
    """The bad version on the App Store, with its phased release. An empty id: the store does not have it."""

    version: str = field(metadata=label("version"))
    id: str = field(metadata=label("id"))
    state: str = field(metadata=label("state"))
    phase: PhasedRelease = field(metadata=label("phased release"))


def see_ios(run: CRun, target: Target) -> IosRollout:
    version = suspect(run, APP_STORE)
    listed = next((each for each in store_versions(app_store(run)) if each.name == version), None)
    return IosRollout(version, listed.id, listed.state, listed.phase) if listed else IosRollout(version, "", "", _NONE)


_NONE = PhasedRelease()


def ios_updates_nobody(run: CRun, target: Target, seen: IosRollout) -> Check:
    if "detected" not in run.moments:
        return yes(_NOTHING)
    if not seen.id:
        return yes(f"{seen.version} is not in the App Store")
    if seen.phase.state == "ACTIVE":
        return no(f"day {seen.phase.day}: {seen.phase.percent} % of the devices that update by themselves get it")
    if seen.phase.state == "PAUSED":
        left = LONGEST_PAUSE - seen.phase.days_paused
        return yes(f"paused, {left} days are left; whoever visits the store still gets {seen.version}")
    if seen.phase.state == "INACTIVE":
        return yes(f"the phased release of {seen.version} has not begun")
    return yes(
        f"{seen.version} is out for everybody: the App Store cannot halt it, only a newer version takes its place"
    )


def pause_ios(run: CRun, target: Target, seen: IosRollout) -> None:
    turn_phased_release(app_store(run), seen.id, seen.phase, "PAUSED")


def resume_ios(run: CRun, target: Target, before: IosRollout) -> None:
    turn_phased_release(app_store(run), before.id, see_ios(run, target).phase, "ACTIVE")


HALT_IOS = Step(
    titles.HALT_IOS,
    changes="devices do not update to the bad version by themselves any more; whoever visits the store still gets it",
    look=see_ios,
    expect=ios_updates_nobody,
    act=pause_ios,
    undo=resume_ios,
    targets=lambda run: (APP_STORE,),
    needs=(titles.DETECT,),
    goes_on=True,
    consent=Consent.GO,
    phrase=lambda run, states: "PAUSE ON THE APP STORE: " + ", ".join(seen.version for seen in states.values()),
    reversibility=Reversibility.REVERSIBLE,
    patience=Patience(within=lambda run: 60 * run.facts.halt_minutes, every=10),
    permissions=iam_actions("secretsmanager:GetSecretValue", on=resources.app_store_key),
)


STEPS = (HALT_PLAY, HALT_IOS)
