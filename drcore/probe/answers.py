"""What an account has answered, as a file that is kept: the sandbox can be set to behave like that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drcore.probe.question import AwsQuestion, Value

FORMAT = 1
ANSWERS = "answers.json"  # in the evidence of a probe's record


class Agreement(StrEnum):
    """How an answer stands to what is assumed."""

    AS_ASSUMED = "as assumed"
    DIFFERS = "DIFFERS"
    UNKNOWN = "UNKNOWN"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class AwsAnswer:
    """A question with its answer; None with why where there is none."""

    question: AwsQuestion
    value: Value | None
    why: str = ""
    asked: bool = True

    @property
    def word(self) -> Agreement:
        """How it stands to what is assumed."""
        if not self.asked:
            return Agreement.NOT_ASKED
        if self.value is None:
            return Agreement.UNKNOWN
        return Agreement.AS_ASSUMED if self.question.assumed.agrees(self.value) else Agreement.DIFFERS

    def as_data(self) -> dict[str, object]:
        """For a program."""
        return {
            "question": self.question.key,
            "asks": self.question.asks,
            "assumed": str(self.question.assumed),
            "answer": self.value,
            "word": self.word,
            "why": self.why,
            "leans": list(self.question.leans),
        }


def fixture(answered: Sequence[AwsAnswer], about: Mapping[str, str]) -> str:
    """The answers as JSON, those that there are; `about` says of which account, when, where."""
    known = {each.question.key: each.value for each in answered if each.value is not None}
    return json.dumps({"format": FORMAT, **about, "answers": known}, indent=2, sort_keys=True) + "\n"
