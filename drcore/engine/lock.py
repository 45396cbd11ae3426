"""The lock that keeps two operators from working the same plan at once.

Steps like any other: so the lock has an intent, a result, a rehearsal. The lock is an object in the evidence store,
made only if there is none (S3, If-None-Match); its ETag is the fencing token, compared before every act. It has no
expiry: whoever finds a lock whose holder is gone resumes that run, or removes the object by hand.

It belongs to a process, not to a run's id: a copy of a record is no right to go on. Who opens the same record in the
same place takes it over from the process before, which must be gone, as a record can be written by one alone. From
anywhere else, another machine or a copy, it is taken over only with a typed phrase, and the journal has it. Whoever had
it before is refused at the next act (S3, If-Match: nobody takes over what somebody else has taken meanwhile).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.clock import until
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, never, no, yes
from drcore.engine.permissions import OF_THE_LOCK
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Busy, Refused, Rejected, Unknown
from drcore.record.events import Named
from drcore.services import s3


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock. An empty run id: nobody.

    `ours`: this very process does. `here`: a process on this very record, not on a copy of it, on no other machine.
    """

    run_id: str
    who: str = ""
    since: str = ""
    token: str = field(default="", compare=False)
    ours: bool = False
    here: bool = False


def look(run: Run[Any, Any], target: Target) -> Holder:
    """Read the lock. Raises Unknown, or Rejected for anything but its absence."""
    bucket, key = place(run)
    found = s3.kept(run.aws, target.region, bucket, key)
    if not found.etag:
        return Holder("")
    held = found.content
    ours, here = held.get("process") == run.process, held.get("record") == record_of(run)
    return Holder(held["run_id"], held["who"], held["since"], found.etag, ours, here)


def record_of(run: Run[Any, Any]) -> str:
    """Which record this is: a digest of machine, path, and the folder itself. A copy of it is another one."""
    folder = run.folder.resolve()
    return hashlib.sha256(f"{platform.node()}:{folder}:{folder.stat().st_ino}".encode()).hexdigest()[:16]


def place(run: Run[Any, Any]) -> tuple[str, str]:
    """Bucket and key of the lock: one for each plan, in the region where the runner stands."""
    return run.service.evidence.buckets[run.service.runner_region], f"locks/{run.plan}.json"


def _where(run: Run[Any, Any]) -> list[Target]:
    return [Target(run.service.runner_region, f"lock of plan {run.plan.upper()}")]


def _ours(run: Run[Any, Any], target: Target, holder: Holder) -> Check:
    if holder.ours:
        return yes(f"held by this run ({run.id})")
    if not holder.run_id:
        return no("held by nobody")
    if holder.run_id == run.id:
        if holder.here:
            return no(f"held by an earlier process of this run, by {holder.who} since {holder.since}")
        return never(f"held by {holder.who} since {holder.since}, who works on another copy of this record")
    bucket, key = place(run)
    return never(
        f"held by {holder.who} for run {holder.run_id} since {holder.since}. If that run was killed: drcore resume "
        f"{holder.run_id}. If nobody works on it any more: aws s3api delete-object --bucket {bucket} --key {key} "
        f"--region {target.region}"
    )


def _taken_over(run: Run[Any, Any], target: Target, holder: Holder) -> Check:
    if is_elsewhere(run, holder):
        return no(f"held by {holder.who} since {holder.since}, who works on another copy of this record")
    return _ours(run, target, holder)


def is_elsewhere(run: Run[Any, Any], holder: Holder) -> bool:
    """Whether this very run goes on somewhere else, on another copy of its record."""
    return holder.run_id == run.id and not holder.ours and not holder.here


def _phrase(run: Run[Any, Any], states: Mapping[Target, Holder]) -> str:
    holder = next(iter(states.values()))
    return f"TAKE OVER {run.id} FROM {holder.who}"


def _free(run: Run[Any, Any], target: Target, holder: Holder) -> Check:
    return no("held by this run") if holder.ours else yes("not held by this run")


def _take(run: Run[Any, Any], target: Target, holder: Holder) -> None:
    bucket, key = place(run)
    fields = {"run_id": run.id, "who": run.who, "since": run.now_text()}
    body = json.dumps(fields | {"process": run.process, "record": record_of(run)}, sort_keys=True)
    only_if = {"IfMatch": holder.token} if holder.token else {"IfNoneMatch": "*"}
    run.aws.call("s3", target.region, "put_object", Bucket=bucket, Key=key, Body=body.encode(), **only_if)


def _give(run: Run[Any, Any], target: Target, holder: Holder) -> None:
    bucket, key = place(run)
    run.aws.call("s3", target.region, "delete_object", Bucket=bucket, Key=key)


def fence(run: Run[Any, Any], step: Named) -> None:
    """Make sure, right before an act, that the lock is still this run's. Raises Refused, also where it is not told."""
    if run.rehearsing or step.key in (TAKE.key, TAKE_OVER.key):
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
    permissions=OF_THE_LOCK,
)

TAKE_OVER = Step(
    StepName("take-over-the-lock", "Take over the lock", "preflight"),
    changes="the lock is this process's; whoever works on another copy of this record is refused at the next act",
    look=look,
    expect=_taken_over,
    act=_take,
    targets=_where,
    consent=Consent.TYPED,
    phrase=_phrase,
    patience=Patience(within=10, every=2),
    reversibility=Reversibility.REVERSIBLE,
    permissions=OF_THE_LOCK,
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
    permissions=OF_THE_LOCK,
)

KEYS = (TAKE.key, TAKE_OVER.key, GIVE.key)  # none of the plan's own
