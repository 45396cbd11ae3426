"""Who may say yes to an act, when no person can be asked too.

A person types a phrase that names the blast radius as it is now. Without a keyboard the answer is no, unless it was
given beforehand: by an approvals file that is bound to this run, step and phrase, or, in a drill, by the policy that
the environment's parameters name.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import BuiltinFunctionType
from typing import Annotated

from pydantic import AwareDatetime, Field

from drcore.clock import Clock, iso
from drcore.errors import BadInput
from drcore.parameters import DrillPolicy, Model, read
from drcore.record.evidence import Cell


class Consent(StrEnum):
    """What a step asks for before it acts."""

    NONE = "none"
    GO = "go"
    TYPED = "a typed phrase"


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
class Choice:
    """One of the answers that a question has.

    `answer` is what is recorded, `phrase` what is typed for it: it names what follows. `numbers` are what it costs, by
    name. `recommended` says why it is the one to take, `barred` why it cannot be taken now; empty: it is not.
    """

    answer: str
    phrase: str
    numbers: Mapping[str, Cell] = field(default_factory=dict)
    recommended: str = ""
    barred: str = ""

    def as_data(self) -> dict[str, object]:
        fields: dict[str, object] = {"answer": self.answer, "phrase": self.phrase, "numbers": dict(self.numbers)}
        return fields | {"recommended": self.recommended, "barred": self.barred}


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """An answer: who gave it, how, why; and what to do next where it was no.

    `phrase` is the one that it was given to, `answer` which of several it is.
    """

    granted: bool
    by: str = ""
    how: str = ""
    reason: str = ""
    next: str = ""
    phrase: str = ""
    answer: str = ""

    def as_data(self) -> dict[str, object]:
        fields = {"granted": self.granted, "by": self.by, "how": self.how, "reason": self.reason}
        return fields | ({"answer": self.answer} if self.answer else {})


APPROVALS = "DRCORE_APPROVALS"  # how the launcher hands the kernel an approvals file: never by notebook parameters
TERMINAL = "DRCORE_TERMINAL"  # how it says that questions are asked on a terminal, which shows no card
GOING_BACK = "Going back"


def nobody() -> bool:
    """That nobody is there."""
    return False


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Where a run is watched from.

    `attended` says whether somebody is there who could answer: then a drill policy answers nothing. A `bare` one shows
    a question and nothing else, so that what it is about comes with it.
    """

    attended: Callable[[], bool] = nobody
    bare: bool = False


