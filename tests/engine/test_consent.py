"""Consent: whatever is not a clear yes, from the right person, for exactly this, in time, is a no."""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from drcore.clock import iso
from drcore.engine.consent import (
    GOING_BACK,
    Approval,
    Approvals,
    Choice,
    Consent,
    ConsentAnswer,
    ConsentPrompt,
    FrontEnd,
    OpenQuestion,
    from_keyboard,
    read_approvals,
)
from drcore.errors import BadInput
from drcore.parameters import DrillPolicy
from tests.support.manual_clock import START, ManualClock

PHRASE = "RESTORE SyncWellMetadata @ 2026-01-05T09:41:12Z"
ALL = DrillPolicy(name="sandbox, all steps", approves=("*",))


def typing(*answers: str | None) -> Callable[[str], str | None]:
    """A person who types these, one after the other, and is asked nothing more."""
    left = list(answers)
    return lambda prompt: left.pop(0)


def nobody(prompt: str) -> None:
    return None


def desk(
    keyboard: Callable[[str], str | None] = nobody,
    *,
    policy: DrillPolicy | None = None,
    approvals: Approvals | None = None,
) -> ConsentPrompt:
    return ConsentPrompt("t-1", "alice", ManualClock(), policy=policy, approvals=approvals, keyboard=keyboard)


def ask(
    at: ConsentPrompt, level: Consent = Consent.TYPED, step: str = "Restore", phrase: str = PHRASE
) -> ConsentAnswer:
    return at.ask(step, level, phrase, "a table is restored")


def approved(run: str = "t-1", *, minutes: float = 10, phrase: str = PHRASE, by: str = "bob") -> Approvals:
    expires = START + timedelta(minutes=minutes)
    return Approvals(
        run=run,
        approvals=(Approval(step="Restore", phrase=phrase, by=by, reason="as agreed", expires=expires),),
    )


@pytest.mark.parametrize("level", [Consent.GO, Consent.TYPED])
def test_without_a_keyboard_the_answer_should_be_no_with_the_way_to_a_yes(level: Consent) -> None:
    given = ask(desk(), level)
    assert not given.granted
    for part in ("drcore resume t-1 --approvals", "run: t-1", 'step: "Restore"', PHRASE, "expires:"):
        assert part in given.next


def test_a_step_that_asks_for_nothing_should_ask_nobody() -> None:
    assert ask(desk(typing()), Consent.NONE).granted


@pytest.mark.parametrize("typed", ["", "y", "yes", "go", PHRASE.lower(), PHRASE[:-1], PHRASE + " now", "GO"])
def test_a_phrase_should_be_typed_as_it_is(typed: str) -> None:
    given = ask(desk(typing(typed)))
    assert not given.granted
    assert repr(typed) in given.reason


@pytest.mark.parametrize("typed", ["", "y", "yes", "GO", PHRASE, "gone"])
def test_a_go_should_be_go_and_nothing_else(typed: str) -> None:
    assert not ask(desk(typing(typed)), Consent.GO).granted


def test_the_right_words_should_be_a_yes_with_who_and_why() -> None:
    given = ask(desk(typing(f"  {PHRASE} ", " the table is corrupt ")))
    assert given == ConsentAnswer(True, "alice", "keyboard", "the table is corrupt", phrase=PHRASE)
    assert ask(desk(typing("go")), Consent.GO).granted


def test_the_phrase_should_be_shown_before_it_is_asked_for() -> None:
    asked: list[str] = []

    def refuses(prompt: str) -> str:
        asked.append(prompt)
        return ""

    ask(desk(refuses))
    assert PHRASE in asked[0] and "a table is restored" in asked[0]


def test_an_approval_given_beforehand_should_do_for_exactly_what_it_names() -> None:
    given = ask(desk(approvals=approved()))
    assert given == ConsentAnswer(True, "bob", "approvals file", "as agreed", phrase=PHRASE)


@pytest.mark.parametrize(
    ("approvals", "why"),
    [
        (approved(run="t-2"), "for run t-2, this is t-1"),
        (approved(phrase=PHRASE.replace("12Z", "13Z")), "but it would now be"),
        (approved(minutes=-1), "expired at"),
        (approved(minutes=0), "expired at"),
    ],
)
def test_an_approval_for_something_else_should_be_a_no_that_says_what(approvals: Approvals, why: str) -> None:
    given = ask(desk(approvals=approvals))
    assert not given.granted
    assert why in given.reason
    assert ask(desk(typing(PHRASE, "because"), approvals=approvals)).granted, "a person who is there can still say yes"


