"""What a question to an account is: what it does there, what drcore assumes, where the code leans on that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drcore.probe.session import ProbeSession

Value = str | float


@dataclass(frozen=True, slots=True)
class Assumed:
    """What drcore assumes that AWS answers: one of some words, or seconds within bounds (both included)."""

    words: tuple[str, ...] = ()
    least_s: float = 0.0
    most_s: float = 0.0

    def agrees(self, value: Value) -> bool:
        """Whether an answer is as assumed."""
        if isinstance(value, str):
            return value in self.words
        return not self.words and self.least_s <= value <= self.most_s

    def __str__(self) -> str:
        if self.words:
            return " or ".join(self.words)
        return f"{self.least_s:g} to {self.most_s:g} s" if self.least_s else f"{self.most_s:g} s at most"


def words(*expected: str) -> Assumed:
    """One of these words."""
    return Assumed(expected)


def seconds(least: float, most: float) -> Assumed:
    """So many seconds."""
    return Assumed(least_s=least, most_s=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsQuestion:
    """One question. `changes` is empty for one that only reads; it needs no consent, and production may be asked.

    `ask` returns the answer. It raises Unknown where there is none; a refusal that is no answer is Rejected.
    `leans` names files of drcore that are wrong where the answer differs; `source` says why it is not known.
    """

    key: str
    asks: str
    assumed: Assumed
    ask: Callable[[ProbeSession], Value]
    leans: tuple[str, ...]
    source: str
    changes: str = ""
    cost: str = "nothing"
    undo: str = "nothing to undo"
    takes: str = "seconds"

    @property
    def writes(self) -> bool:
        """Whether it changes anything in the account."""
        return bool(self.changes)
