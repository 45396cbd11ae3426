"""Who holds the lock of a plan, as three buckets say.

They lie in both regions, and in a third that only bears witness. Whoever has a majority of them holds the lock; so the
loss of one region neither blocks a plan nor lets two hold its lock. Each bucket has one object, made only if there is
none (S3, If-None-Match), taken over or removed only as it was seen (If-Match). All ask the buckets in one order, so
that of two at once one comes first.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from drcore.calls.aws import Aws
from drcore.errors import DrcoreError, Rejected, Unknown
from drcore.parameters import Service
from drcore.services import s3


@dataclass(frozen=True, slots=True)
class Claim:
    """What a process of a run writes into each bucket: by `process` it knows its own, by `record` those before it."""

    run_id: str
    who: str
    since: str
    process: str
    record: str


@dataclass(frozen=True, slots=True)
class Vote:
    """What one bucket says. An empty run id: it is free. A trouble: it does not say."""

    region: str
    bucket: str
    run_id: str = ""
    who: str = ""
    since: str = ""
    process: str = field(default="", compare=False)
    record: str = field(default="", compare=False)
    token: str = field(default="", compare=False)  # its ETag, by which it is taken over or removed as it was seen
    trouble: str = ""

    def __str__(self) -> str:
        return f"{self.region}: {self.trouble or self.who or 'free'}"


class _Held(BaseModel):
    """A lock as it lies in a bucket; a person may have put one there who names no process."""

    run_id: Annotated[str, Field(min_length=1)]
    who: str
    since: str
    process: str = ""
    record: str = ""


def places(service: Service) -> tuple[tuple[str, str], ...]:
    """The buckets of the lock by region, in the order in which all take them. A record of old has the runner's only."""
    witness, runner = service.evidence.witness, service.runner_region
    if witness is None:
        return ((runner, service.evidence.buckets[runner]),)
    return (*service.evidence.buckets.items(), (witness.region, witness.bucket))


def majority(service: Service) -> int:
    """How many of the buckets hold the lock."""
    return len(places(service)) // 2 + 1


def nearest_first(service: Service, failed_region: str) -> list[tuple[str, str]]:
    """The buckets in the order in which they are asked who holds the lock now: what may be away comes last."""
    witness = service.evidence.witness
    near = {service.runner_region: 0, witness.region if witness else "": 1}
    return sorted(places(service), key=lambda place: (place[0] == failed_region, near.get(place[0], 2)))


def read(aws: Aws, plan: str, region: str, bucket: str, failed_region: str = "") -> Vote:
    """What one bucket says of a plan's lock. Raises nothing: what gives no answer is a trouble."""
    if region == failed_region:
        return Vote(region, bucket, trouble="the region has failed")
    try:
        stored = s3.kept(aws, region, bucket, key(plan))
    except (Unknown, Rejected) as error:
        return Vote(region, bucket, trouble=str(error))
    if not stored.etag:
        return Vote(region, bucket)
    try:
        held = _Held.model_validate(stored.content)
    except ValidationError:
        return Vote(
            region, bucket, trouble=f"expected a lock at s3://{bucket}/{key(plan)}, seen {stored.content!r:.200}"
        )
    return Vote(region, bucket, held.run_id, held.who, held.since, held.process, held.record, stored.etag)


def read_all(aws: Aws, plan: str, service: Service, failed_region: str = "") -> tuple[Vote, ...]:
    """What all of them say, in the order in which they are taken."""
    return tuple(read(aws, plan, region, bucket, failed_region) for region, bucket in places(service))


def read_enough(aws: Aws, plan: str, service: Service, failed_region: str = "") -> tuple[Vote, ...]:
    """As `read_all`. Raises Unknown where no majority of the buckets answers."""
    votes = read_all(aws, plan, service, failed_region)
    silent = [str(vote) for vote in votes if vote.trouble]
    if len(votes) - len(silent) < majority(service):
        raise Unknown(f"the lock cannot be read: {'; '.join(silent)}")
    return votes


def claim(aws: Aws, plan: str, wanted: Claim, votes: Iterable[Vote], may_take: Collection[Vote], need: int) -> int:
    """Take the free ones, and those that may be taken over; then all others, once there is a majority.

    A minority that somebody else has was left behind, or is about to be given back: nobody else can have a majority.
    Ends where a majority cannot be had any more. Returns how many are this claim's. Raises what was in the way.
    """
    asked, trouble = list(votes), list[DrcoreError]()
    mine = sum(vote.process == wanted.process for vote in asked)
    others = [vote for vote in asked if vote.process != wanted.process and not vote.trouble]
    hopeful = [vote for vote in others if not vote.run_id or vote in may_take]
    left = [vote for vote in others if vote not in hopeful]
    for number, vote in enumerate(hopeful):
        if mine < need and mine + len(hopeful) - number < need:
            break
        mine += _written(aws, plan, wanted, vote, trouble)
    for vote in left if mine >= need else ():
        mine += _written(aws, plan, wanted, vote, [])
    if mine < need and trouble:
        raise trouble[0]
    return mine


def give_up(aws: Aws, plan: str, own: Iterable[Vote]) -> None:
    """Remove one's own, as they were seen. Raises what was in the way, after all have been tried."""
    trouble = list[DrcoreError]()
    for vote in own:
        try:
            s3.delete_if(aws, vote.region, vote.bucket, key(plan), vote.token)
        except (Unknown, Rejected) as error:
            trouble.append(error)
    if trouble:
        raise trouble[0]


def key(plan: str) -> str:
    """The key of a plan's lock, in each bucket."""
    return f"locks/{plan}.json"


def refusal(plan: str, run_id: str, votes: Iterable[Vote], own: Collection[Vote] = ()) -> str:
    """Why a run does not get the lock: who has it, and what can be done about that."""
    asked = list(votes)
    rivals = [vote for vote in asked if vote.run_id and vote not in own]
    silent = "; ".join(str(vote) for vote in asked if vote.trouble)
    silent = f". No answer from {silent}" if silent else ""
    if not rivals:
        return f"held by nobody, and not to be had{silent}"
    first = max(rivals, key=lambda vote: sum(each.run_id == vote.run_id for each in rivals))
    if first.run_id == run_id:
        return f"held by {first.who} since {first.since}, who works on another copy of this record{silent}"
    by_hand = "; ".join(
        f"aws s3api delete-object --bucket {vote.bucket} --key {key(plan)} --region {vote.region}" for vote in rivals
    )
    return (
        f"held by {first.who} for run {first.run_id} since {first.since}{silent}. If that run was killed: "
        f"drcore resume {first.run_id}. If nobody works on it any more: {by_hand}"
    )


def record_of(folder: Path) -> str:
    """Which record this is: a digest of machine, path, and the folder itself. A copy of it is another one."""
    folder = folder.resolve()
    return hashlib.sha256(f"{platform.node()}:{folder}:{folder.stat().st_ino}".encode()).hexdigest()[:16]


def _written(aws: Aws, plan: str, wanted: Claim, vote: Vote, trouble: list[DrcoreError]) -> int:
    fields = {name: getattr(wanted, name) for name in ("run_id", "who", "since", "process", "record")}
    try:
        s3.put_if(aws, vote.region, vote.bucket, key(plan), fields, s3.StoredJson(None, vote.token))
    except (Unknown, Rejected) as error:
        trouble.append(error)
        return 0
    return 1
