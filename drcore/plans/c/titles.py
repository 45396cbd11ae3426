"""Plan C on one page: its steps in order."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

DETECT = StepName("detect", "Detect", "C.trigger")
NOTIFY = StepName("notify-on-call", "Notify on-call", "C.trigger")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "C.trigger")

HALT_PLAY = StepName("halt-google-play", "Halt the rollout on Google Play", "C.1")
HALT_IOS = StepName("halt-app-store", "Pause the phased release on the App Store", "C.1")

OFF_SALE = StepName("take-the-app-off-sale", "Take the app off sale", "C.1")

INVESTIGATING = StepName("tell-users-that-we-investigate", "Tell users that we investigate", "C.2")

TRIAGE = StepName("triage", "Triage", "C.3")

FEATURE = StepName("turn-the-feature-off", "Turn the feature off", "C.3")

DECIDE = StepName("decide", "Decide: hotfix or roll back", "C.4")

BUILD = StepName("build-the-replacement", "Build the replacement", "C.5")
SUBMIT_PLAY = StepName("submit-to-google-play", "Submit to Google Play", "C.5")
SUBMIT_IOS = StepName("submit-to-app-store", "Submit to the App Store", "C.5")
REVIEW = StepName("wait-for-the-reviews", "Wait for the reviews", "C.5")
ON_SALE = StepName("put-the-app-back-on-sale", "Put the app back on sale", "C.5")
RECOVER = StepName("recover-installed-apps", "Recover installed apps", "C.5")

LEAST = StepName("ask-for-a-least-version", "Ask for a least version", "C.5")

VERIFY = StepName("verify", "Verify", "C.5")
RESOLVED = StepName("tell-users-that-it-is-resolved", "Tell users that it is resolved", "C.2")

POSTMORTEM = StepName("postmortem", "Postmortem", "C.6")
CLOSE = StepName("close", "Close", "C.6")

# What stands still from a step on, until another one has been done.
STANDS = (
    StandsStill(HALT_PLAY, "the rollout is halted", VERIFY),
    StandsStill(HALT_IOS, "the phased release is paused", VERIFY),
    StandsStill(OFF_SALE, "the app is off sale", ON_SALE),
    StandsStill(INVESTIGATING, "the status page tells users of an incident", RESOLVED),
)
