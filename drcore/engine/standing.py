"""What a run leaves standing until one of its later steps has been done: writes denied, workers at zero, users told.

And what it has begun, would have to be backed out of where it goes wrong, and nobody has seen through.

Asked of the journal, so that a run that failed, was refused or was killed can say it, and whoever reads its record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from drcore.engine.outcome import AS_EXPECTED, StepName, Target
from drcore.record.events import Kind
from drcore.record.history import Act, History


@dataclass(frozen=True, slots=True)
class StandsStill:
    """What is so from the act of a step on, in words, until another step has been done.

    `of` says for which of its targets, by their text: other targets of it may be ended by another step.
    """

    since: StepName
    what: str
    until: StepName
    of: Callable[[str], bool] = lambda target: True


def what_stands(
    standings: Iterable[StandsStill], history: History, guarded: Iterable[StepName] = ()
) -> tuple[str, ...]:
    """What stands still now, with where, in the order of the plan; at last the lock, where it was not given back.

    `guarded` are the steps that can be backed out of.
    """
    parts = []
    for standing in standings:
        acts = {
            target: act
            for (key, target), act in history.standing().items()
            if key == standing.since.key and standing.of(target)
        }
        left = [target for target, act in acts.items() if not _over(standing, target, act, history)]
        if left:
            perhaps = "" if all(_done(standing.since, target, history) for target in left) else "perhaps "
            where = ", ".join(target for target in left if target != str(Target()))
            parts.append(f"{perhaps}{standing.what}" + (f" ({where})" if where else ""))
    return (*parts, *_begun(guarded, history), *_lock(history))


def _begun(guarded: Iterable[StepName], history: History) -> Iterator[str]:
    for step in guarded:
        left = ", ".join(line["target"] for line in history.on_its_way(step))
        if left:
            yield f"{step.title} was begun, and nobody has seen what becomes of it ({left})"


def _over(standing: StandsStill, target: str, act: Act, history: History) -> bool:
    """Whether it was ended: as a whole, and where the step that ends it has targets of the same names, for this one."""
    ended = history.last(Kind.STEP_ENDED, step=standing.until)
    if not (ended and ended["n"] > act.last["n"] and ended["outcome"] in AS_EXPECTED):
        return False
    begun = {line["target"] for line in history.lines(Kind.INTENT, step=standing.since)}
    by_name = begun & {line["target"] for line in history.lines(Kind.RESULT, step=standing.until)}
    return not by_name or (target in by_name and _done(standing.until, target, history))


def _done(step: StepName, target: str, history: History) -> bool:
    result = history.last(Kind.RESULT, step=step, target=target)
    return bool(result and result["outcome"] in AS_EXPECTED)


def _lock(history: History) -> Iterable[str]:
    closed = history.last(Kind.CLOSED)
    if closed and closed.get("lock", "given back") != "given back":
        yield f"the lock of the plan, so that the next run of it is refused: {closed['lock']}"
