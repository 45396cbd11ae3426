"""The card of a step says first how it ended, then what changed, why, and what would be called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drcore import show
from drcore.engine.outcome import Outcome
from drcore.record.evidence import Chart, Table
from tests.support import show_samples as sample


@pytest.mark.parametrize("outcome", list(Outcome))
def test_an_outcome_should_be_a_word_in_both_forms(outcome: Outcome) -> None:
    result = replace(sample.looked(), targets=(replace(sample.looked().targets[0], outcome=outcome),))
    shown = [*show.card(result), *show.overview(sample.STEPS, {result.name.key: result})]
    shown += show.back([(sample.POINT, result.targets[0])])
    assert [outcome.value in each for each in shown] == [True] * 6


def test_a_card_should_begin_with_its_outcome() -> None:
    html, text = show.card(sample.failed())
    assert text.startswith("✖ FAILED")
    assert html.index("FAILED</span>") < html.index(sample.POINT.title)


def test_a_rehearsal_should_show_the_exact_arguments_of_what_it_would_call() -> None:
    html, text = show.card(sample.rehearsed())
    for form in (html.replace("&#34;", '"'), text):
        assert '"FunctionVersion": "41"' in form
        assert "lambda:UpdateAlias" in form


def test_only_a_rehearsed_call_should_be_called_not_sent() -> None:
    result = sample.done()
    sent = replace(result, targets=(replace(result.targets[0], calls=result.calls[2:3]),))
    assert all("would" not in form.lower() for form in show.card(sent))


def test_by_hand_should_list_writes_first_and_each_command_once() -> None:
    html, _ = show.card(sample.done())
    by_hand = html[html.index("<details") :]
    assert by_hand.index("UpdateAlias") < by_hand.index("GetAlias")
    assert by_hand.count("aws lambda GetAlias --region us-east-1") == 1
    assert by_hand.index("These change something") < by_hand.index("UpdateAlias")


def test_consent_should_say_who_how_why() -> None:
    for form in show.card(sample.done()):
        assert "ana, by keyboard: the canary breaks previews" in form


def test_a_table_should_say_how_much_of_it_is_shown_and_what_is_unknown() -> None:
    shown = Table("t", "Counts", ("region", "count"), tuple((sample.EAST, None) for _ in range(30)))
    for form in show.table(shown):
        assert "20 of 30 rows; all are in t.csv" in form
        assert form.count("unknown") == 20
    assert "no rows" in show.table(replace(shown, rows=()))[1]


def test_two_columns_that_are_compared_should_show_what_goes_and_what_comes() -> None:
    rows = (("timezone", "UTC", "corrupt"), ("layout", None, "wide"), ("the whole item", "the same", "the same"))
    html, text = show.table(Table("t", "Both", ("attribute", "restored", "in use"), rows, ("in use", "restored")))
    assert "+ UTC" in text and "- corrupt" in text and "- wide" in text and "absent" in text
    assert "+ the same" not in text and "- the same" not in text, "nothing is changed there"
    assert (html.count("dr-came"), html.count("dr-gone")) == (1, 2)


def test_everything_should_work_with_nothing_to_show() -> None:
    for _, text in (
        show.overview((), {}),
        show.findings([]),
        show.back([]),
        show.verdict(replace(sample.judged(), moments={})),
    ):
        assert text
    nothing = replace(sample.done(), targets=(), calls=(), given=None)
    assert "there was nothing to do it for" in show.card(nothing)[1]
    assert show.png(show.timeline((), ()))
    assert show.png(Chart("none", "Nothing", "s", ()))
