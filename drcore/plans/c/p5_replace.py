"""Plan C, the way out: a higher version that is built, submitted, reviewed, brought to who has the bad one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.calls.gate import Call
from drcore.clock import parse_time
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.outcome import Between, Check, StepName, StepResult, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Settles, Step
from drcore.errors import Busy, Missing, Unknown
from drcore.plans.c import resources, titles
from drcore.plans.c.facts import CRun
from drcore.plans.c.p4_decide import decided, is_to_be_replaced
from drcore.plans.c.stores import APP_STORE, BOTH, PLAY, app_store, google_play
from drcore.plans.c.versions import code_of
from drcore.services import codebuild
from drcore.services.appstore import reviews as apple_reviews
from drcore.services.appstore.versions import LIVE, StoreVersion, builds, create_version, store_versions
from drcore.services.play import recovery, tracks
from drcore.services.play.recovery import RecoveryAction
from drcore.services.play.tracks import PlayTrack, TrackRelease, bundle_codes, read_track

_NOTHING = "nothing is to take any version's place"
_OTHER = "this store has no version that is proven bad"
_RUN = "DRCORE_RUN"  # the variable of a build that names the run which has started it

# ── Build the replacement ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Built:
    """This run's build of the pipeline's job. An empty id: there is none yet."""

    version: str = field(metadata=label("version"))
    source: str = field(metadata=label("source"))
    id: str = field(default="", metadata=label("build"))
    status: str = field(metadata=label("status"), default="")


def see_build(run: CRun, target: Target) -> Built:
    remedy = decided(run)
    if remedy is None:
        return Built("", "")
    builds_of_job = codebuild.newest_builds(run.aws, target.region, run.facts.build_job.project)
    mine = [
        each for each in builds_of_job if each.variable(_RUN) == run.id and each.variable("VERSION") == remedy.version
    ]
    last = mine[0] if mine else codebuild.Build("", "", "")
    return Built(remedy.version, remedy.source, last.id, last.status)


def is_built(run: CRun, target: Target, seen: Built) -> Check:
    if not seen.version:
        return yes(_NOTHING)
    match seen.status:
        case "SUCCEEDED":
            return yes(f"{seen.version} was built from {seen.source}, and uploaded")
        case "":
            return no(f"{seen.version} is to be built from {seen.source}")
        case "IN_PROGRESS":
            return no(f"{seen.id} is in progress")
    return never(f"{seen.id} is {seen.status}: look at its log, and start anew")


def build(run: CRun, target: Target, seen: Built) -> str:
    if seen.id:
        raise Busy(f"{seen.id} is in progress", "InProgress")
    variables = {"VERSION": seen.version, _RUN: run.id}
    project = run.facts.build_job.project
    return codebuild.start_build(run.aws, target.region, project, seen.source, variables, token=run.id)


BUILD = Step(
    titles.BUILD,
    changes="the pipeline's job builds the decided source under a higher version, and uploads it to both stores",
    look=see_build,
    expect=is_built,
    act=build,
    targets=lambda run: (Target(run.facts.build_job.region, run.facts.build_job.project),),
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=lambda run, states: "BUILD " + ", ".join(f"{seen.version} FROM {seen.source}" for seen in states.values()),
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 60 * run.facts.build_minutes, every=60),
    permissions=iam_actions("codebuild:StartBuild", on=resources.build_job),
)


def no_way_back(name: StepName) -> Callable[[CRun], str]:
    """Once a store has the replacement, to let the bad version out again beside it would help nobody."""
    return lambda run: f"{name} was done, and the bad version is not given to users again"


# ── Submit to Google Play ────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class PlaySubmission:
    """The replacement on the production track. An empty version: this store needs none."""

    version: str = field(metadata=label("version"))
    track: PlayTrack = field(metadata=label(""))


def see_play_submission(run: CRun, target: Target) -> PlaySubmission:
    remedy, play = is_to_be_replaced(run, PLAY), google_play(run)
    track = read_track(play)
    if remedy is None:
        return PlaySubmission("", track)
    code = code_of(run, remedy.version)
    if track.release(code) is None and code not in bundle_codes(play):
        raise Missing(f"Google Play has no bundle with the version code {code} yet", "NoSuchBundle")
    return PlaySubmission(remedy.version, track)


def is_on_play(run: CRun, target: Target, seen: PlaySubmission) -> Check:
    if not seen.version:
        return yes(_OTHER if decided(run) else _NOTHING)
    release = seen.track.release(code_of(run, seen.version))
    if release is None or release.status == "draft":
        return no(f"{seen.version} is not submitted")
    return yes(f"{seen.version} is on the track, {release.status}")


def submit_to_play(run: CRun, target: Target, seen: PlaySubmission) -> None:
    """For everybody: it takes the place of the stable version, too, whose code it has."""
    new = TrackRelease((code_of(run, seen.version),), "completed", None, seen.version)
    tracks.submit(google_play(run), seen.track, new)


def _to_play(run: CRun, path: str, sends: Mapping[str, object]) -> Call:
    """A call to Google Play, as a rehearsal names it before any version is known."""
    app = google_play(run).app
    url = f"{app.publisher}/applications/{app.package}{path}"
    return Call("http", "POST", "", True, parameters={"url": url, "json": sends})


SUBMIT_PLAY = Step(
    titles.SUBMIT_PLAY,
    changes="the replacement goes to Google's review, and then to everybody",
    look=see_play_submission,
    expect=is_on_play,
    act=submit_to_play,
    supposed=lambda run, target, seen: _to_play(run, "/edits/<edit>:commit", {"versionCodes": ["<version code>"]}),
    targets=lambda run: (PLAY,),
    needs=(titles.BUILD,),
    consent=Consent.GO,
    phrase=lambda run, states: "SUBMIT TO GOOGLE PLAY: " + ", ".join(seen.version for seen in states.values()),
    no_return=no_way_back(titles.SUBMIT_PLAY),
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.halt_minutes, every=10),
)


# ── Submit to the App Store ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AppleSubmission:
    """The replacement on its way to Apple's review. An empty version: this store needs none."""

    version: str = field(metadata=label("version"))
    build: str = field(metadata=label("build"), default="")
    id: str = field(default="", metadata=label("version's id"))
    state: str = field(metadata=label("state"), default="")
    submission: str = field(default="", metadata=label("submission"))
    holds_it: bool = field(default=False, metadata=label("it is in the submission"))