def test_an_approval_should_not_do_for_another_step() -> None:
    assert not ask(desk(approvals=approved()), step="Wipe").granted


def test_a_drill_policy_should_say_that_it_was_no_person() -> None:
    given = ask(desk(policy=ALL))
    assert given.granted and given.by == "no person" and "sandbox, all steps" in given.reason


def test_a_drill_policy_should_cover_only_the_steps_that_it_names() -> None:
    named = DrillPolicy(name="some", approves=("Restore",))
    assert ask(desk(policy=named)).granted
    assert not ask(desk(policy=named), step="Wipe").granted
    assert not ask(desk(policy=DrillPolicy(name="none", approves=())), step="Wipe").granted


def test_a_policy_for_all_steps_should_never_cover_going_back() -> None:
    assert not ask(desk(policy=ALL), step=GOING_BACK).granted


def test_whoever_can_be_asked_should_be_asked_whatever_a_policy_approves() -> None:
    watched = FrontEnd(attended=lambda: True)
    at = ConsentPrompt(
        "t-1", "alice", ManualClock(), policy=ALL, approvals=None, keyboard=typing("no"), front_end=watched
    )
    assert not ask(at).granted


def test_a_front_end_that_shows_nothing_else_should_be_shown_what_a_question_is_about() -> None:
    asked: list[str] = []

    def refuses(prompt: str) -> str:
        asked.append(prompt)
        return "" if PHRASE in prompt else "because"

    for bare in (True, False):
        front_end = FrontEnd(bare=bare)
        at = ConsentPrompt(
            "t-1", "alice", ManualClock(), policy=None, approvals=None, keyboard=refuses, front_end=front_end
        )
        at.lay_above("38 of 194 items are corrupt")
        assert ("drcore resume t-1" in ask(at).next) is bare
        ask(at)
    shown = [prompt.startswith("38 of 194 items are corrupt\n") for prompt in asked]
    assert shown == [True, False, False, False], "above its own question, once"


def test_what_stands_above_a_question_that_a_policy_answers_should_not_stand_above_the_next() -> None:
    asked: list[str] = []
    named = DrillPolicy(name="some", approves=("Restore",))
    front_end = FrontEnd(bare=True)
    at = ConsentPrompt(
        "t-1", "a", ManualClock(), policy=named, approvals=None, keyboard=asked.append, front_end=front_end
    )
    at.lay_above("38 of 194 items are corrupt")
    assert ask(at).granted
    ask(at, step="Wipe")
    assert "corrupt" not in asked[0]


def test_what_is_asked_later_should_stand_in_the_file_too(tmp_path: Path) -> None:
    at = desk()
    at.later = lambda step: [OpenQuestion("Wipe", (Choice("", "WIPE ALL"),)), OpenQuestion("Choose", OFFERED)]
    told = ask(at).next
    (tmp_path / "a.yaml").write_text(filled(told))
    approvals = read_approvals(tmp_path / "a.yaml")
    assert approvals
    assert [(each.step, each.phrase) for each in approvals.approvals] == [
        ("Restore", PHRASE),
        ("Wipe", "WIPE ALL"),
        ("Choose", REPAIR.phrase),
    ]


def test_a_pipe_should_be_no_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, f"go\n{PHRASE}\n".encode())
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        assert from_keyboard("? ") is None


def test_no_standard_input_at_all_should_be_no_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO("go\n")
    closed.close()
    for stdin in (None, closed, io.StringIO("go\n")):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert from_keyboard("? ") is None


def test_a_terminal_should_be_a_keyboard_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        os.write(master, b"go\n")
        assert from_keyboard("? ") == "go"
        os.write(master, b"\x04")  # Ctrl-D
        assert from_keyboard("? ") is None
    os.close(master)


