"""Since when it has been good: by the data of each minute, by looks at what is finer than a minute.

A look at a metric sees a minute that ended a while ago: when it was made says nothing of since when users are well. So
a hold over metrics is proved by the data of every minute of its span, and begins with the first of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.engine.context import Run
from drcore.engine.labels import label
from drcore.engine.metric_minutes import ONE
from drcore.engine.outcome import Between, Check, StepName, Target, no

_FIRST = timedelta(minutes=60)  # so far back the first look reads
_AGAIN = timedelta(minutes=10)  # so far back each later one judges anew: what came late counts


@dataclass(frozen=True, slots=True)
class GoodMinutes:
    """Which whole minutes are good: all from `since` until `until`; None: the last one is not.

    `bad` began the newest one that is not, of those that were read; None: it may have been good for longer. `fresh` is
    the end of what the look before had judged.
    """

    since: datetime | None = field(metadata=label("good minutes since"))
    until: datetime = field(metadata=label("last whole minute ended"))
    bad: datetime | None = field(metadata=label("last minute that was not good"))
    fresh: datetime = field(compare=False, metadata=label("judged before until"))

    @property
    def newly_bad(self) -> datetime | None:
        """The begin of a minute that was not good, and that no look had judged before."""
        return self.bad if self.bad and self.bad >= self.fresh else None


def to_judge(run: Run[Any], before: GoodMinutes | None) -> tuple[datetime, datetime]:
    """The span that a look judges: an hour at first, then what is new with some minutes that may have come late."""
    until = run.metrics.until
    return (min(before.until, until - _AGAIN) if before else until - _FIRST), until


def last_look(run: Run[Any], step: StepName, target: Target) -> Any:
    """What the last look of a step at a target saw that saw anything; None before it."""
    return next((seen for _, at, seen in reversed(run.looks(step)) if at == target and seen is not None), None)


def judge(
    span: tuple[datetime, datetime], is_good: Callable[[datetime], bool], before: GoodMinutes | None
) -> GoodMinutes:
    """Which minutes of a span are good, with what the look before it has found of those that are older."""
    minute, until = span
    since = before.since if before and before.since and before.since < minute else None
    bad = before.bad if before and before.bad and before.bad < minute else None
    while minute < until:
        if is_good(minute):
            since = since or minute
        else:
            since, bad = None, minute
        minute += ONE
    return GoodMinutes(since, until, bad, before.until if before else until - ONE)


def too_early(run: Run[Any], minutes: GoodMinutes) -> Check | None:
    """What is measured of the time before the last thing that the incident is known by says nothing of after it.

    None: a whole minute has begun since, or there was no incident, or users have been well in this run already. Nor in
    a rehearsal, which changes nothing that there could be an after of, and waits for no minute: it tells what is now.
    """
    if run.rehearsing or "healthy" in run.moments or not {"fault", "detected"} & run.moments.keys():
        return None
    at, name = max((at, name) for name, at in run.moments.items())
    if minutes.until - ONE >= at:
        return None
    return no(
        f"the last minute that is whole ended at {minutes.until:%H:%M}: none has begun since {name}, {at:%H:%M:%S}"
    )


@dataclass(frozen=True, slots=True)
class GoodLooks:
    """Since when each look of a step has found good what is finer than a minute: requests of our own, DNS.

    `failed` is the last look that did not, `since` the first one after it that did; both None: all did.
    """

    failed: datetime | None = field(default=None, metadata=label("last failed at"))
    since: datetime | None = field(default=None, metadata=label("good again since"))

    def then(self, good: bool, now: datetime) -> GoodLooks:
        """With one look more."""
        if not good:
            return GoodLooks(now)
        return GoodLooks(self.failed, self.since or now) if self.failed else self


def when_good(minutes: Iterable[GoodMinutes], looks: Iterable[GoodLooks] = ()) -> Between | None:
    """When all of it had become good; None where nothing of it was seen to be bad.

    By minutes it was between the begin of the last bad one and the end of the first good one: a part of either may
    have been the other. By looks it was between the last that failed and the first that did not.
    """
    became = [Between(each.bad, each.since + ONE) for each in minutes if each.since and each.bad]
    became += [Between(each.failed, each.since) for each in looks if each.failed and each.since]
    if not became:
        return None
    return Between(max(each.earliest for each in became), max(each.latest for each in became))
