"""What a run has set out to do stands until it is undone, and stands anew when it is done once more."""

from __future__ import annotations

from drcore.engine.outcome import StepName
from drcore.record.history import Answered, History


def journal(*told: str) -> History:
    """Lines such as `intent Close here`, numbered."""
    lines = []
    for number, (event, step, target) in enumerate(map(str.split, told), start=1):
        lines.append({"n": number, "event": event, "step": step, "target": target})
    return History(lines)


def named(title: str) -> StepName:
    return StepName(title.lower(), title, "T")


def opened_again(*told: str) -> bool:
    return journal(*told).ended(named("Close"), named("Open"), "here")


def test_an_act_stands_from_its_first_intent_until_it_is_undone() -> None:
    assert not journal("look Close here").intended(named("Close"), "here")
    assert journal("intent Close here").intended(named("Close"), "here")
    assert not journal("intent Close here", "undone Close here").intended(named("Close"), "here")
    failed = journal("intent Close here", "undo-intent Close here", "undo-failed Close here")
    assert failed.intended(named("Close"), "here")
    assert journal("intent Close here", "undone Close here", "intent Close here").intended(named("Close"), "here")


def test_each_target_is_an_act_of_its_own() -> None:
    lines = journal("intent Close here", "intent Close there", "undone Close there")
    assert lines.intended(named("Close"), "here") and not lines.intended(named("Close"), "there")
    assert lines.intended(named("Close")) and not lines.intended(named("Open"))


def test_tries_before_it_was_undone_do_not_count() -> None:
    act = journal("intent Close here", "intent Close here", "undone Close here", "intent Close here").act(
        named("Close")
    )
    assert act and (act.tries, act.first["n"], act.last["n"]) == (1, 4, 4)


def test_they_stand_in_the_order_in_which_they_were_begun_last() -> None:
    lines = journal("intent A x", "intent B x", "intent A x", "undone A x", "intent A x")
    assert list(lines.standing()) == [("b", "x"), ("a", "x")]


def test_what_was_closed_is_open_again_only_where_both_stand_in_that_order() -> None:
    closed_and_opened = ("intent Close here", "intent Open here")
    assert opened_again(*closed_and_opened)
    assert not opened_again(*closed_and_opened, "undone Open here", "undone Close here")
    opened_stands = (*closed_and_opened, "undo-failed Open here", "undone Close here")  # a way back that failed
    assert not opened_again(*opened_stands)
    assert not opened_again(*opened_stands, "intent Close here")


def test_a_title_that_was_changed_changes_no_answer() -> None:
    lines = History([{"n": 1, "event": "intent", "step": "Shut", "key": "close", "target": "here"}])
    assert lines.intended(StepName("close", "Close", "T"), "here")


def test_a_try_is_lost_where_there_is_neither_an_answer_nor_a_refusal() -> None:
    tries: list[tuple[str, dict[str, object]]] = [
        ("intent", {}),  # killed after it
        ("intent", {}),
        ("act-failed", {"refused": True}),
        ("intent", {}),
        ("act-failed", {"refused": False}),
        ("intent", {}),
        ("acted", {"answer": "an-id"}),
    ]
    lines: list[dict[str, object]] = [{"event": event, "step": "Tell", "target": "us", **more} for event, more in tries]
    tell = named("Tell")
    assert History(lines[:1]).answered(tell, "us") == Answered("", 1)
    assert History(lines[:3]).answered(tell, "us") == Answered("", 1)
    assert History(lines[:5]).answered(tell, "us") == Answered("", 2)
    assert History(lines).answered(tell, "us") == Answered("an-id", 2)
    assert History(lines).answered(tell, "others") == Answered("", 0)
    undone: dict[str, object] = {"event": "undone", "step": "Tell", "target": "us"}
    assert History([*lines, undone]).answered(tell, "us") == Answered("", 0)
