"""What the plans' texts ask of each step: by whose word it is done, what must have been done before.

A table that was judged by hand against spec/contingency-plans.md and the rulings on it; the code is held against it,
and never the other way round. A line is a step's key, its consent ("-": none), then the steps that it must itself name
as needed. A new step stands here before it stands in a plan.

Rules behind it: what changes how users are served is somebody's decision (typed); what follows from a decision that was
typed is a go, or done with it (none); nothing is undone for users before it was proved well; on-call and users are told
on their own, and hold up nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from drcore.engine.consent import Consent

CONSENTS = {"-": Consent.NONE, "go": Consent.GO, "typed": Consent.TYPED}


@dataclass(frozen=True)
class Asked:
    """What the text asks of a step."""

    consent: Consent
    after: tuple[str, ...]


def asked(plan: str) -> dict[str, Asked]:
    """By the key of the step, in order."""
    lines = (line.split() for line in TEXTS[plan].strip().splitlines())
    return {key: Asked(CONSENTS[consent], tuple(after)) for key, consent, *after in lines}


TEXTS = {
    "a": """
detect -
confirm-the-failed-region typed detect
notify-on-call - confirm-the-failed-region
acknowledge go notify-on-call
tell-users-that-we-investigate go confirm-the-failed-region
health-checks - confirm-the-failed-region
confirm-failover - confirm-the-failed-region
pull-the-levers typed confirm-the-failed-region
routing-control-out - confirm-the-failed-region pull-the-levers
lever-out - confirm-the-failed-region pull-the-levers
health-check-out - confirm-the-failed-region pull-the-levers
latch-the-region-out go confirm-the-failed-region
write-and-read-back - confirm-the-failed-region
replication - confirm-the-failed-region
secrets-and-capacity - confirm-the-failed-region
users-are-well-again - confirm-the-failed-region latch-the-region-out
tell-users-what-we-know go users-are-well-again
await-recovery - confirm-the-failed-region latch-the-region-out replication
reconcile - await-recovery replication
save-the-dns-settings - reconcile
lower-the-weight go save-the-dns-settings
health-check-as-before go save-the-dns-settings lower-the-weight
routing-control-in go lower-the-weight
let-the-region-in typed reconcile lower-the-weight health-check-as-before routing-control-in
rebalance-second-part go let-the-region-in
rebalance-third-part go rebalance-second-part
rebalance-in-full go rebalance-third-part
tell-users-that-it-is-resolved go rebalance-in-full
close - rebalance-in-full
""",
    "b": """
detect -
graceful-degradation -
notify-on-call - detect
acknowledge go notify-on-call
investigate - detect
decide typed detect
shift-to-the-old-variant go decide
change-the-endpoint-configuration go decide
change-the-inference-component go decide
wait-for-the-endpoint - shift-to-the-old-variant change-the-endpoint-configuration change-the-inference-component
rotate-the-key go decide
reorder-the-gateway go decide
ask-for-quota go decide
tell-users-that-ai-features-have-issues go detect
verify - wait-for-the-endpoint rotate-the-key reorder-the-gateway ask-for-quota
tell-users-that-it-is-resolved go verify
close - verify
""",
    "c": """
detect -
notify-on-call - detect
acknowledge go notify-on-call
halt-google-play go detect
halt-app-store go detect
take-the-app-off-sale typed detect
tell-users-that-we-investigate go detect
triage - detect
turn-the-feature-off typed detect
decide typed halt-google-play halt-app-store
build-the-replacement go decide
submit-to-google-play go build-the-replacement
submit-to-app-store go build-the-replacement
wait-for-the-reviews - submit-to-google-play submit-to-app-store
put-the-app-back-on-sale go wait-for-the-reviews
recover-installed-apps go wait-for-the-reviews
ask-for-a-least-version typed wait-for-the-reviews
verify - wait-for-the-reviews
tell-users-that-it-is-resolved go verify
postmortem - detect
close - verify
""",
    "d": """
