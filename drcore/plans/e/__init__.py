"""Plan E: a critical security vulnerability is discovered.

`titles.py` is the plan on one page. A phase is a file: evidence and the decision first, then contain, mend, invalidate,
prove, tell. Nothing in it reads the value of a token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from drcore.engine.outcome import Answer, Check, Target, no, yes
from drcore.engine.preflight import checked
from drcore.engine.step import Plan, Step
from drcore.plans.e import (
    by_hand,
    p1_verify,
    p2_contain,
    p3_mend,
    p4_copies,
    p4_invalidate,
    p4_promote,
    p4_sweep,
    p5_prove,
    p6_close,
    reach,
    resources,
    stolen_uses,
    titles,
)
from drcore.plans.e.clocks import on_every_card
from drcore.plans.e.facts import ERun, Facts, Incident
from drcore.plans.e.findings import open_finding
from drcore.plans.e.sweep_versions import earlier_runs
from drcore.plans.e.token_secrets import in_other_accounts, other_account, token_secrets
from drcore.plans.shared.metric_lateness import metrics_in_time
from drcore.plans.shared.on_call import on_call_topic
from drcore.plans.shared.releases import same_manifest
from drcore.services import appconfig, secretsmanager


def must_exist(run: ERun) -> Iterator[tuple[str, Check] | tuple[str, Check, bool]]:
    """Preflight: the way to on-call, the finding, the manifest; flags and secrets in every region that answers."""
    yield on_call_topic(run)
    yield "finding", checked(_finding, run)
    yield "release manifest", checked(same_manifest, run), False
    for region in run.service.regions:
        for what, check in (("flags", checked(_flags, run, region)), ("tokens", checked(_tokens, run, region))):
            yield f"{what} in {region}", check, check.answer is not Answer.UNKNOWN  # which is decided on first of all
    for store in in_other_accounts(run):
        check = checked(_tokens_elsewhere, run, store)
        yield f"tokens of {store}", check, check.answer is not Answer.UNKNOWN
    yield from metrics_in_time(run, dict.fromkeys(run.service.regions, (stolen_uses.ACCEPTED, stolen_uses.REFUSED)))


def _finding(run: ERun) -> Check:
    if run.history.intended(titles.DECIDE):
        return yes("decided on in this run")
    finding = open_finding(run)
    if finding:
        return yes(f"{finding.id}: {finding.title}")
    left = ", unless one of an earlier run is named whose sweep did not come to its end" if earlier_runs(run) else ""
    return yes(f"none is open: there is nothing to do{left}" if left else "none is open")


def _flags(run: ERun, region: str) -> Check:
    flags = run.facts.flags
    for flag in (flags.mode, flags.epoch):
        at = appconfig.profile(run.aws, region, flags.application, flag.environment, flag.profile)
        if flag.flag not in appconfig.newest(run.aws, region, at).content.get("values", {}):
            return no(f"{flag.profile} has no flag {flag.flag}: correct it in e.yaml, or make it")
    appconfig.strategy(run.aws, region, flags.strategy)
    return yes(f"{flags.mode.flag}, {flags.epoch.flag}")


def _tokens(run: ERun, region: str) -> Check:
    prefix = run.facts.tokens.prefix
    held = Counter(each.primary in ("", region) for each in secretsmanager.listed(run.aws, region, prefix))
    if not held:
        return no(f"no secret begins with {prefix}: correct it in e.yaml")
    return yes(f"{held.total()} secrets, {held[True]} of them are written here")


def _tokens_elsewhere(run: ERun, store: Target) -> Check:
    """Whether the role there can be taken on, and lists what is to be swept."""
    there, count = other_account(run, store), sum(1 for _ in token_secrets(run, store))
    return yes(f"{count} secrets, as {there.role if there else 'the runner'}")


_PHASES = (reach, p1_verify, p2_contain, p3_mend, p4_invalidate, p4_promote, p4_sweep, p4_copies, p5_prove, p6_close)


def _in_reach(step: Step[Any, Any]) -> Step[Any, Any]:
    """What is verified at the end is all regions: one that was left out is open until it is back."""
    return step if step.name == titles.VERIFY else reach.of_those_in_reach(step)


_STEPS = {step.key: step for step in on_every_card(_in_reach(step) for phase in _PHASES for step in phase.STEPS)}

REACH = _STEPS[titles.REACH.key]
KEEP_LOGS = _STEPS[titles.KEEP_LOGS.key]
FREEZE_EVIDENCE = _STEPS[titles.FREEZE_EVIDENCE.key]
DETECT = _STEPS[titles.DETECT.key]
NOTIFY = _STEPS[titles.NOTIFY.key]
ACKNOWLEDGE = _STEPS[titles.ACKNOWLEDGE.key]
DECIDE = _STEPS[titles.DECIDE.key]
FREEZE = _STEPS[titles.FREEZE.key]
CONTAIN = _STEPS[titles.CONTAIN.key]
CONTAINED = _STEPS[titles.CONTAINED.key]
MAINTENANCE = _STEPS[titles.MAINTENANCE.key]
LAMBDA = _STEPS[titles.LAMBDA.key]
API = _STEPS[titles.API.key]
MENDED = _STEPS[titles.MENDED.key]
EPOCH = _STEPS[titles.EPOCH.key]
ISSUERS = _STEPS[titles.ISSUERS.key]
PROMOTE = _STEPS[titles.PROMOTE.key]
SWEEP = _STEPS[titles.SWEEP.key]
LABELS = _STEPS[titles.LABELS.key]
COPIES = _STEPS[titles.COPIES.key]
REFUSED = _STEPS[titles.REFUSED.key]
SIGN_IN = _STEPS[titles.SIGN_IN.key]
LIFT = _STEPS[titles.LIFT.key]
VERIFY = _STEPS[titles.VERIFY.key]
RESOLVED = _STEPS[titles.RESOLVED.key]
UNFREEZE = _STEPS[titles.UNFREEZE.key]
AUDIT = _STEPS[titles.AUDIT.key]
REPORTS = _STEPS[titles.REPORTS.key]
POSTMORTEM = _STEPS[titles.POSTMORTEM.key]
CLOSE = _STEPS[titles.CLOSE.key]

PLAN = Plan[Facts](
    id="e",
    title="Security vulnerability discovered",
    notebook="e_security_vulnerability.ipynb",
    steps=tuple(_STEPS.values()),
    goal=VERIFY,
    stands=titles.STANDS,
    facts=Facts,
    incident=Incident,
    faults=(
        "vulnerability-token-leak",
        "vulnerability-exploited",
        "vulnerability-in-app",
        "issuer-without-revocation",
        "vulnerability-low",
        "secret-replica-in-other-account",
    ),
    short_of_goal=("vulnerability-primary-region-down",),
    rto=lambda run: 60 * run.facts.rto_minutes,
    must_exist=must_exist,
    by_hand=by_hand.card,
    elsewhere=resources.roles_elsewhere,
)
