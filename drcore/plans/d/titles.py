"""Plan D on one page: its steps in order, each with its key, its title, its place in the plan's text."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

DETECT = StepName("detect", "Detect", "D.trigger")
NOTIFY = StepName("notify-on-call", "Notify on-call", "D.trigger")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "D.trigger")
DECIDE = StepName("decide", "Decide", "D.1")

CLEAR = StepName("clear-the-way", "Clear the way", "D.1")
PAUSE = StepName("pause-the-integration", "Pause the integration", "D.1")
VERIFY = StepName("verify", "Verify", "D.1")
PAUSED = StepName("tell-users-that-it-is-paused", "Tell users that it is paused", "D.2")

MONITOR = StepName("monitor-the-partner", "Monitor the partner", "D.3")
DECIDE_BACK = StepName("decide-to-let-it-in", "Decide to let it in", "D.4")
LET_IN = StepName("let-the-integration-in", "Let the integration in", "D.4")
BACKLOG = StepName("drain-the-backlog", "Drain the backlog", "D.4")

RESOLVED = StepName("tell-users-that-it-is-resolved", "Tell users that it is resolved", "D.2")
CLOSE = StepName("close", "Close", "D.4")

# What stands still from a step on, until another one has been done.
STANDS = (
    StandsStill(PAUSE, "the integration is paused, its syncs wait", LET_IN),
    StandsStill(PAUSED, "the status page tells users of an incident", RESOLVED),
)