def see_ios_submission(run: CRun, target: Target) -> AppleSubmission:
    remedy, store = is_to_be_replaced(run, APP_STORE), app_store(run)
    if remedy is None:
        return AppleSubmission("")
    in_store = next((each for each in store_versions(store) if each.name == remedy.version), None)
    valid = [each.id for each in builds(store, remedy.version) if each.state == "VALID"]
    if in_store is None and not valid:
        raise Missing(f"the App Store has no build of {remedy.version} that is VALID yet", "NoSuchBuild")
    under_way = [each for each in apple_reviews.submissions(store) if each.state in apple_reviews.UNDER_WAY]
    sent = under_way[0] if under_way else apple_reviews.Submission("", "")
    holds = bool(in_store and sent.version == in_store.id)
    return AppleSubmission(
        remedy.version,
        valid[0] if valid else "",
        in_store.id if in_store else "",
        in_store.state if in_store else "",
        sent.id,
        holds,
    )


_UNSENT = ("", "PREPARE_FOR_SUBMISSION", "READY_FOR_REVIEW")


def is_submitted(run: CRun, target: Target, seen: AppleSubmission) -> Check:
    if not seen.version:
        return yes(_OTHER if decided(run) else _NOTHING)
    if seen.state in ("REJECTED", "DEVELOPER_REJECTED", "INVALID_BINARY", "METADATA_REJECTED"):
        return never(f"{seen.version} is {seen.state}: a person must look at it in App Store Connect")
    if seen.state in _UNSENT:
        return no(f"{seen.version} is {seen.state or 'not there'}, not sent for review")
    return yes(f"{seen.version} is {seen.state}")


