"""Who may say yes to an act, when no person can be asked too.

A person types a phrase that names the blast radius as it is now. Without a keyboard the answer is no, unless it was
given beforehand: by an approvals file that is bound to this run, step and phrase, or, in a drill, by the policy that
the environment's parameters name.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import BuiltinFunctionType
from typing import Annotated

from pydantic import AwareDatetime, Field

from drcore.clock import Clock, iso
from drcore.errors import BadInput
from drcore.parameters import DrillPolicy, Model, read


class Consent(StrEnum):
    """What a step asks for before it acts."""

    NONE = "none"
    GO = "go"
    TYPED = "a typed phrase"
    SECOND = "a typed phrase by a second person"


class Approval(Model):
    """One yes given beforehand. `phrase` is the one that the step would ask for, as `drcore` printed it."""

    step: str
    phrase: str
    by: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    expires: AwareDatetime


class Approvals(Model):
    """An approvals file: bound to one run by its id."""

    run: str
    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """An answer: who gave it, how, why; and what to do next where it was no."""

    granted: bool
    by: str = ""
    how: str = ""
    reason: str = ""
    next: str = ""

    def as_data(self) -> dict[str, object]:
        return {"granted": self.granted, "by": self.by, "how": self.how, "reason": self.reason}


APPROVALS = "DRCORE_APPROVALS"  # how the launcher hands the kernel an approvals file: never by notebook parameters
GOING_BACK = "Going back"


class Desk:
    """Where a run asks for consent."""

    def __init__(
        self,
        run_id: str,
        who: str,
        clock: Clock,
        *,
        policy: DrillPolicy | None,
        approvals: Approvals | None,
        whereabouts: str = "",
        keyboard: Callable[[str], str | None] | None = None,
    ) -> None:
        self._run_id, self._who, self._clock = run_id, who, clock
        self._policy, self._approvals, self._whereabouts = policy, approvals, whereabouts
        self._keyboard = keyboard or from_keyboard

    def ask(self, step: str, level: Consent, phrase: str, changes: str) -> Given:
        """Ask for one step. Never raises for a no: the answer says so."""
        if level is Consent.NONE:
            return Given(True, self._who, "none needed")
        beforehand = self._beforehand(step, level, phrase)
        if beforehand and beforehand.granted:
            return beforehand
        typed = self._typed(step, level, phrase, changes)
        return beforehand if beforehand and not typed.how else typed  # no keyboard: say what is wrong with the approval

    def _beforehand(self, step: str, level: Consent, phrase: str) -> Given | None:
        if self._policy and (step in self._policy.approves or ("*" in self._policy.approves and step != GOING_BACK)):
            return Given(True, "no person", "drill policy", f"drill policy “{self._policy.name}”")
        if not self._approvals:
            return None
        no = ""
        for approval in self._approvals.approvals:
            if approval.step != step:
                continue
            if self._approvals.run != self._run_id:
                no = f"the approvals are for run {self._approvals.run}, this is {self._run_id}"
            elif approval.phrase != phrase:
                no = f"the approval is for {approval.phrase!r}, but it would now be {phrase!r}"
            elif approval.expires <= self._clock.now():
                no = f"the approval expired at {iso(approval.expires)}"
            elif level is Consent.SECOND and _same(approval.by, self._who):
                no = f"a second person must approve, and {approval.by} runs this"
            else:
                return Given(True, approval.by, "approvals file", approval.reason)
        return Given(False, reason=no, next=self._how_to(step, phrase)) if no else None

    def _typed(self, step: str, level: Consent, phrase: str, changes: str) -> Given:
        expected = "go" if level is Consent.GO else phrase
        radius = _lines(phrase) if level is Consent.GO else [phrase]  # what must be typed as it stands is not broken
        asked = [self._whereabouts, *_lines(f"{step}: {changes}"), *radius]
        answer = self._keyboard("\n".join([*asked, f"Type {expected!r} to go on, anything else to stop: "]))
        if answer is None:
            return Given(
                False, reason="there is no keyboard, and nobody approved it beforehand", next=self._how_to(step, phrase)
            )
        if answer.strip() != expected:
            return Given(
                False,
                self._who,
                "keyboard",
                f"typed {answer.strip()!r}, not {expected!r}",
                "Run the step again to be asked again.",
            )
        who = self._who
        if level is Consent.SECOND:
            who = (self._keyboard("Name of the second person, who has read the phrase: ") or "").strip()
            if not who or _same(who, self._who):
                return Given(False, who, "keyboard", "a second person is needed", "Fetch one, and run the step again.")
        reason = "" if level is Consent.GO else (self._keyboard("Why, in one line, for the record: ") or "").strip()
        return Given(True, who, "keyboard", reason)

    def _how_to(self, step: str, phrase: str) -> str:
        return (
            "To approve it, put this into a file, and resume with it:\n"
            f"run: {self._run_id}\napprovals:\n- step: {_quoted(step)}\n  phrase: {_quoted(phrase)}\n"
            "  by: <who>\n  reason: <why>\n"
            f"  expires: <time with a zone, soon>\n"
            f"drcore resume {self._run_id} --approvals FILE"
        )


def _lines(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # what JSON is, YAML is too


def _same(one: str, other: str) -> bool:
    """Whether two names are one person's: `Alice@laptop` is alice."""
    first, second = (name.partition("@")[0].strip().casefold() for name in (one, other))
    return first == second


def read_approvals(path: Path | None) -> Approvals | None:
    """An approvals file, or None when none is named. Raises BadInput."""
    if path is None:
        return None
    approvals = read(path, Approvals)
    if not approvals.approvals:
        raise BadInput(f"{path}: approvals: expected at least one, seen none")
    return approvals


def from_keyboard(prompt: str) -> str | None:
    """What a person types, or None when there is no keyboard. A pipe is not a keyboard."""
    in_a_kernel = not isinstance(input, BuiltinFunctionType)  # a kernel puts its own in place, and asks the front end
    if not in_a_kernel and (sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty()):
        return None
    try:
        return input(prompt)
    except (EOFError, RuntimeError):  # RuntimeError: a kernel whose front end takes no input, such as papermill
        return None
