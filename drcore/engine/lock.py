"""The lock that keeps two operators from working the same plan at once.

Steps like any other: so the lock has an intent, a result, a rehearsal. It is held by a majority of three buckets
(drcore/engine/votes.py), so that the loss of one region neither blocks a plan nor lets two work it; before every act a
majority is asked whose it is. It has no expiry: whoever finds a lock whose holder is gone resumes that run, or removes
the objects by hand.

It belongs to a process, not to a run's id: a copy of a record is no right to go on. Who opens the same record in the
same place takes it over from the process before, which must be gone, as a record can be written by one alone. From
anywhere else, another machine or a copy, it is taken over only with a typed phrase, and the journal has it. Whoever had
it before is refused at the next act (S3, If-Match: nobody takes over what somebody else has taken meanwhile).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drcore.clock import until
from drcore.engine import votes
from drcore.engine.consent import Consent
from drcore.engine.context import Run
from drcore.engine.outcome import Check, StepName, Target, never, no, yes
from drcore.engine.permissions import OF_THE_LOCK
from drcore.engine.step import Patience, Reversibility, Step
from drcore.engine.votes import Claim, Vote
from drcore.errors import Refused
from drcore.record.events import Named


@dataclass(frozen=True, slots=True)
class Holders:
    """What the buckets say of the lock, in the order in which they are taken."""

    votes: tuple[Vote, ...]

    def of(self, run: Run[Any, Any]) -> tuple[Vote, ...]:
        """Those that are this very process's."""
        return tuple(vote for vote in self.votes if vote.process == run.process)

    def here(self, run: Run[Any, Any]) -> tuple[Vote, ...]:
        """Those of any process on this very record: not on a copy of it, on no other machine."""
        own = votes.record_of(run.folder)
        return tuple(vote for vote in self.votes if vote.run_id == run.id and vote.record == own)

    def silent(self) -> tuple[Vote, ...]:
        """Those that give no answer."""
        return tuple(vote for vote in self.votes if vote.trouble)

    def rivals(self, run: Run[Any, Any]) -> tuple[Vote, ...]:
        """Those that somebody holds who is no process on this record."""
        own = self.here(run)
        return tuple(vote for vote in self.votes if vote.run_id and vote not in own)

    def elsewhere(self, run: Run[Any, Any]) -> tuple[Vote, ...]:
        """Those of this very run where it goes on, on another copy of its record."""
        return tuple(vote for vote in self.rivals(run) if vote.run_id == run.id)


def look(run: Run[Any, Any], target: Target) -> Holders:
    """Read all votes. Raises Unknown where no majority of the buckets answers."""
    return Holders(votes.read_enough(run.aws, run.plan, run.service, run.calls.failed_region))


def _told(some: Iterable[Vote]) -> str:
    return "; ".join(map(str, some))


def _where(run: Run[Any, Any]) -> list[Target]:
    return [Target(run.service.runner_region, f"lock of plan {run.plan.upper()}")]


def _ours(run: Run[Any, Any], target: Target, holders: Holders) -> Check:
    need, ours, rivals = votes.majority(run.service), holders.of(run), holders.rivals(run)
    if len(ours) >= need:
        return yes(f"held by this run ({run.id}) in {len(ours)} of {len(holders.votes)} buckets")
    if len(holders.votes) - len(rivals) - len(holders.silent()) < need:
        return never(votes.refusal(run.plan, run.id, holders.votes, holders.here(run)))
    earlier = [vote for vote in holders.here(run) if vote not in ours]
    if earlier:
        return no(f"held by an earlier process of this run, by {earlier[0].who} since {earlier[0].since}")
    return no("held by nobody" if not ours else f"held by this run in {len(ours)} of {len(holders.votes)} buckets")


def _taken_over(run: Run[Any, Any], target: Target, holders: Holders) -> Check:
    held = _ours(run, target, holders)
    if is_elsewhere(run, holders):
        first = holders.elsewhere(run)[0]
        return no(f"held by {first.who} since {first.since}, who works on another copy of this record")
    return held


def is_elsewhere(run: Run[Any, Any], holders: Holders) -> bool:
    """Whether the lock is to be had only from this very run, which goes on on another copy of its record."""
    need, others = votes.majority(run.service), len(holders.rivals(run)) - len(holders.elsewhere(run))
    within_reach = len(holders.votes) - len(holders.silent())
    return len(holders.of(run)) < need and within_reach - len(holders.rivals(run)) < need <= within_reach - others


