"""The table of the words for what happened, with sign, colour, meaning, wherever they are shown.

An outcome says how a step counts; its word says what that was: an act that was not needed, a look that found something
and one that passed all count as ALREADY.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any


class Tone(Enum):
    """How a word looks: the end of its CSS classes, and its colour in a terminal."""

    GOOD = ("good", "green")
    SEEN = ("seen", "cyan")
    IDLE = ("idle", "bright_black")
    WOULD = ("would", "blue")
    OPEN = ("open", "yellow")
    BAD = ("bad", "red")

    def __init__(self, css: str, terminal: str) -> None:
        self.css, self.terminal = css, terminal


class OutcomeWord(StrEnum):
    """What happened. The order is from best to worst, as that of outcomes."""

    NOT_THIS_WAY = "NOT THIS WAY"
    NOT_NEEDED = "NOT NEEDED"
    FOUND = "FOUND"
    PASSED = "PASSED"
    ALREADY = "ALREADY"  # in records of before there were words
    UNDONE = "UNDONE"
    DONE = "DONE"
    STANDS = "STANDS"
    NOT_FOUND = "NOT FOUND"
    NOT_YET = "NOT YET"
    NOT_ANSWERED = "NOT ANSWERED"
    NOT_TRIED = "NOT TRIED"
    SKIPPED = "SKIPPED"  # as ALREADY
    WOULD = "WOULD"
    NOT_TOLD = "NOT TOLD"
    UNKNOWN = "UNKNOWN"
    NOT_UNDONE = "NOT UNDONE"
    NOT_ENDED = "NOT ENDED"
    FAILED = "FAILED"

    @property
    def sign(self) -> str:
        """What stands before it, so that it can be told at a glance, in grey, in a terminal."""
        return _LOOKS[self].sign

    @property
    def tone(self) -> Tone:
        """Its colour."""
        return _LOOKS[self].tone

    @property
    def meaning(self) -> str:
        """What it means, in a line."""
        return _LOOKS[self].meaning


@dataclass(frozen=True, slots=True)
class _Look:
    sign: str
    tone: Tone
    meaning: str


_LOOKS = {
    OutcomeWord.NOT_THIS_WAY: _Look("○", Tone.IDLE, "belongs to another way than the one that was decided"),
    OutcomeWord.NOT_NEEDED: _Look("○", Tone.IDLE, "there was nothing to do"),
    OutcomeWord.FOUND: _Look("●", Tone.SEEN, "what was looked for is so"),
    OutcomeWord.PASSED: _Look("✔", Tone.GOOD, "looked at, and as it must be"),
    OutcomeWord.ALREADY: _Look("●", Tone.GOOD, "was so before, nothing was needed"),
    OutcomeWord.UNDONE: _Look("↶", Tone.GOOD, "taken back: as it was before this run"),
    OutcomeWord.DONE: _Look("✔", Tone.GOOD, "done, and seen to be as expected"),
    OutcomeWord.STANDS: _Look("■", Tone.SEEN, "done by this run, not taken back"),
    OutcomeWord.NOT_FOUND: _Look("○", Tone.IDLE, "what was looked for is not so, the plan goes on"),
    OutcomeWord.NOT_YET: _Look("○", Tone.IDLE, "comes after a step that was only rehearsed"),
    OutcomeWord.NOT_ANSWERED: _Look("○", Tone.OPEN, "nobody answered, the plan goes on"),
    OutcomeWord.NOT_TRIED: _Look("○", Tone.OPEN, "leans on what did not go well, the plan goes on"),
    OutcomeWord.SKIPPED: _Look("○", Tone.IDLE, "not done, the plan goes on"),
    OutcomeWord.WOULD: _Look("▷", Tone.WOULD, "rehearsed, nothing was sent"),
    OutcomeWord.NOT_TOLD: _Look("✖", Tone.OPEN, "still to be told, the plan goes on"),
    OutcomeWord.UNKNOWN: _Look("?", Tone.OPEN, "cannot be told, which is not healthy"),
    OutcomeWord.NOT_UNDONE: _Look("✖", Tone.BAD, "not as it was before this run"),
    OutcomeWord.NOT_ENDED: _Look("✖", Tone.BAD, "begun, and without an end in the record"),
    OutcomeWord.FAILED: _Look("✖", Tone.BAD, "not as expected"),
}


def word_in(line: Mapping[str, Any]) -> OutcomeWord:
    """The word of a journal's line: one of before there were words says its outcome. UNKNOWN for what is neither."""
    text = line.get("word", line["outcome"])
    return next((word for word in OutcomeWord if word.value == text), OutcomeWord.UNKNOWN)
