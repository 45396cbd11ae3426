"""What must be so before anything is touched: findings, each with its reason.

Identity comes first: an account that is not the one in the parameters ends the run in every mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ParamSpec

from drcore.calls.gate import HOME_OF_GLOBAL, Waiver
from drcore.engine.context import Run
from drcore.engine.outcome import Answer, Check, no, unknown, yes
from drcore.engine.people import person_of
from drcore.engine.permissions import Place, by_resources
from drcore.engine.second_person import roles_name_people
from drcore.engine.step import Plan
from drcore.errors import BadInput, DrcoreError, NoCredentials, Rejected, Unknown, WrongParameter
from drcore.parameters import Witness
from drcore.services import iam

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked. `blocks`: with any answer but yes, nothing may be changed."""

    what: str
    check: Check
    blocks: bool = True

    @property
    def text(self) -> str:
        """What was checked, with why it is so; a parameter names itself."""
        return self.check.why if self.check.parameter else f"{self.what}: {self.check.why}"

    @property
    def stops(self) -> bool:
        return self.blocks and self.check.answer is not Answer.YES


def findings(run: Run[Any, Any], plan: Plan[Any]) -> Iterator[Finding]:
    """All findings for a run, in the order in which they are checked. Reads only."""
    runner = run.service.runner_region
    try:
        identity = run.aws.call("sts", runner, "get_caller_identity")
        own = run.aws.as_oneself().call("sts", runner, "get_caller_identity") if run.service.role else identity
    except (NoCredentials, BadInput) as error:  # of this machine: no region would answer
        yield Finding("identity", unknown(str(error)))
        return
    except (Unknown, Rejected) as error:
        yield Finding("identity", unknown(f"{error}. If {runner} has failed: {elsewhere(run)}"))
        return
    run.who = identity["Arn"]
    run.know_person(person_of(own["Arn"]))
    right = identity["Account"] == run.service.account
    seen = f"{identity['Arn']} in account {identity['Account']}"
    yield Finding("identity", yes(seen) if right else no(f"expected account {run.service.account}, seen {seen}"))
    if not right:
        return
    yield Finding("secrets", _secrets(run), blocks=False)
    yield Finding("runner's region", _runner(run))
    for region in run.service.regions:
        # A region that is away is a reason for the plan, not against it: every step says itself what it cannot see.
        if region != run.calls.failed_region:
            yield Finding(f"region {region}", _reaches(run, region), blocks=region == runner)
    yield Finding("evidence store", checked(_store, run))
    yield _locked(run)
    if run.service.evidence.witness:
        yield Finding("witness of the lock", checked(_witness, run, run.service.evidence.witness), blocks=False)
    if run.service.second_person and plan.id in run.service.second_person.steps:
        named = checked(roles_name_people, run, run.service.second_person)
        # Roles are read in IAM's control plane, which stands in one region: while it is away nobody can change them,
        # and plan A is carried out just then.
        yield Finding("second person", named, blocks=named.answer is not Answer.UNKNOWN)
    for thing in plan.must_exist(run):
        yield Finding(*thing)
    yield Finding("permissions", _permissions(run, plan), blocks=False)


def checked(look: Callable[P, Check], *args: P.args, **kwargs: P.kwargs) -> Check:
    """What a look finds. Where the service refuses it is a no; where it does not answer, nothing is known."""
    try:
        return look(*args, **kwargs)
    except WrongParameter as error:
        return Check(Answer.NO, str(error), parameter=error.name)
    except Rejected as error:
        return no(str(error))
    except Unknown as error:
        return unknown(str(error))


def _secrets(run: Run[Any, Any]) -> Check:
    """Read them before anything else is: what is known is kept out of the record from then on."""
    try:
        run.secret(run.service.status_page.api_key)
    except (Unknown, Rejected) as error:
        return unknown(str(error))
    return yes("can be read")


def _runner(run: Run[Any, Any]) -> Check:
    runner, failed = run.service.runner_region, run.failed_region
    if failed and failed == runner:
        return no(f"the runner stands in {runner}, the region that has failed: {elsewhere(run)}")
    return yes(f"{runner}" + (f", {failed} is the one that has failed" if failed else ""))


def elsewhere(run: Run[Any, Any]) -> str:
    """What to do when the runner's own region has failed."""
    others = [region for region in run.service.regions if region != run.service.runner_region]
    by = "-p runner_region=" if hasattr(run.incident, "runner_region") else "in service.yaml runner_region: "
    return f"run it from another one, with {by}{others[0]}" if others else "run it from another one"


def _reaches(run: Run[Any, Any], region: str) -> Check:
    try:
        run.aws.call("sts", region, "get_caller_identity")
    except (Unknown, Rejected) as error:
        return unknown(str(error))
    return yes("answers")


def _store(run: Run[Any, Any]) -> Check:
    runner = run.service.runner_region
    bucket = run.service.evidence.buckets[runner]
    run.aws.call("s3", runner, "head_bucket", Bucket=bucket)
    return yes(bucket)


def _witness(run: Run[Any, Any], witness: Witness) -> Check:
    """Without it the lock of a plan is lost with either region, which stops nobody now."""
    run.aws.call("s3", witness.region, "head_bucket", Bucket=witness.bucket)
    return yes(witness.bucket)


def _locked(run: Run[Any, Any]) -> Finding:
    """Whether a record in the evidence store can be changed. Only a control plane knows; its silence stops nobody."""
    check = checked(_object_lock, run)
    return Finding("object lock", check, blocks=check.answer is not Answer.UNKNOWN)


def _object_lock(run: Run[Any]) -> Check:
    runner = run.service.runner_region
    bucket = run.service.evidence.buckets[runner]
    lock = run.aws.call("s3", runner, "get_object_lock_configuration", Bucket=bucket)
    if lock["ObjectLockConfiguration"].get("ObjectLockEnabled") != "Enabled":
        return no(f"{bucket} has none: a record in it could be changed")
    return yes(bucket)


def _permissions(run: Run[Any, Any], plan: Plan[Any]) -> Check:
    """Ask IAM whether this plan would be allowed all that it needs, on what it needs it (SimulatePrincipalPolicy)."""
    wanted = by_resources(plan.permissions, Place(run.service, run.facts))
    region = run.service.runner_region
    if run.calls.failed_region == HOME_OF_GLOBAL:
        return unknown(f"cannot be told: the control plane of IAM stands in {HOME_OF_GLOBAL}, which is away")
    try:
        with run.calls.under(Waiver("a look that blocks nothing: what may be done is found out now", ("iam",))):
            who = run.service.role or iam.entity(run.aws, region, run.who)
            denied = [
                each for arns, actions in wanted.items() for each in iam.denied(run.aws, region, who, actions, arns)
            ]
    except DrcoreError as error:
        return unknown(f"cannot be told: {error}")
    if denied:
        return no(f"denied to {who}: {', '.join(f'{action} on {arn}' for action, arn in denied)}")
    return yes(f"all {sum(map(len, wanted.values()))} actions of the plan are allowed to {who}")