def submit_next(run: CRun, target: Target, seen: AppleSubmission) -> None:
    """The next one of the four writes that a submission takes, by what is there already."""
    store = app_store(run)
    if not seen.id:
        create_version(store, seen.version, seen.build)
    elif not seen.submission:
        apple_reviews.create_submission(store)
    elif not seen.holds_it:
        apple_reviews.add_to_submission(store, seen.submission, seen.id)
    else:
        apple_reviews.send_submission(store, seen.submission)


SUBMIT_IOS = Step(
    titles.SUBMIT_IOS,
    changes="the replacement goes to Apple's review, and then to everybody",
    look=see_ios_submission,
    expect=is_submitted,
    act=submit_next,
    targets=lambda run: (APP_STORE,),
    needs=(titles.BUILD,),
    consent=Consent.GO,
    phrase=lambda run, states: "SUBMIT TO THE APP STORE: " + ", ".join(seen.version for seen in states.values()),
    no_return=no_way_back(titles.SUBMIT_IOS),
    reversibility=Reversibility.NO_RETURN,
    patience=Patience(within=lambda run: 60 * run.facts.halt_minutes, every=10),
    repeat=True,
)


# ── Wait for the reviews ─────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Review:
    """Where the replacement's review stands, in the store's word. `waiting`: the last look at which it was not out."""

    version: str = field(metadata=label("version"))
    state: str = field(metadata=label("state"))
    waiting: datetime | None = field(default=None, compare=False, metadata=label("not out at"))


OUT = "out for everybody"


def see_review(run: CRun, target: Target) -> Review:
    """No edit is opened, so that nobody's is disturbed."""
    remedy = is_to_be_replaced(run, target)
    if remedy is None:
        return Review("", "")
    looked = [(at, seen) for at, store, seen in run.looks(titles.REVIEW) if store == target and seen is not None]
    waiting = max((at for at, seen in looked if seen.state != OUT), default=None)
    return Review(remedy.version, _state_of(run, target, remedy.version), waiting)


def _state_of(run: CRun, store: Target, version: str) -> str:
    if store == PLAY:
        code = code_of(run, version)
        review = next((each.state for each in tracks.reviews(google_play(run)) if code in each.codes), "")
        return OUT if review == "PUBLISHED" else review
    live: StoreVersion | None = next((each for each in store_versions(app_store(run)) if each.name == version), None)
    return "" if live is None else OUT if live.state == LIVE and live.phase.percent == 100 else live.state


def is_out(run: CRun, target: Target, seen: Review) -> Check:
    if not seen.version:
        return yes(_OTHER if decided(run) else _NOTHING)
    if seen.state == OUT:
        return yes(f"{seen.version} is {OUT}")
    if seen.state in ("NOT_APPROVED", "REJECTED", "METADATA_REJECTED", "INVALID_BINARY"):
        return never(f"{seen.version} is {seen.state}: a person must answer the store")
    if not seen.state:
        raise Missing(f"{seen.version} is not on its way to the {target.thing}", "NoSuchRelease")
    return no(f"{seen.version} is {seen.state}: this is the store's time")


def when_out(result: StepResult) -> Between | datetime | None:
    """Between the last look at which it was not out and the first at which it was, of the last store."""
    if not result.since or not any(seen.version for seen in result.states.values()):
        return None
    waiting = [seen.waiting for seen in result.states.values() if seen.waiting]
    return Between(max(waiting), result.since) if waiting else result.since