UNATTENDED = FrontEnd()


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What a step asks for: its title, the answers that there are."""

    step: str
    choices: tuple[Choice, ...]


class ConsentPrompt:
    """Where a run asks for consent.

    `who` signs what is typed: the login of this machine, until the preflight has asked AWS who it is. `later` gives the
    questions of the steps after one, as far as they can be known already.
    """

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
        front_end: FrontEnd = UNATTENDED,
    ) -> None:
        self.who = who
        self.later: Callable[[str], Iterable[OpenQuestion]] = lambda step: ()
        self._run_id, self._clock, self._front_end = run_id, clock, front_end
        self.announce: Callable[[str], None] = lambda text: None
        self.second_is_shown = False  # to somebody on another machine
        self.shown: tuple[str, ...] = ()  # what stood above the last question, in words
        self._above: list[str] = []
        self._policy, self._approvals, self._whereabouts = policy, approvals, whereabouts
        self._keyboard = keyboard or from_keyboard

    def lay_above(self, text: str) -> None:
        """Put something above the next question, in words."""
        self._above.append(text)

    @property
    def wants_words(self) -> bool:
        """Whether what stands above a question is needed in words, too."""
        return self._front_end.bare or self.second_is_shown

    def ask(self, step: str, level: Consent, phrase: str, changes: str) -> ConsentAnswer:
        """Ask for one step. Never raises for a no: the answer says so."""
        return self.choose(step, level, (Choice("", phrase),), changes)

    def choose(self, step: str, level: Consent, choices: Sequence[Choice], changes: str) -> ConsentAnswer:
        """Ask which of several answers a step gets; a policy takes the one that is recommended, or the only one.

        Never raises for a no: the answer says so. It carries the phrase that it was given to.
        """
        if level is Consent.NONE:
            return ConsentAnswer(True, self.who, "none needed", phrase=choices[0].phrase)
        self.shown, self._above = tuple(self._above), []
        beforehand = self._beforehand(step, level, choices)
        if beforehand and beforehand.granted:
            return beforehand
        typed = self._typed(step, level, choices, changes)
        if typed.how:
            return typed
        # No keyboard: say what is wrong with the approval, where there is one.
        return replace(beforehand or typed, next=self._how_to(step, choices))

    def _beforehand(self, step: str, level: Consent, choices: Sequence[Choice]) -> ConsentAnswer | None:
        policy = None if self._front_end.attended() else self._policy
        if policy and (step in policy.approves or ("*" in policy.approves and step != GOING_BACK)):
            taken = [each for each in choices if not each.barred and (each.recommended or len(choices) == 1)]
            if taken:
                return _given(taken[0], "no person", "drill policy", f"drill policy “{policy.name}”")
        if not self._approvals:
            return None
        no = ""
        yes: dict[str, ConsentAnswer] = {}
        for approval in self._approvals.approvals:
            if approval.step != step:
                continue
            chosen = next((each for each in choices if each.phrase == approval.phrase), None)
            if self._approvals.run != self._run_id:
                no = f"the approvals are for run {self._approvals.run}, this is {self._run_id}"
            elif not chosen:
                now = " or ".join(repr(each.phrase) for each in choices)
                no = f"the approval is for {approval.phrase!r}, but it would now be {now}"
            elif approval.expires <= self._clock.now():
                no = f"the approval expired at {iso(approval.expires)}"
            elif chosen.barred:
                no = f"{chosen.phrase!r} cannot be taken: {chosen.barred}"
            else:
                yes.setdefault(chosen.phrase, _given(chosen, approval.by, "approvals file", approval.reason))
        if len(yes) == 1:
            return next(iter(yes.values()))
        if yes:
            no = f"the approvals give more than one answer: {', '.join(map(repr, yes))}"
        return _no(choices, reason=no) if no else None

    def _typed(self, step: str, level: Consent, choices: Sequence[Choice], changes: str) -> ConsentAnswer:
        expected = {"go" if level is Consent.GO else each.phrase: each for each in choices}
        above = self.shown if self._front_end.bare else ()
        answer = self._keyboard("\n".join([*above, self._whereabouts, *_asked(step, level, choices, changes)]))
        if answer is None:
            return _no(choices, reason="there is no keyboard, and nobody approved it beforehand")
        again = "Run the step again to be asked again."
        again = f"To be asked again: drcore resume {self._run_id}" if self._front_end.bare else again
        taken = expected.get(answer.strip())
        if not taken:
            wanted = " or ".join(map(repr, expected))
            return _no(choices, self.who, "keyboard", f"typed {answer.strip()!r}, not {wanted}", again)
        if taken.barred:
            return _no(choices, self.who, "keyboard", f"{taken.phrase!r} cannot be taken: {taken.barred}", again)
        reason = "" if level is Consent.GO else (self._keyboard("Why, in one line, for the record: ") or "").strip()
        return _given(taken, self.who, "keyboard", reason)

    def _how_to(self, step: str, choices: Sequence[Choice]) -> str:
        asked = [OpenQuestion(step, tuple(choices)), *self.later(step)]
        more = "" if len(asked) == 1 else ", less what is not to be done (what is asked later than now may change)"
        return (
            f"To approve it, put this into a file{more}, and resume with it:\n"
            f"run: {self._run_id}\napprovals:\n{''.join(map(_entry, asked))}"
            f"drcore resume {self._run_id} --approvals FILE"
        )


def _entry(question: OpenQuestion) -> str:
    """One question as an entry of an approvals file, to be filled in."""
    first, *others = sorted((each for each in question.choices if not each.barred), key=lambda it: not it.recommended)
    or_else = "".join(f"  # or, in its place: {_quoted(each.phrase)}\n" for each in others)
    return (
        f"- step: {_quoted(question.step)}\n  phrase: {_quoted(first.phrase)}\n{or_else}"
        "  by: <who>\n  reason: <why>\n  expires: <time with a zone, soon>\n"
    )


def _given(choice: Choice, by: str, how: str, reason: str) -> ConsentAnswer:
    return ConsentAnswer(True, by, how, reason, phrase=choice.phrase, answer=choice.answer)


def _no(choices: Sequence[Choice], by: str = "", how: str = "", reason: str = "", then: str = "") -> ConsentAnswer:
    return ConsentAnswer(False, by, how, reason, then, phrase=" or ".join(each.phrase for each in choices))


def _asked(step: str, level: Consent, choices: Sequence[Choice], changes: str) -> list[str]:
    """The lines of a question. What must be typed as it stands is not broken."""
    head = _lines(f"{step}: {changes}")
    if len(choices) == 1:
        phrase = choices[0].phrase
        radius = _lines(phrase) if level is Consent.GO else [phrase]
        return [*head, *radius, f"Type {'go' if level is Consent.GO else phrase!r} to go on, anything else to stop: "]
    for choice in choices:
        why = [f"recommended: {choice.recommended}"] if choice.recommended else []
        why += [f"cannot be taken: {choice.barred}"] if choice.barred else []
        head += [choice.phrase, *(f"    {line}" for reason in why for line in _lines(reason))]
    return [*head, "Type one of these phrases to go on, anything else to stop: "]


def _lines(text: str) -> list[str]:
    return textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # what JSON is, YAML is too


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
