"""How a step went: outcomes, checks, targets, results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from drcore.calls.gate import Call
from drcore.engine.consent import ConsentAnswer
from drcore.engine.outcome_word import OutcomeWord


class Outcome(StrEnum):
    """How a step ended. The order is from best to worst: a step's outcome is the worst of its targets'."""

    ALREADY = "ALREADY"
    DONE = "DONE"
    SKIPPED = "SKIPPED"
    WOULD = "WOULD"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"


AS_EXPECTED = (Outcome.ALREADY, Outcome.DONE)
# FAILED and UNKNOWN are not among them: nothing of the recovery goes on after those.
GOOD = (*AS_EXPECTED, Outcome.SKIPPED, Outcome.WOULD)


class Answer(StrEnum):
    """What a check can say. UNKNOWN is never a yes; NEVER means that no act of this step can make it one."""

    YES = "yes"
    NO = "no"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """An answer with its reason, in words for the card; `word` where the step alone knows what a yes means.

    `parameter` is the one of the incident that is wrong, where that is why; empty: it is not.
    """

    answer: Answer
    why: str
    word: OutcomeWord | None = None
    parameter: str = ""


def yes(why: str) -> Check:
    """It is as expected."""
    return Check(Answer.YES, why)


def not_needed(why: str) -> Check:
    """There is nothing to look at or to do, so it counts as what is expected."""
    return Check(Answer.YES, why, OutcomeWord.NOT_NEEDED)


def not_this_way(why: str) -> Check:
    """It belongs to another way than the one that was decided, so it counts as what is expected."""
    return Check(Answer.YES, why, OutcomeWord.NOT_THIS_WAY)


def no(why: str) -> Check:
    """It is not (yet)."""
    return Check(Answer.NO, why)


def wrong(parameter: str, why: str) -> Check:
    """It is not, as a parameter of the incident names what cannot be: bad input, whatever is done."""
    return Check(Answer.NO, f"{parameter}: {why}", parameter=parameter)


def never(why: str) -> Check:
    """It is not, and this step must not try: the plan stops here."""
    return Check(Answer.NEVER, why)


def unknown(why: str) -> Check:
    """It cannot be told."""
    return Check(Answer.UNKNOWN, why)


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What one act is about: a region, and a thing in it. Both may be empty where they mean nothing."""

    region: str = ""
    thing: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.thing, f"in {self.region}" if self.region else "") if part) or "all"


EVERYWHERE = (Target(),)


@dataclass(frozen=True, slots=True)
class StepName:
    """Which step: its key is stable and stored, its title is shown, `plan` is the place in the plan's text."""

    key: str
    title: str
    plan: str

    def __str__(self) -> str:
        return self.title


State = Any  # what the `look` of a step returned: each step has a frozen dataclass of its own


@dataclass(frozen=True, slots=True)
class TargetResult:
    """How it went for one target: what was seen before and after, why it counts as that, what was called.

    `since` is the look that found it as expected, `not_yet` the last one before that (None: there was none). `own_word`
    is what happened, in a word; None: the outcome says it. In a rehearsal `if_needed` is what the act would call
    where it were needed, for a target that needs none now; what is not known before it is due stands in it as `<name>`.
    """

    target: Target
    outcome: Outcome
    why: str
    before: State | None = None
    after: State | None = None
    since: datetime | None = None
    not_yet: datetime | None = None
    calls: tuple[Call, ...] = ()
    if_needed: tuple[Call, ...] = ()
    own_word: OutcomeWord | None = None

    @property
    def word(self) -> OutcomeWord:
        """What happened, in a word."""
        return self.own_word or OutcomeWord[self.outcome.name]

    @property
    def named(self) -> tuple[Call, ...]:
        """What a rehearsal can name of its act, needed now or not."""
        return (*(self.calls if self.outcome is Outcome.WOULD else ()), *self.if_needed)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Where the time of a step went. Human is waiting for consent, cloud is waiting for AWS, the rest is machine."""

    machine: float = 0
    human: float = 0
    cloud: float = 0

    @property
    def total(self) -> float:
        return self.machine + self.human + self.cloud


@dataclass(frozen=True, slots=True)
class Begun:
    """The acts of a step that were begun before its turn: what was there before each, what was called for them."""

    before: Mapping[Target, State]
    calls: tuple[Call, ...]


NOT_BEGUN = Begun({}, ())


@dataclass(frozen=True, slots=True)
class Between:
    """A moment that is known within bounds only, as a minute of a metric dates it."""

    earliest: datetime
    latest: datetime


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step went: the worst of its targets (the best, where one is enough), all of them shown."""

    name: StepName
    targets: tuple[TargetResult, ...]
    began: datetime
    ended: datetime
    seconds: Seconds = Seconds()
    given: ConsentAnswer | None = None
    calls: tuple[Call, ...] = ()
    one_is_enough: bool = False
    waiver: str = ""
    after_rehearsed: str = ""  # the step that this one needs, and that was only rehearsed; empty if none
    only_tells: bool = False
    words: str = ""  # what was to be told, where the step only tells and has words; empty: none, or not known

    @property
    def outcome(self) -> Outcome:
        outcomes = sorted((result.outcome for result in self.targets), key=list(Outcome).index)
        if not outcomes:
            return Outcome.SKIPPED
        enough = self.one_is_enough and outcomes[0] in AS_EXPECTED
        return outcomes[0 if enough else -1]

    @property
    def word(self) -> OutcomeWord:
        """What happened, in a word: that of the targets whose outcome is the step's, the worst of them."""
        words = [result.word for result in self.targets if result.outcome is self.outcome]
        return max(words, key=list(OutcomeWord).index, default=OutcomeWord.NOT_NEEDED)

    @property
    def untold(self) -> bool:
        """Whether it only tells, and could not: the recovery goes on, and it is to be made up for."""
        return self.only_tells and self.outcome not in GOOD

    @property
    def stops(self) -> bool:
        """Whether the plan must not go on: the recovery needs the step, and it did not go well."""
        return not self.only_tells and self.outcome not in GOOD

    @property
    def since(self) -> datetime | None:
        """Since when all targets have been as expected (one, where that is enough); None while it is not so."""
        known = [result.since for result in self.targets if result.since]
        if self.one_is_enough:
            return min(known, default=None)
        return max(known) if known and len(known) == len(self.targets) else None

    @property
    def settled(self) -> datetime | Between | None:
        """When all targets came to be as expected (one, where that is enough), as its looks can tell: between two.

        The first look that found it so dates it at the latest, the last one before that at the earliest.
        """
        since = self.since
        if since is None:
            return None
        dated = [each for each in self.targets if each.since == since or (each.since and not self.one_is_enough)]
        before = [each.not_yet for each in dated if each.not_yet and each.not_yet < since]
        return Between(max(before), since) if before else since

    @property
    def states(self) -> dict[Target, State]:
        """The last state seen of each target that could be seen."""
        seen = {result.target: result.after or result.before for result in self.targets}
        return {target: state for target, state in seen.items() if state is not None}

    @property
    def why(self) -> str:
        """Why the outcome is what it is, in one line; where regions have ended differently that of each of them."""
        worst = [result for result in self.targets if result.outcome is self.outcome]
        regions = {result.target.region for result in worst}
        others = [result for result in self.targets if result.target.region not in regions]
        return "; ".join(
            f"{result.target}: {result.why}" if result.target != Target() else result.why for result in worst + others
        )
