"""An act is carried out in a session that may do what its step declares, and nothing else: AWS itself refuses more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.engine.act_session import LONGEST, SessionPolicy, session_policies
from drcore.engine.context import Run
from drcore.engine.outcome import Outcome, Target
from drcore.engine.permissions import Permission, Place, iam_actions
from drcore.errors import StepFailed
from drcore.parameters import Mode
from drcore.record.events import Kind, read_events
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from tests.support.engine_world import Nothing, Seen, Things, mend, open_run, plan_of, service

RUNNER = "arn:aws:iam::123456789012:role/syncwell-recovery"
EAST, WEST = "us-east-1", "us-west-2"
TOPIC = {region: f"arn:aws:sns:{region}:123456789012:syncwell-oncall" for region in (EAST, WEST)}
PAGES = iam_actions("sns:Publish", on=lambda at: TOPIC.values())
Act = Callable[[Run[Any], Target, Seen], object]


@pytest.fixture(scope="module")
def company() -> InProcess:
    """SyncWell's account, with the runner's role as all plans print it."""
    return InProcess(7, users=20)


@pytest.fixture
def calls() -> CallGate:
    return CallGate(lambda event, **fields: None)


def signed(company: InProcess, calls: CallGate) -> Aws:
    aws = Aws(calls, endpoint=ENDPOINT, role=RUNNER, run_id="t-1")
    company.attach(aws.session)
    return aws


def page(run: Run[Any], target: Target, seen: Seen) -> None:
    run.aws.call("sns", target.region, "publish", TopicArn=TOPIC[target.region], Message="one too many")


def freeze(run: Run[Any], target: Target, seen: Seen) -> None:
    """What the role may do, too: plan F's own act."""
    where = {"pipelineName": "syncwell-backend", "stageName": "Deploy", "transitionType": "Inbound"}
    run.aws.call("codepipeline", target.region, "disable_stage_transition", **where, reason="planted")


def carried_out(company: InProcess, folder: Path, act: Act, **changes: Any) -> list[tuple[Outcome, str]]:
    """How a step went whose act makes some calls of AWS; it also makes its thing good, as the last it does."""
    things = Things()

    def acts(run: Run[Any], target: Target, seen: Seen) -> None:
        act(run, target, seen)
        things.write(run, target, "good")

    step = mend(things, act=acts, within=10, **({"permissions": PAGES} | changes))
    book = open_run(folder, plan_of(step), mode=Mode.DRILL, role=RUNNER)
    company.attach(book.run.aws.session)
    book.preflight()
    with suppress(StepFailed):
        book.step(step)
    book.close()
    return [(each.outcome, each.why) for each in book.results[step.key].targets]


def test_an_act_should_do_what_its_step_declares(company: InProcess, tmp_path: Path) -> None:
    assert [outcome for outcome, _ in carried_out(company, tmp_path / "act", page)] == [Outcome.DONE, Outcome.DONE]


def test_a_call_that_was_planted_in_an_act_should_be_denied_by_aws(company: InProcess, tmp_path: Path) -> None:
    [(outcome, why), _] = carried_out(company, tmp_path / "act", freeze)
    assert outcome is Outcome.FAILED
    assert "codepipeline:DisableStageTransition" in why
    assert "because no session policy allows" in why
    whole = carried_out(company, tmp_path / "whole", freeze, whole_role="a test of the test")
    assert [outcome for outcome, _ in whole] == [Outcome.DONE, Outcome.DONE], "the role itself may do it"


def test_what_the_journal_says_of_an_intent_should_be_where_it_is_wider_than_declared(
    company: InProcess, tmp_path: Path
) -> None:
    carried_out(company, tmp_path / "narrow", page)
    carried_out(company, tmp_path / "whole", page, whole_role="AWS goes on with it")
    said = [
        {line.get("session") for line in read_events(tmp_path / name) if line["event"] == Kind.INTENT}
        for name in ("narrow", "whole")
    ]
    assert said == [{None}, {None, "the whole role: AWS goes on with it"}], "the lock's own is as declared"


# ── a policy that is too long ────────────────────────────────────────────────────────────────────────────────────────

HERE = Place(service(), Nothing())


def policies(*permissions: Permission) -> list[SessionPolicy]:
    return list(session_policies(permissions, HERE))


def resources(found: SessionPolicy) -> set[str]:
    return {arn for each in json.loads(found.text)["Statement"] for arn in each["Resource"]}


def test_a_policy_that_is_short_enough_should_name_each_arn() -> None:
    first, *wider = policies(*PAGES)
    assert (resources(first), first.how) == ({*TOPIC.values()}, "")
    assert [each.how for each in wider] == ["narrowed by action and prefix only", "narrowed by action only"]


def test_a_policy_that_is_too_long_should_have_prefixes_that_cover_what_was_declared() -> None:
    names = [f"function:syncwell-worker-{number:03}" for number in range(40)]
    declared = (
        *iam_actions("lambda:UpdateAlias", on=lambda at: at.everywhere("lambda", *names)),
        *iam_actions("dynamodb:PutItem", on=lambda at: ["arn:aws:dynamodb:us-east-1:123456789012:table/SyncWell"]),
        *iam_actions("codedeploy:StopDeployment"),
    )
    first, *_ = policies(*declared)
    assert first.how == "narrowed by action and prefix only"
    assert len(first.text) < LONGEST
    assert resources(first) == {
        "arn:aws:lambda:*:123456789012:function:syncwell-worker-0*",
        "arn:aws:dynamodb:us-east-1:123456789012:table/SyncWell",
        "*",
    }


def test_things_of_different_kinds_should_have_no_prefix_in_common() -> None:
    kinds = [f"{kind}/syncwell-{number}" for kind in ("applications", "strategies") for number in range(40)]
    first, *_ = policies(*iam_actions("appconfig:StartDeployment", on=lambda at: at.everywhere("appconfig", *kinds)))
    assert resources(first) == {
        f"arn:aws:appconfig:*:123456789012:{kind}/syncwell-*" for kind in ("applications", "strategies")
    }


def test_what_is_too_long_even_so_should_be_narrowed_by_action() -> None:
    def table(at: Place[Any]) -> Iterator[str]:
        yield f"arn:aws:dynamodb:us-east-1:123456789012:table/{'t' * 60}"

    (last,) = policies(*iam_actions(*(f"dynamodb:{'A' * 40}{number}" for number in range(40)), on=table))
    assert (resources(last), last.how) == ({"*"}, "narrowed by action only")


def test_an_act_that_declares_nothing_should_be_able_to_do_nothing() -> None:
    (first, *_) = policies()
    assert [each["Action"] for each in json.loads(first.text)["Statement"]] == [["sts:GetCallerIdentity"]]


# ── what it costs ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_session_should_be_asked_for_once_for_each_policy_and_region(company: InProcess, calls: CallGate) -> None:
    aws = signed(company, calls)
    ways = [each.text for each in policies(*PAGES)]
    for _ in range(3):
        with aws.limited_to(ways), calls.during(Writes.ALLOWED):
            for region in (EAST, WEST):
                aws.call("sns", region, "publish", TopicArn=TOPIC[region], Message="a page")
        aws.call("sns", EAST, "list_topics")
    assert [call.region for call in calls.made if call.operation == "AssumeRole"] == [EAST, WEST, EAST]
