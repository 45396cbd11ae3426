"""What must be so before anything is touched: findings, each with its reason.

Identity comes first: an account that is not the one in the parameters ends the run in every mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drcore.errors import DrcoreError, Rejected, Unknown
from drcore.steps import Answer, Check, no, unknown, yes

if TYPE_CHECKING:
    from drcore.run import Run


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `blocks`: with any answer but yes, nothing may be changed."""

    what: str
    check: Check
    blocks: bool = True

    @property
    def stops(self) -> bool:
        return self.blocks and self.check.answer is not Answer.YES


def findings(run: Run) -> Iterator[Finding]:
    """All findings for a run, in the order in which they are checked. Reads only."""
    runner = run.service.runner_region
    try:
        identity = run.aws.call("sts", runner, "get_caller_identity")
    except (Unknown, Rejected) as error:
        yield Finding("identity", unknown(str(error)))
        return
    run.who = identity["Arn"]
    right = identity["Account"] == run.service.account
    seen = f"{identity['Arn']} in account {identity['Account']}"
    yield Finding("identity", yes(seen) if right else no(f"expected account {run.service.account}, seen {seen}"))
    if not right:
        return
    yield Finding("secrets", _secrets(run), blocks=False)
    yield Finding("runner's region", _runner(run))
    for region in run.service.regions:
        # A region that is away is a reason for the plan, not against it: every step says itself what it cannot see.
        yield Finding(f"region {region}", _reaches(run, region), blocks=region == runner)
    yield Finding("evidence store", _store(run))
    for what, check in run.plan.must_exist(run):
        yield Finding(what, check)
    yield Finding("permissions", _permissions(run), blocks=False)


def _secrets(run: Run) -> Check:
    """Read them before anything else is: what is known is kept out of the record from then on."""
    try:
        run.secret(run.service.status_page.api_key)
    except (Unknown, Rejected) as error:
        return unknown(str(error))
    return yes("can be read")


def _runner(run: Run) -> Check:
    runner, failed = run.service.runner_region, run.failed_region
    if failed and failed == runner:
        return no(f"the runner stands in {runner}, the region that has failed: run it from another one")
    return yes(f"{runner}" + (f", {failed} is the one that has failed" if failed else ""))


def _reaches(run: Run, region: str) -> Check:
    try:
        run.aws.call("sts", region, "get_caller_identity")
    except (Unknown, Rejected) as error:
        return unknown(str(error))
    return yes("answers")


def _store(run: Run) -> Check:
    runner = run.service.runner_region
    bucket = run.service.evidence.buckets[runner]
    try:
        run.aws.call("s3", runner, "head_bucket", Bucket=bucket)
        lock = run.aws.call("s3", runner, "get_object_lock_configuration", Bucket=bucket)
    except Rejected as error:
        return no(str(error))
    except Unknown as error:
        return unknown(str(error))
    if lock["ObjectLockConfiguration"].get("ObjectLockEnabled") != "Enabled":
        return no(f"{bucket} has no Object Lock: a record in it could be changed")
    return yes(f"{bucket}, with Object Lock")


def _permissions(run: Run) -> Check:
    """Ask IAM whether the acts of this plan would be allowed (IAM: SimulatePrincipalPolicy)."""
    wanted = list(run.plan.permissions)
    try:
        answer = run.aws.call(
            "iam", run.service.runner_region, "simulate_principal_policy", PolicySourceArn=run.who, ActionNames=wanted
        )
    except DrcoreError as error:
        return unknown(f"cannot be told: {error}")
    denied = [each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"]
    if denied:
        return no(f"denied: {', '.join(denied)}")
    return yes(f"all {len(wanted)} actions of the plan are allowed")
