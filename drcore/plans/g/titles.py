"""Plan G on one page: its steps in order, each with its key, its title, its place in the plan's text."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.engine.standing import StandsStill

# Confirm
DETECT = StepName("detect", "Detect", "G.trigger")
NOTIFY = StepName("notify-on-call", "Notify on-call", "G.1")
ACKNOWLEDGE = StepName("acknowledge", "Acknowledge", "G.1")
CONFIRM = StepName("confirm", "Confirm", "G.1")
MAINTENANCE = StepName("tell-users-maintenance", "Tell users: maintenance", "G.7 initial")

# Halt: one decision, then all at once
HALT = StepName("halt", "Halt all writes", "G.1")
DENY = StepName("deny-writes", "Deny writes", "G.1")
FREEZE = StepName("freeze-the-pipeline", "Freeze the pipeline", "G.1")
SCALING = StepName("suspend-auto-scaling", "Suspend auto scaling", "G.1")
RULES = StepName("stop-schedules", "Stop schedules", "G.1")
WORKERS = StepName("stop-workers", "Stop workers", "G.1")
SOURCES = StepName("stop-event-sources", "Stop event sources", "G.1")
FUNCTIONS = StepName("stop-functions", "Stop functions", "G.1")
NOTHING_WRITES = StepName("nothing-writes", "Nothing writes", "G.1")

# Recovery point, restore
EXPORT = StepName("export-the-changes", "Export the changes", "G.2")
RECOVERY_POINT = StepName("recovery-point", "Recovery point", "G.2")
RESTORE = StepName("restore", "Restore", "G.3")

# Compare, decide
SPOT_CHECK = StepName("spot-check", "Spot check", "G.4")
SAMPLE = StepName("sample", "Sample", "G.4")
COMPARE = StepName("compare-everything", "Compare everything", "G.4")
DECIDE = StepName("decide", "Decide", "G.1")

# Repair
INVERSE = StepName("write-the-inverse", "Write the inverse", "G.repair")
REPAIR = StepName("repair", "Repair", "G.repair")

# Switch
SETTINGS = StepName("restore-settings", "Restore settings", "G.5")
REPLICAS = StepName("replicas", "Replicas", "G.5")
KEEP = StepName("keep-the-corrupt-table", "Keep the corrupt table", "G.5")
SWITCH = StepName("switch", "Switch", "G.5")

# Resume
SIGN_OFF = StepName("sign-off", "Sign off", "G.4")
ALLOW = StepName("allow-writes", "Allow writes", "G.6")
JOBS = StepName("decide-on-jobs", "Decide on jobs", "G.6")
HOLD_JOBS = StepName("hold-old-jobs", "Hold old jobs", "G.6")
IMPORTS = StepName("set-imports-back", "Set imports back", "G.6")
WORKERS_AGAIN = StepName("resume-workers", "Resume workers", "G.5, G.6")
FUNCTIONS_AGAIN = StepName("resume-functions", "Resume functions", "G.5, G.6")
SOURCES_AGAIN = StepName("resume-event-sources", "Resume event sources", "G.6")
REDRIVE = StepName("redrive-jobs", "Redrive failed jobs", "G.6")
RULES_AGAIN = StepName("resume-schedules", "Resume schedules", "G.6")
SCALING_AGAIN = StepName("resume-auto-scaling", "Resume auto scaling", "G.6")
PROVISIONED_AGAIN = StepName("restore-provisioned-concurrency", "Restore provisioned concurrency", "G.6")
OLD_TABLE_UNREAD = StepName("nobody-reads-the-old-table", "Nobody reads the old table", "G.5")

# Close
USERS = StepName("users-are-well", "Users are well", "G.objective")
UNFREEZE = StepName("unfreeze-the-pipeline", "Unfreeze the pipeline", "G.6")
RESTORED = StepName("tell-users-restored", "Tell users: restored", "G.7 final")
POSTMORTEM = StepName("postmortem", "Postmortem", "G.post-mortem")
CLOSE = StepName("close", "Close", "G.post-mortem")

PROVISIONED = ", provisioned concurrency"  # the targets of stopping functions that bear it are brought back apart

# What stands still from a step on, until another one has been done.
STANDS = (
    StandsStill(MAINTENANCE, "the status page tells users of maintenance", RESTORED),
    StandsStill(DENY, "writes are denied", ALLOW),
    StandsStill(FREEZE, "the pipeline is frozen, nothing new is deployed", UNFREEZE),
    StandsStill(SCALING, "auto scaling is suspended", SCALING_AGAIN),
    StandsStill(RULES, "schedules are off", RULES_AGAIN),
    StandsStill(WORKERS, "workers are at zero", WORKERS_AGAIN),
    StandsStill(SOURCES, "event sources are off", SOURCES_AGAIN),
    StandsStill(
        FUNCTIONS,
        "functions are stopped, users get errors",
        FUNCTIONS_AGAIN,
        of=lambda target: PROVISIONED not in target,
    ),
    StandsStill(
        FUNCTIONS, "provisioned concurrency is taken away", PROVISIONED_AGAIN, of=lambda target: PROVISIONED in target
    ),
)