def whose_time(run: CRun, result: StepResult) -> str:
    """How the time until the replacement was out is split into ours and the stores', in a line."""
    begun, out = run.moments.get("fault", run.moments.get("detected")), run.moments.get("published")
    acts = [run.history.act(name) for name in (titles.SUBMIT_PLAY, titles.SUBMIT_IOS)]
    submitted = max((parse_time(act.last["time"]) for act in acts if act), default=None)
    if begun is None or submitted is None or out is None:
        return ""
    ours, theirs = (max((b - a).total_seconds() / 60, 0) for a, b in ((begun, submitted), (submitted, out)))
    return (
        f"until the replacement was out {ours + theirs:.0f} min passed: ours {ours:.0f} min, until it was submitted to "
        f"each store; the stores' {theirs:.0f} min, in review"
    )


REVIEW = Step(
    titles.REVIEW,
    changes="nothing: waits for the stores; no edit is opened",
    look=see_review,
    expect=is_out,
    targets=lambda run: BOTH,
    needs=(titles.SUBMIT_PLAY, titles.SUBMIT_IOS),
    patience=Patience(within=lambda run: 3600 * run.facts.review_hours, every=240),
    settles=Settles("published", at=when_out),
    remark=whose_time,
)


# ── Recover installed apps ───────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Recovery:
    """What forces the update upon who has the bad version on Android. An empty version: nobody is to be recovered."""

    version: str = field(metadata=label("version"))
    action: RecoveryAction = field(metadata=label(""))


def see_recovery(run: CRun, target: Target) -> Recovery:
    remedy = is_to_be_replaced(run, PLAY)
    if remedy is None:
        return Recovery("", RecoveryAction())
    actions = recovery.recovery_actions(google_play(run), code_of(run, remedy.bad))
    standing = [each for each in actions if each.status != "CANCELED"]
    return Recovery(remedy.bad, standing[-1] if standing else RecoveryAction())


def is_recovering(run: CRun, target: Target, seen: Recovery) -> Check:
    if not seen.version:
        return yes(_OTHER if decided(run) else _NOTHING)
    match seen.action.status:
        case "ACTIVE":
            return yes(f"active: {seen.action.recovered} of {seen.action.devices} devices are recovered")
        case "":
            return no(f"who has {seen.version} keeps it until the device updates")
        case "GENERATION_IN_PROGRESS":
            return no(f"{seen.action.id} is being generated")
        case "DRAFT":
            return no(f"{seen.action.id} is a draft")
        case "GENERATION_FAILED":
            return never(
                f"Google could not generate {seen.action.id}: who has {seen.version} updates when the device does"
            )
    return unknown(f"{seen.action.id} is {seen.action.status}")


def recover(run: CRun, target: Target, seen: Recovery) -> str:
    """Make the draft, then deploy it: one write each time."""
    play = google_play(run)
    match seen.action.status:
        case "":
            return recovery.create_recovery(play, code_of(run, seen.version))
        case "DRAFT":
            recovery.deploy_recovery(play, seen.action.id)
            return seen.action.id
    raise Busy(f"{seen.action.id} is {seen.action.status}", "InProgress")


def cancel(run: CRun, target: Target, before: Recovery) -> None:
    """Who was recovered stays so."""
    now = see_recovery(run, target)
    if not now.action.id:
        raise Unknown("there is no recovery action that could be cancelled")
    recovery.cancel_recovery(google_play(run), now.action.id)


RECOVER = Step(
    titles.RECOVER,
    changes="Google Play updates the app on devices that have the bad version, without waiting for them",
    look=see_recovery,
    expect=is_recovering,
    act=recover,
    supposed=lambda run, target, seen: _to_play(run, "/appRecoveries", {"versionCodes": ["<bad version code>"]}),
    undo=cancel,
    targets=lambda run: (PLAY,),
    needs=(titles.REVIEW,),
    goes_on=True,
    consent=Consent.GO,
    phrase=lambda run, states: "RECOVER WHO HAS " + ", ".join(seen.version for seen in states.values()),
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=600, every=30),
    repeat=True,
)
