"""Plan E on one page: its steps in order."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

REACH = StepName("regions-in-reach", "Regions in reach", "E.1")
KEEP_LOGS = StepName("keep-the-logs", "Keep the logs", "E.1")
FREEZE_EVIDENCE = StepName("freeze-the-evidence", "Freeze the evidence", "E.1")
DETECT = StepName("verify-the-finding", "Verify the finding", "E.1")
NOTIFY = StepName("notify-on-call", "Notify on-call", "E.1")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "E.1")
DECIDE = StepName("decide", "Decide", "E.2")

FREEZE = StepName("freeze-the-pipeline", "Freeze the pipeline", "E.2")
CONTAIN = StepName("contain", "Contain", "E.2")
CONTAINED = StepName("no-write-gets-in", "No write gets in", "E.2")
MAINTENANCE = StepName("tell-users-of-maintenance", "Tell users of maintenance", "E.5")

LAMBDA = StepName("lambda-hotfix", "Lambda hotfix", "E.3")
API = StepName("api-gateway-hotfix", "API Gateway hotfix", "E.3")
MENDED = StepName("the-hole-is-closed", "The hole is closed", "E.3")

EPOCH = StepName("token-epoch", "Token epoch", "E.4")
ISSUERS = StepName("revoke-at-the-issuers", "Revoke at the issuers", "E.4")
PROMOTE = StepName("promote-the-replicas", "Promote the replicas", "E.4")
SWEEP = StepName("sweep-the-secrets", "Sweep the secrets", "E.4")
LABELS = StepName("no-label-on-an-old-version", "No label on an old version", "E.4")
COPIES = StepName("no-copy-holds-a-token", "No copy holds a token", "E.4")
REFUSED = StepName("old-tokens-are-refused", "Old tokens are refused", "E.4")

SIGN_IN = StepName("tell-users-to-sign-in-again", "Tell users to sign in again", "E.4")
LIFT = StepName("lift-the-mode", "Lift the mode", "E.2")
VERIFY = StepName("verify", "Verify", "E.4")
RESOLVED = StepName("tell-users-what-happened", "Tell users what happened", "E.5")

UNFREEZE = StepName("unfreeze-the-pipeline", "Unfreeze the pipeline", "E.2")
AUDIT = StepName("what-was-done", "What was done", "E.6")
REPORTS = StepName("draft-the-reports", "Draft the reports", "E.6")
POSTMORTEM = StepName("postmortem", "Postmortem", "E.6")
CLOSE = StepName("close", "Close", "E.6")

# What stands still from a step on, until another one has been done.
STANDS = (
    StandsStill(FREEZE, "the pipeline is frozen, nothing new is deployed", UNFREEZE),
    StandsStill(CONTAIN, "the service is in the mode that contains the hole, users cannot change anything", LIFT),
    StandsStill(MAINTENANCE, "the status page tells users of maintenance", RESOLVED),
)
