"""Plan A on one page: its steps in order, each with its key, its title, its place in the plan's text."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

# Phase 1
DETECT = StepName("detect", "Detect", "A.trigger")
CONFIRM = StepName("confirm-the-failed-region", "Confirm the failed region", "A.manual 1")
NOTIFY = StepName("notify-on-call", "Notify on-call", "A.manual 1")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "A.manual 1")
INVESTIGATING = StepName("tell-users-that-we-investigate", "Tell users that we investigate", "A.manual 2")

# Phase 2
HEALTH_CHECKS = StepName("health-checks", "Health checks", "A.auto 1")
FAILOVER = StepName("confirm-failover", "Confirm failover", "A.auto 2, A.manual 1")

# Phase 3
PULL = StepName("pull-the-levers", "Pull the levers", "A.manual 1")
ROUTING_OUT = StepName("routing-control-out", "Routing control out", "A.manual 1")
LEVER_OUT = StepName("lever-out", "Lever out", "A.manual 1")
CHECK_OUT = StepName("health-check-out", "Health check out", "A.manual 1")
LATCH = StepName("latch-the-region-out", "Latch the region out", "A.manual 3")

# Phase 4
WRITE = StepName("write-and-read-back", "Write and read back", "A.auto 3")
REPLICATION = StepName("replication", "Replication", "A.RPO")
CAPACITY = StepName("secrets-and-capacity", "Secrets and capacity", "A.auto 3")
USERS = StepName("users-are-well-again", "Users are well again", "A.auto 3")
REROUTED = StepName("tell-users-what-we-know", "Tell users what we know", "A.manual 2")

# Phase 5
RECOVERY = StepName("await-recovery", "Await recovery", "A.manual 3")
RECONCILE = StepName("reconcile", "Reconcile", "A.manual 3")

# Phase 6
SAVE = StepName("save-the-dns-settings", "Save the DNS settings", "A.manual 4")
LOWER = StepName("lower-the-weight", "Lower the weight", "A.manual 4")
CHECK_BACK = StepName("health-check-as-before", "Health check as before", "A.manual 4")
ROUTING_IN = StepName("routing-control-in", "Routing control in", "A.manual 4")

# Phase 7
LET_IN = StepName("let-the-region-in", "Let the region in", "A.manual 4")
REBALANCE_2 = StepName("rebalance-second-part", "Rebalance, second part", "A.manual 4")
REBALANCE_3 = StepName("rebalance-third-part", "Rebalance, third part", "A.manual 4")
REBALANCE_FULL = StepName("rebalance-in-full", "Rebalance in full", "A.manual 4")

# Phase 8
RESOLVED = StepName("tell-users-that-it-is-resolved", "Tell users that it is resolved", "A.manual 2")
CLOSE = StepName("close", "Close", "A.RTO, A.RPO")

# What stands still from a step on, until another one has been done.
STANDS = (
    StandsStill(INVESTIGATING, "the status page tells users of an incident", RESOLVED),
    StandsStill(ROUTING_OUT, "the region is kept out of the traffic", LET_IN),
    StandsStill(LEVER_OUT, "the region is kept out of the traffic", LET_IN),
    StandsStill(CHECK_OUT, "the region is kept out of the traffic", LET_IN),
    StandsStill(LATCH, "the region is kept out of the traffic", LET_IN),
    StandsStill(LOWER, "the region gets a part of its traffic only", REBALANCE_FULL),
)
