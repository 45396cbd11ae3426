"""Plan F on one page: its steps in order.

"F.automated" and "F.manual" are the two lists of the plan's text.
"""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

DETECT = StepName("detect", "Detect", "F.automated 1")
AUTOMATIC = StepName("automatic-rollback", "Automatic rollback", "F.automated 2")
NOTIFY = StepName("notify-on-call", "Notify on-call", "F.automated 3")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "F.automated 3")

DECIDE = StepName("decide", "Decide", "F.manual 1")
INVESTIGATING = StepName("tell-users-that-we-investigate", "Tell users that we investigate", "F.manual 5")

FREEZE = StepName("freeze-the-pipeline", "Freeze the pipeline", "F.manual 2")
STOP = StepName("stop-the-running-deployment", "Stop the running deployment", "F.manual 2")
LAMBDA = StepName("lambda-rollback", "Lambda rollback", "F.manual 2")
API = StepName("api-gateway-rollback", "API Gateway rollback", "F.manual 3")
STOP_LATE = StepName("stop-what-deploys-again", "Stop what deploys again", "F.manual 2")
PROVISIONED = StepName("provisioned-concurrency", "Provisioned concurrency", "F.manual 2")

VERIFY = StepName("verify", "Verify", "F.manual 4")
CONFIRM_GONE = StepName("confirm-that-it-is-gone", "Confirm that it is gone", "F.manual 4")
RESOLVED = StepName("tell-users-that-it-is-resolved", "Tell users that it is resolved", "F.manual 5")

UNFREEZE = StepName("unfreeze-the-pipeline", "Unfreeze the pipeline", "F.manual 2")
CLOSE = StepName("close", "Close", "F.testing")

# What stands still from a step on, until another one has been done.
STANDS = (
    StandsStill(INVESTIGATING, "the status page tells users of an incident", RESOLVED),
    StandsStill(FREEZE, "the pipeline is frozen, nothing new is deployed", UNFREEZE),
)
