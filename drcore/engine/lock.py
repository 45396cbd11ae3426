"""The lock that keeps two operators from working the same plan at once.

Two steps like any other: so the lock has an intent, a result, a rehearsal. The lock is an object in the
evidence store, made only if there is none (S3, If-None-Match); its ETag is the fencing token, compared before every
act. It has no expiry: whoever finds a lock whose holder is gone resumes that run, or removes the object by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from drcore.calls.answer import as_answer
from drcore.clock import until
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, never, no, yes
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Busy, Refused, Rejected, Unknown
from drcore.record.events import Named


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock. An empty run id: nobody."""

    run_id: str
    who: str = ""
    since: str = ""
    token: str = field(default="", compare=False)


def look(run: Run[Any, Any], target: Target) -> Holder:
    """Read the lock. Raises Unknown, or Rejected for anything but its absence."""
    bucket, key = place(run)
    try:
        found = run.aws.call("s3", target.region, "get_object", Bucket=bucket, Key=key)
    except Rejected as error:
        if error.code in ("NoSuchKey", "404"):
            return Holder("")
        raise
    try:
        held = as_answer(json.loads(found["Body"].read()), f"s3://{bucket}/{key}")
    except ValueError as error:
        raise Unknown(f"s3://{bucket}/{key} is not JSON: {error}") from error
    return Holder(held["run_id"], held["who"], held["since"], found["ETag"])


def place(run: Run[Any, Any]) -> tuple[str, str]:
    """Bucket and key of the lock: one for each plan, in the region where the runner stands."""
    return run.service.evidence.buckets[run.service.runner_region], f"locks/{run.plan}.json"


def _where(run: Run[Any, Any]) -> list[Target]:
    return [Target(run.service.runner_region, f"lock of plan {run.plan.upper()}")]


def _ours(run: Run[Any, Any], target: Target, holder: Holder) -> Check:
    if holder.run_id == run.id:
        return yes(f"held by this run ({run.id})")
    if not holder.run_id:
        return no("held by nobody")
    bucket, key = place(run)
    return never(
        f"held by {holder.who} for run {holder.run_id} since {holder.since}. If that run was killed: drcore resume "
        f"{holder.run_id}. If nobody works on it any more: aws s3api delete-object --bucket {bucket} --key {key} "
        f"--region {target.region}"
    )


def _free(run: Run[Any, Any], target: Target, holder: Holder) -> Check:
    return no("held by this run") if holder.run_id == run.id else yes("not held by this run")


def _take(run: Run[Any, Any], target: Target, holder: Holder) -> None:
    bucket, key = place(run)
    body = json.dumps({"run_id": run.id, "who": run.who, "since": run.now_text()}, sort_keys=True)
    run.aws.call("s3", target.region, "put_object", Bucket=bucket, Key=key, Body=body.encode(), IfNoneMatch="*")


def _give(run: Run[Any, Any], target: Target, holder: Holder) -> None:
    bucket, key = place(run)
    run.aws.call("s3", target.region, "delete_object", Bucket=bucket, Key=key)


def fence(run: Run[Any, Any], step: Named) -> None:
    """Make sure, right before an act, that the lock is still this run's. Raises Refused, also where it is not told."""
    if run.rehearsing or step.key == TAKE.key:
        return
    if not run.fencing_token:
        raise Refused("the preflight has not been passed: run that cell first. Nothing was changed.")
    if step.key != GIVE.key and _token(run) != run.fencing_token:
        raise Refused(
            "the lock of this plan is no longer this run's: somebody else has taken over. Nothing was changed."
        )


def _token(run: Run[Any, Any]) -> str:
    """The token of whoever holds the lock; asked for again where it is not answered. Raises Refused."""

    def holder() -> Holder | Unknown | Rejected:
        try:
            return look(run, Target(run.service.runner_region))
        except (Unknown, Rejected) as error:
            return error

    found, _ = until(
        run.clock,
        holder,
        lambda seen: isinstance(seen, Holder) or (isinstance(seen, Rejected) and not isinstance(seen, Busy)),
        within=TAKE.patience.within_s(run),
        every=TAKE.patience.every,
    )
    if isinstance(found, Holder):
        return found.token
    raise Refused(f"the lock cannot be read ({found}). Nothing was changed.") from found


TAKE = Step(
    StepName("take-the-lock", "Take the lock", "preflight"),
    changes="an object in the evidence store says that this run is at work",
    look=look,
    expect=_ours,
    act=_take,
    targets=_where,
    patience=Patience(within=10, every=2),
    reversibility=Reversibility.REVERSIBLE,
)

GIVE = Step(
    StepName("give-the-lock-back", "Give the lock back", "close"),
    changes="the lock is removed from the evidence store",
    look=look,
    expect=_free,
    act=_give,
    targets=_where,
    patience=Patience(within=10, every=2),
    reversibility=Reversibility.REVERSIBLE,
)