def _phrase(run: Run[Any, Any], states: Mapping[Target, Holders]) -> str:
    holders = next(iter(states.values()))
    return f"TAKE OVER {run.id} FROM {holders.elsewhere(run)[0].who}"


def _free(run: Run[Any, Any], target: Target, holders: Holders) -> Check:
    silent = (
        f"; no answer from {_told(holders.silent())}: the next run takes what is left there" if holders.silent() else ""
    )
    return no("held by this run") if holders.here(run) else yes(f"not held by this run{silent}")


def _take(run: Run[Any, Any], target: Target, holders: Holders) -> None:
    _claim(run, holders, holders.here(run))


def _take_from_elsewhere(run: Run[Any, Any], target: Target, holders: Holders) -> None:
    _claim(run, holders, (*holders.here(run), *holders.elsewhere(run)))


def _claim(run: Run[Any, Any], holders: Holders, may_take: tuple[Vote, ...]) -> None:
    wanted = Claim(run.id, run.who, run.now_text(), run.process, votes.record_of(run.folder))
    votes.claim(run.aws, run.plan, wanted, holders.votes, may_take, votes.majority(run.service))


def _give(run: Run[Any, Any], target: Target, holders: Holders) -> None:
    votes.give_up(run.aws, run.plan, holders.here(run))


def _give_up(run: Run[Any, Any], target: Target, holders: Holders) -> None:
    """A minority is worth nothing, and is in the way of whoever else wants the lock."""
    votes.give_up(run.aws, run.plan, holders.of(run))


def fence(run: Run[Any, Any], step: Named) -> None:
    """Make sure, right before an act, that the lock is still this run's. Raises Refused, also where it is not told."""
    if run.rehearsing or step.key in KEYS:
        return
    if not run.fencing_token:
        raise Refused("the preflight has not been passed: run that cell first. Nothing was changed.")
    held, _ = until(
        run.clock,
        lambda: _votes_for(run),
        lambda seen: seen.settled,
        within=TAKE.patience.within_s(run),
        every=TAKE.patience.every,
    )
    if held.silent and not held.settled:
        raise Refused(f"the lock cannot be read ({_told(held.silent)}). Nothing was changed.")
    if not held.ours:
        raise Refused(
            "the lock of this plan is no longer this run's: somebody else has taken over. Nothing was changed."
        )


@dataclass(frozen=True, slots=True)
class _Fence:
    """What was asked of the buckets right before an act: no more of them than it takes to know."""

    ours: bool
    settled: bool
    silent: tuple[Vote, ...] = ()


def _votes_for(run: Run[Any, Any]) -> _Fence:
    need, ours, silent = votes.majority(run.service), 0, list[Vote]()
    nearest = votes.nearest_first(run.service, run.calls.failed_region)
    for asked, (region, bucket) in enumerate(nearest, start=1):
        vote = votes.read(run.aws, run.plan, region, bucket, run.calls.failed_region)
        ours += vote.process == run.fencing_token
        silent += [vote] if vote.trouble else []
        if ours >= need:
            return _Fence(ours=True, settled=True)
        if ours + len(silent) + len(nearest) - asked < need:
            return _Fence(ours=False, settled=True)
    return _Fence(ours=False, settled=False, silent=tuple(silent))


TAKE = Step(
    StepName("take-the-lock", "Take the lock", "preflight"),
    changes="an object in each of three buckets says that this run is at work",
    look=look,
    expect=_ours,
    act=_take,
    back_out=_give_up,
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
    act=_take_from_elsewhere,
    targets=_where,
    consent=Consent.TYPED,
    phrase=_phrase,
    patience=Patience(within=10, every=2),
    reversibility=Reversibility.REVERSIBLE,
    permissions=OF_THE_LOCK,
)

GIVE = Step(
    StepName("give-the-lock-back", "Give the lock back", "close"),
    changes="the objects that are the lock are removed",
    look=look,
    expect=_free,
    act=_give,
    targets=_where,
    patience=Patience(within=10, every=2),
    reversibility=Reversibility.REVERSIBLE,
    permissions=OF_THE_LOCK,
)

KEYS = (TAKE.key, TAKE_OVER.key, GIVE.key)  # none of the plan's own
