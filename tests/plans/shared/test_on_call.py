"""The page to whoever is on call: the id that SNS gave it is trusted, and what got no answer is sent again."""

from __future__ import annotations

import pytest

from drcore.calls.gate import CallGate
from drcore.engine.outcome import Outcome
from drcore.errors import Refused
from drcore.plans import f
from drcore.plans.shared.on_call import Paged
from drcore.run.runbook import Runbook
from tests.support.stage import Scene, Stage, carry_out, client, lines, outcomes, pages_of

BAD_RELEASE = Scene(f.PLAN, "bad-release")


def published(stage: Stage) -> int:
    return sum(each.call == "sns:Publish" for each in stage.effects)


def paged(run: Runbook) -> Paged:
    (state,) = run.results[f.NOTIFY.key].states.values()
    assert isinstance(state, Paged)
    return state


def test_it_goes_out_once_however_many_messages_went_out_before(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    for region, topic in run.run.service.on_call.topics.items():
        for _ in range(120):
            client(run, "sns", region).publish(TopicArn=topic, Message="{}")

    assert carry_out(run, until=f.NOTIFY) is None

    assert outcomes(run)[f.NOTIFY.title] is Outcome.DONE
    assert pages_of(run) == 1
    assert paged(run).message == lines(run, "acted")[-1]["answer"] != ""


def test_it_is_not_sent_again_once_there_is_an_id(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    carry_out(run, until=f.NOTIFY)
    run.record.close()
    again = stage.again(run)

    carry_out(again, until=f.NOTIFY)

    assert pages_of(again) == 1
    assert paged(again) == paged(run)


def test_without_an_answer_it_is_sent_again_and_the_record_says_so(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    stage.fault("lost-response", service="sns", operation="Publish", count=1)

    carry_out(run, until=f.NOTIFY)

    assert pages_of(run) == 2
    assert (paged(run).lost, outcomes(run)[f.NOTIFY.title]) == (1, Outcome.DONE)
    assert "may have gone out more than once" in run.results[f.NOTIFY.key].why


def test_a_run_that_was_killed_before_the_answer_sends_it_again_and_says_so(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    note = CallGate.note

    def dies(calls: CallGate, call: object, *told: str) -> None:
        if str(call).startswith("sns:Publish"):
            raise KeyboardInterrupt
        note(calls, call, *told)  # type: ignore[arg-type]

    monkeypatch.setattr(CallGate, "note", dies)
    with pytest.raises(KeyboardInterrupt):
        carry_out(run, until=f.NOTIFY)
    monkeypatch.setattr(CallGate, "note", note)
    run.record.close()
    again = stage.again(run)

    assert carry_out(again, until=f.NOTIFY) is None

    assert pages_of(again) == 2
    assert paged(again).lost == 1
    assert "may have gone out more than once" in again.results[f.NOTIFY.key].why


def test_what_was_refused_did_not_go_out(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    stage.fault("throttling", service="sns", operation="Publish", count=2)

    carry_out(run, until=f.NOTIFY)

    assert pages_of(run) == 1
    assert paged(run).lost == 0
    assert "may have gone out" not in run.results[f.NOTIFY.key].why
    assert [line["refused"] for line in lines(run, "act-failed")] == [True, True]


def test_where_no_answer_ever_comes_it_has_failed_and_may_have_gone_out(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    stage.fault("lost-response", service="sns", operation="Publish")

    trouble = carry_out(run, until=f.NOTIFY)

    assert trouble is None, "a page that is not answered stops no recovery"
    assert run.results[f.NOTIFY.key].untold
    assert "3 tries got no answer, so it may have gone out all the same" in run.results[f.NOTIFY.key].why
    assert published(stage) == 3


def test_a_topic_that_nobody_hears_stops_the_run_before_anything_is_done(stage: Stage) -> None:
    run = stage.open(stage.prepare(BAD_RELEASE))
    region = run.run.service.runner_region
    sns = client(run, "sns", region)
    for each in sns.list_subscriptions()["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    stage.effects.clear()

    trouble = carry_out(run)

    assert isinstance(trouble, Refused)
    assert "a page would reach nobody" in str(trouble)
    assert stage.effects == []
