"""How a run stands at its end, as far as its journal says."""

from __future__ import annotations

from drcore.record.events import Event, Kind
from drcore.record.history import History


def refusal(history: History) -> Event | None:
    """The last refusal, unless what was refused has gone through since, as it may where a person tries again.

    Nor does it count where the verdict that came after it has it among what is still to be told: that stops nothing.
    """
    passed = {line["step"]: line["n"] for line in history.lines(Kind.STEP_ENDED)}
    if ready := history.last(Kind.READY):
        passed["preflight"] = ready["n"]
    verdict: Event = history.last(Kind.VERDICT) or {"n": 0}
    for untold in verdict.get("untold", ()):
        passed[untold.partition(": ")[0]] = verdict["n"]
    refusals = [line for line in history.lines(Kind.REFUSED) if passed.get(line["what"], 0) < line["n"]]
    return refusals[-1] if refusals else None


def is_open(history: History) -> bool:
    """Whether a run was not closed since it was opened last, or never opened."""
    last, closed = history.last(Kind.OPENED, Kind.OPENED_AGAIN, Kind.CLOSED), history.last(Kind.CLOSED)
    return last is None or last is not closed


def runner_ended(history: History) -> Event | None:
    """How the notebook's process ended the last time, where that was not by itself; None where it was."""
    runner = history.last(Kind.RUNNER)
    begun = history.last(Kind.HOST)  # each time that it is run
    return runner if runner and (begun is None or begun["n"] < runner["n"]) else None
