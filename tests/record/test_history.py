"""What a run has set out to do stands until it is undone, and stands anew when it is done once more."""

from __future__ import annotations

from drcore.record.history import Answered, act_of, answered, ended, intended, standing


def journal(*told: str) -> list[dict[str, object]]:
    """Lines such as `intent Close here`, numbered."""
    lines = []
    for number, (event, step, target) in enumerate(map(str.split, told), start=1):
        lines.append({"n": number, "event": event, "step": step, "target": target})
    return lines


def test_an_act_stands_from_its_first_intent_until_it_is_undone() -> None:
    assert not intended(journal("look Close here"), "Close", "here")
    assert intended(journal("intent Close here"), "Close", "here")
    assert not intended(journal("intent Close here", "undone Close here"), "Close", "here")
    assert intended(journal("intent Close here", "undo-intent Close here", "undo-failed Close here"), "Close", "here")
    assert intended(journal("intent Close here", "undone Close here", "intent Close here"), "Close", "here")


def test_each_target_is_an_act_of_its_own() -> None:
    lines = journal("intent Close here", "intent Close there", "undone Close there")
    assert intended(lines, "Close", "here") and not intended(lines, "Close", "there")
    assert intended(lines, "Close") and not intended(lines, "Open")


def test_tries_before_it_was_undone_do_not_count() -> None:
    act = act_of(journal("intent Close here", "intent Close here", "undone Close here", "intent Close here"), "Close")
    assert act and (act.tries, act.first["n"], act.last["n"]) == (1, 4, 4)


def test_they_stand_in_the_order_in_which_they_were_begun_last() -> None:
    lines = journal("intent A x", "intent B x", "intent A x", "undone A x", "intent A x")
    assert list(standing(lines)) == [("B", "x"), ("A", "x")]


def test_what_was_closed_is_open_again_only_where_both_stand_in_that_order() -> None:
    closed_and_opened = ("intent Close here", "intent Open here")
    assert ended(journal(*closed_and_opened), "Close", "Open", "here")
    assert not ended(journal(*closed_and_opened, "undone Open here", "undone Close here"), "Close", "Open", "here")
    opened_stands = (*closed_and_opened, "undo-failed Open here", "undone Close here")  # a way back that failed
    assert not ended(journal(*opened_stands), "Close", "Open", "here")
    assert not ended(journal(*opened_stands, "intent Close here"), "Close", "Open", "here")


def test_a_try_is_lost_where_there_is_neither_an_answer_nor_a_refusal() -> None:
    told: list[tuple[str, dict[str, object]]] = [
        ("intent", {}),  # killed after it
        ("intent", {}),
        ("act-failed", {"refused": True}),
        ("intent", {}),
        ("act-failed", {"refused": False}),
        ("intent", {}),
        ("acted", {"answer": "an-id"}),
    ]
    lines = [{"event": event, "step": "Tell", "target": "us", **more} for event, more in told]
    assert answered(lines[:1], "Tell", "us") == Answered("", 1)
    assert answered(lines[:3], "Tell", "us") == Answered("", 1)
    assert answered(lines[:5], "Tell", "us") == Answered("", 2)
    assert answered(lines, "Tell", "us") == Answered("an-id", 2)
    assert answered(lines, "Tell", "others") == Answered("", 0)
    undone = {"event": "undone", "step": "Tell", "target": "us"}
    assert answered([*lines, undone], "Tell", "us") == Answered("", 0)
