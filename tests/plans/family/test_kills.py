"""A run that is killed goes on where it was, does nothing twice, and comes to the same end as one that was not."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from drcore.engine.prepare import HOME
from drcore.engine.step import Plan
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.honesty import well_in_truth
from tests.support.killed_runs import AFTER_STEP, BEFORE_ANSWER, KINDS, sampled, steps
from tests.support.stage import each_plan
from tests.support.troubled import BY_CHANCE

PATIENCE = 1800  # seconds until the children are given up; nothing waits for it to pass
Pairs = list[dict[str, Any]]


@pytest.fixture(scope="module")
def pairs() -> Callable[[Plan[Any]], Pairs]:
    """For each scene of a plan that adds acts a drill that was left alone and one that was killed, again and again."""
    known: dict[str, Pairs] = {}

    def of(plan: Plan[Any]) -> Pairs:
        if plan.id not in known:
            done = subprocess.run(
                [sys.executable, "-m", "tests.support.killed_runs", plan.id],
                cwd=HOME,
                env=os.environ | {"PYTHONHASHSEED": "0"},
                stdout=subprocess.PIPE,
                check=True,
                timeout=PATIENCE,
            )
            known[plan.id] = json.loads(done.stdout)
        return known[plan.id]

    return of


Killed = Callable[[Plan[Any]], Pairs]


@pytest.mark.parametrize("kind", KINDS)
@each_plan
def test_it_was_killed_at_every_moment(pairs: Killed, plan: Plan[Any], kind: str) -> None:
    kills = [kill for pair in pairs(plan) for kill in pair["killed"]["kills"] if kill["moment"]["kind"] == kind]
    assert kills or not EXHAUSTIVE
    assert [kill["moment"] for kill in kills if not kill["killed"]] == []
    steps_killed = {kill["moment"]["step"] for kill in kills}
    acting = {step.title for step in steps(plan) if step.act and step.key not in BY_CHANCE}
    assert steps_killed == ({step.title for step in plan.steps} if kind == AFTER_STEP else acting) or not EXHAUSTIVE


@each_plan
def test_no_step_was_left_out(pairs: Killed, plan: Plan[Any]) -> None:
    killed = {kill["moment"]["step"] for pair in pairs(plan) for kill in pair["killed"]["kills"]}
    if EXHAUSTIVE:
        assert killed == {step.title for step in steps(plan)}
    else:
        assert {plan.steps[-1].title} < killed <= sampled(plan), "in one drill, of each act that it comes to"


@each_plan
def test_its_record_holds_after_each_kill_and_at_the_end(pairs: Killed, plan: Plan[Any]) -> None:
    for pair in pairs(plan):
        assert [kill for kill in pair["killed"]["kills"] if kill["problems"]] == []
        assert pair["killed"]["problems"] == []


@each_plan
def test_it_comes_to_the_end_of_a_run_that_was_left_alone(pairs: Killed, plan: Plan[Any]) -> None:
    for pair in pairs(plan):
        assert (pair["alone"]["trouble"], pair["killed"]["trouble"]) == ("", "")
        assert lasting(pair["killed"]["state"]) == lasting(pair["alone"]["state"])
        assert standing(pair["killed"]["truth"]) == standing(pair["alone"]["truth"])
        assert well_in_truth(pair["killed"]["truth"])


@each_plan
def test_no_act_is_done_twice_but_a_page_that_got_no_answer(pairs: Killed, plan: Plan[Any]) -> None:
    """A page cannot be looked for, and two are better than none."""
    for pair in pairs(plan):
        moments = [kill["moment"] for kill in pair["killed"]["kills"]]
        lost = [each for each in moments if (each["kind"], each["step"]) == (BEFORE_ANSWER, "Notify on-call")]
        again = done([each for each in pair["alone"]["effects"] if each["call"] == "sns:Publish"] * len(lost))
        assert done(pair["killed"]["effects"]) == done(pair["alone"]["effects"]) + again


OF_THE_MOMENT = (
    *("healthy_since", "failover_at", "last_client_moved", "replication", "region", "traffic", "last_old_token"),
    "syncs",  # with partners: the longer a pause lasts, the more of them wait
    "ai",  # what became of the conflicts until the end, which comes sooner or later
    "oncall_messages",  # the world's alarms send some of them, the longer the more; those of a run are calls
)


def standing(truth: dict[str, object]) -> dict[str, object]:
    """The truth without what hangs on the moment: since when all is well, who goes where, what is on its way.

    Of corrupted data, too: a run that is killed halts the bad release later, when more is corrupted.
    """
    told = {name: value for name, value in truth.items() if name not in OF_THE_MOMENT}
    mobile = told.pop("mobile", None)
    if isinstance(mobile, dict):  # what each store gives to users; who has updated by then is another number each time
        told["offered"] = {name: (store["bad"], store["offered"]) for name, store in mobile["stores"].items()}
    data = told.pop("corruption", None)
    if not isinstance(data, dict):
        return told
    left = set(data["corrupted"]) - set(data["conflicts"])
    return told | {"left": left, **{name: data[name] for name in ("table_in_use", "writers_running", "reading_old")}}


def done(effects: list[dict[str, str]]) -> Counter[str]:
    """How often each call was handled. The lock's do not count: after a kill at its return it is taken once more.

    A call that is made again with its token is the same one to AWS: an export that is not listed yet is asked for so.
    Nor do the batches of a repair, which are as many as there is to be repaired: tests/plans/g/test_p08_repair.py
    looks at each of their items.
    """
    once = {json.dumps(each, sort_keys=True): each for each in effects if '"ClientToken"' in each["asked"]}
    return Counter(
        json.dumps(lasting(each), sort_keys=True)
        for each in (*once.values(), *(each for each in effects if '"ClientToken"' not in each["asked"]))
        if '"Key": "locks/' not in each["asked"] and each["call"] != "dynamodb:TransactWriteItems"
    )


def lasting(state: Any) -> Any:
    """A state without what may differ between two runs to the same end.

    These are times, as a run that is killed ends later, and what is told or named by them: the words that tell the
    rates of the time when on-call was paged, the revision of a policy, the files of an export (each of which was asked
    for by a call, and calls are counted); what was sent to on-call, by the world's alarms or by the run, whose pages
    are calls; the object that was the lock, of which a versioned bucket keeps what it held. And what is an id and
    nothing else, such as an alias' revision: the world draws one after the other, so a page that goes out once more
    has all that come later be others.
    """
    if isinstance(state, dict):
        return {
            VERSION.sub("/a version", name): lasting(value)
            for name, value in state.items()
            if name not in OF_A_TIME and not NAMED_BY_TIME.search(name)
        }
    if isinstance(state, list):
        return [lasting(each) for each in state if not is_a_message(each)]
    if isinstance(state, str):
        if state.startswith("{"):
            with contextlib.suppress(ValueError):
                return lasting(json.loads(state))
        with contextlib.suppress(ValueError):
            datetime.fromisoformat(state)
            return "a time"
        return "an id" if DRAWN.fullmatch(state) else OF_WORDS.sub("", state)
    return state


OF_A_TIME = (
    *("sent_timestamp", "text", "ClientToken", "ExpectedRevisionId", "createdate", "last_changed_date"),
    *("recoveredDeviceCount", "totalDeviceCount"),  # who has updated by then
)
VERSION = re.compile(r"/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")  # of an object, in the list of its tags
NAMED_BY_TIME = re.compile(r"locks/|/AWSDynamoDB/|/export/")
DRAWN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# As the status page tells what is lost; of Google Play an edit, another one each time.
OF_WORDS = re.compile(r"\d\d:\d\d:\d\d|\d+ (?=changes)|(?<=/edits/)\d+")


def is_a_message(each: Any) -> bool:
    """Whether an element of a list is a message to on-call, of an alarm or of a run, as the topic keeps it."""
    told = each[1] if isinstance(each, list) and each[1:] else ""
    return isinstance(told, str) and told.startswith(('{"AlarmName": ', '{"run_id": '))