detect -
notify-on-call - detect
acknowledge go notify-on-call
decide typed detect
clear-the-way typed decide
pause-the-integration typed decide clear-the-way
verify - pause-the-integration
tell-users-that-it-is-paused go decide
monitor-the-partner - pause-the-integration
decide-to-let-it-in typed pause-the-integration
let-the-integration-in typed decide-to-let-it-in
drain-the-backlog - let-the-integration-in
tell-users-that-it-is-resolved go drain-the-backlog
close - drain-the-backlog
""",
    "e": """
regions-in-reach typed
keep-the-logs -
freeze-the-evidence -
verify-the-finding -
notify-on-call - verify-the-finding
acknowledge go notify-on-call
decide typed verify-the-finding
freeze-the-pipeline go decide
contain typed decide
no-write-gets-in - contain
tell-users-of-maintenance go contain
lambda-hotfix go decide contain
api-gateway-hotfix go decide contain
the-hole-is-closed - lambda-hotfix api-gateway-hotfix
token-epoch typed the-hole-is-closed
revoke-at-the-issuers typed token-epoch
promote-the-replicas typed revoke-at-the-issuers
sweep-the-secrets typed revoke-at-the-issuers promote-the-replicas
no-label-on-an-old-version typed sweep-the-secrets
no-copy-holds-a-token - sweep-the-secrets no-label-on-an-old-version
old-tokens-are-refused - token-epoch revoke-at-the-issuers no-copy-holds-a-token
tell-users-to-sign-in-again go old-tokens-are-refused
lift-the-mode typed old-tokens-are-refused
verify - lift-the-mode old-tokens-are-refused
tell-users-what-happened go verify
unfreeze-the-pipeline go verify
what-was-done - verify
draft-the-reports - verify
postmortem - what-was-done
close - verify
""",
    "f": """
detect -
automatic-rollback -
notify-on-call - detect
acknowledge go notify-on-call
decide typed detect
tell-users-that-we-investigate go detect
freeze-the-pipeline go detect
stop-the-running-deployment go decide freeze-the-pipeline
lambda-rollback go decide stop-the-running-deployment freeze-the-pipeline
api-gateway-rollback go decide freeze-the-pipeline
stop-what-deploys-again go lambda-rollback api-gateway-rollback
provisioned-concurrency - lambda-rollback
verify - lambda-rollback api-gateway-rollback
confirm-that-it-is-gone typed verify
tell-users-that-it-is-resolved go verify
unfreeze-the-pipeline go verify
close - verify
""",
    "g": """
detect -
notify-on-call - detect
acknowledge go notify-on-call
confirm typed detect
tell-users-maintenance go confirm
halt typed confirm
deny-writes - halt
freeze-the-pipeline - halt
suspend-auto-scaling - halt
stop-schedules - halt
stop-workers - halt
stop-event-sources - halt
stop-functions - halt
nothing-writes - deny-writes freeze-the-pipeline suspend-auto-scaling stop-schedules stop-workers \
    stop-event-sources stop-functions
export-the-changes - nothing-writes
recovery-point typed export-the-changes
restore typed recovery-point
spot-check - restore
sample - restore
compare-everything - restore
decide typed spot-check sample compare-everything
write-the-inverse - compare-everything decide
repair typed write-the-inverse
restore-settings go decide
replicas go restore-settings
keep-the-corrupt-table - decide
switch typed restore-settings replicas keep-the-corrupt-table
sign-off typed switch repair
allow-writes go sign-off
decide-on-jobs typed allow-writes
hold-old-jobs typed decide-on-jobs
set-imports-back typed allow-writes
resume-workers typed allow-writes hold-old-jobs set-imports-back
resume-functions go resume-workers
resume-event-sources go resume-functions
resume-schedules go resume-event-sources
resume-auto-scaling go resume-schedules
restore-provisioned-concurrency go resume-functions
redrive-jobs go resume-event-sources
nobody-reads-the-old-table - resume-auto-scaling
users-are-well - nobody-reads-the-old-table
unfreeze-the-pipeline go users-are-well
tell-users-restored go users-are-well
postmortem - detect
close - users-are-well
""",
}