@pytest.mark.parametrize("error", [EOFError(), RuntimeError("no input here"), None])
def test_a_kernel_should_be_a_keyboard_only_if_its_front_end_takes_input(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    def asks_the_front_end(prompt: str) -> str:
        if error:
            raise error
        return "go"

    monkeypatch.setattr(builtins, "input", asks_the_front_end)
    assert from_keyboard("? ") == (None if error else "go")


def written(folder: Path, expires: str = iso(START), more: str = "") -> Path:
    path = folder / "approvals.yaml"
    path.write_text(
        f"run: t-1\napprovals:\n- step: Restore\n  phrase: {PHRASE!r}\n  by: bob\n  reason: agreed\n"
        f"  expires: {expires}\n{more}"
    )
    return path


def test_an_approvals_file_should_be_read(tmp_path: Path) -> None:
    approvals = read_approvals(written(tmp_path))
    assert approvals and approvals.approvals[0].expires == START
    assert read_approvals(None) is None


def test_an_approvals_file_should_be_strict(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"approvals.yaml:7: approvals.0.expires: .*timezone"):
        read_approvals(written(tmp_path, expires="2026-01-05T10:00:00"))
    with pytest.raises(BadInput, match=r"approvals.yaml:8: approvals.0.for: unknown field"):
        read_approvals(written(tmp_path, more="  for: ever\n"))
    (tmp_path / "none.yaml").write_text("run: t-1\napprovals: []\n")
    with pytest.raises(BadInput, match="at least one"):
        read_approvals(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="found none"):
        read_approvals(tmp_path / "nowhere.yaml")


def filled(told: str) -> str:
    """What the desk tells to write, filled in."""
    text = told.split("\n", 1)[1].rsplit("\n", 1)[0].replace("<who>", "bob").replace("<why>", "agreed")
    return text.replace("<time with a zone, soon>", "2026-01-05T09:30:00Z")


def test_what_the_desk_tells_to_write_should_be_an_approvals_file_that_works(tmp_path: Path) -> None:
    phrase = "POINT 'live' → \"41\" # of x: y"
    told = ask(desk(), phrase=phrase).next
    (tmp_path / "a.yaml").write_text(filled(told))
    given = ask(desk(approvals=read_approvals(tmp_path / "a.yaml")), phrase=phrase)
    assert given.granted


# ── several answers ──────────────────────────────────────────────────────────────────────────────────────────────────

REPAIR = Choice("repair", "REPAIR 38 ITEMS", {"changes lost": 0}, recommended="few are affected")
SWITCH = Choice("switch", "SWITCH TO T-restored, LOSE 60 CHANGES", {"changes lost": 60})
WAIT = Choice("wait", "WAIT FOR THE VENDOR", barred="there is no vendor")
OFFERED = (SWITCH, REPAIR, WAIT)


def choose(at: ConsentPrompt, choices: tuple[Choice, ...] = OFFERED) -> ConsentAnswer:
    return at.choose("Restore", Consent.TYPED, choices, "records the remedy")


def both_approved(*phrases: str) -> Approvals:
    (one,) = approved().approvals
    return Approvals(run="t-1", approvals=tuple(one.model_copy(update={"phrase": phrase}) for phrase in phrases))


@pytest.mark.parametrize("choice", [SWITCH, REPAIR])
def test_one_of_several_answers_should_be_taken_by_typing_it(choice: Choice) -> None:
    given = choose(desk(typing(choice.phrase, "seen the numbers")))
    assert given == ConsentAnswer(
        True, "alice", "keyboard", "seen the numbers", phrase=choice.phrase, answer=choice.answer
    )
    assert given.as_data()["answer"] == choice.answer


def test_a_question_should_name_every_answer_with_what_speaks_for_and_against_it() -> None:
    asked: list[str] = []

    def refuses(prompt: str) -> str:
        asked.append(prompt)
        return ""

    given = choose(desk(refuses))
    assert not given.granted and not given.answer
    for part in (*(each.phrase for each in OFFERED), "recommended: few are affected", "taken: there is no vendor"):
        assert part in asked[0]


def test_an_answer_that_cannot_be_taken_should_be_a_no_with_the_reason() -> None:
    for at in (desk(typing(WAIT.phrase)), desk(approvals=both_approved(WAIT.phrase))):
        given = choose(at)
        assert not given.granted and "there is no vendor" in given.reason


def test_a_policy_should_take_what_is_recommended_and_nothing_else() -> None:
    assert choose(desk(policy=ALL)).answer == "repair"
    assert not choose(desk(policy=ALL), (SWITCH, Choice("other", "OTHER"))).granted
    assert not choose(desk(policy=ALL), (SWITCH, Choice("other", "OTHER", recommended="so", barred="no"))).granted


def test_an_approval_should_give_one_of_several_answers() -> None:
    assert choose(desk(approvals=both_approved(SWITCH.phrase))).answer == "switch"
    both = choose(desk(approvals=both_approved(SWITCH.phrase, REPAIR.phrase)))
    assert not both.granted and "more than one answer" in both.reason


def test_what_is_told_to_write_should_name_the_other_answers(tmp_path: Path) -> None:
    told = choose(desk()).next
    assert told.index(REPAIR.phrase) < told.index(SWITCH.phrase), "what is recommended comes first"
    assert WAIT.phrase not in told
    (tmp_path / "a.yaml").write_text(filled(told))
    assert choose(desk(approvals=read_approvals(tmp_path / "a.yaml"))).answer == "repair"
