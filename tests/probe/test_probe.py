"""A probe asks by consent, says what differs, and leaves nothing in the account but what it found there."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.calls.gate import Call
from drcore.engine.prepare import HOME
from drcore.errors import Exit, Refused
from drcore.parameters import Service
from drcore.probe.answers import ANSWERS, Agreement
from drcore.probe.own import policy
from drcore.probe.probe import CLEAN, AccountProbe, Probed
from drcore.probe.question import AwsQuestion
from drcore.probe.questions import QUESTIONS, chosen
from drcore.record.events import Kind, read_events
from drcore.record.files import EVIDENCE
from drcore.record.proof import verify
from drcore.sandbox.core.behaviours import ERRORS, KNOWN, Behaviours, UnknownBehaviour, read_answers
from drcore.sandbox.core.lateness import Lateness, Told
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.services.dynamodb import export_operations
from drcore.sandbox.services.dynamodb.tables import Tables
from tests.probe.conftest import Probing, own

ALL = [each.key for each in QUESTIONS]
WRITING = [each.key for each in QUESTIONS if each.writes]
RESTORE, POLICY = "restore-survives-its-session", "table-policy-takes"
RESERVED, STOP, DELAY = "reserved-below-provisioned", "stop-deployment", "metric-delay"
EXPORT, TEXT = "export-time", "cancelled-transaction-text"
NOT_EMULATED = {"printed-policy-suffices", "short-poll"}  # docs/aws.md says why


def words(probed: Probed) -> dict[str, Agreement]:
    return {each.question.key: each.word for each in probed.answered}


def services_own(world: InProcess) -> Any:
    """What the service has, as it can be changed by calls; of CodeDeploy not the history, in which a probe stays."""
    own_ = world.request("GET", "/_sandbox/state")[1]["own"]
    groups = {region: each["groups"] for region, each in own_["codedeploy"].items()}
    return {"groups": groups} | {name: own_[name] for name in ("dynamodb settings", "apigateway")}


def test_every_question_has_an_answer_or_says_why_and_nothing_is_left(world: InProcess, probing: Probing) -> None:
    before = services_own(world)
    probe = probing(WRITING)
    probed = probe.ask(QUESTIONS)
    assert [each.question.key for each in probed.answered] == ALL
    unknown = {each.question.key: each.why for each in probed.answered if each.word is Agreement.UNKNOWN}
    # The emulated account's caller is no session, its parameters name no role of the runner, nobody has exported yet.
    assert set(unknown) <= {"simulation-of-a-session", "printed-policy-suffices", EXPORT}
    assert all(unknown.values())
    assert probed.left == () and own(world) == []
    assert services_own(world) == before
    proof = verify(probed.record)
    assert proof.proven, proof.problems
    restorers = {"dynamodb:RestoreTableToPointInTime"}  # allowed by the policy of the role that the probe makes for it
    assert writes(probe) - restorers <= allowed(), "the policy that is printed names every write that is made"


def writes(probe: AccountProbe) -> set[str]:
    """The actions that a probe's calls needed, by IAM's names."""
    by_another = {"sqs:SendMessageBatch": "sqs:SendMessage", "dynamodb:TransactWriteItems": "dynamodb:PutItem"}
    made = {f"{call.service}:{call.operation}" for call in probe.session.gate.made if call.write}
    return {by_another.get(each, each) for each in made}


def allowed() -> set[str]:
    document: Any = policy()
    return {action for each in document["Statement"] for action in each["Action"]}


def test_the_policy_that_is_printed_reaches_nothing_but_what_a_probe_makes() -> None:
    """But for what AWS allows on everything or on nothing: there the gate lets only a probe's own through."""
    document: Any = policy()
    by_resource = {each["Resource"].rpartition("/")[2].rpartition(":")[2]: each for each in document["Statement"]}
    assert by_resource.pop("*")["Action"] == ["codedeploy:StopDeployment"]
    assert set(by_resource) == {"drcore-probe-*"}


def test_as_assumed_is_exit_0_and_each_answer_is_in_the_record(probing: Probing) -> None:
    asked = chosen([RESERVED, "stale-alias", "missing-provisioned", "cancelled-transaction-text"], "")
    probed = probing([each.key for each in asked]).ask(asked)
    assert set(words(probed).values()) == {Agreement.AS_ASSUMED}, probed.answered
    assert probed.exit is Exit.REACHED
    told = [line["told"] for line in read_events(probed.record) if line["event"] == Kind.QUESTION]
    assert [each["question"] for each in told] == [each.key for each in asked]
    kept = json.loads((probed.record / EVIDENCE / ANSWERS).read_text())
    assert kept["answers"][RESERVED] == "refused"
    assert (kept["environment"], kept["account"]) == ("staging", "123456789012")


def test_an_account_that_answers_otherwise_is_told_and_can_be_emulated(
    world: InProcess, probing: Probing, tmp_path: Path
) -> None:
    other = {RESERVED: "accepted", STOP: "Succeeded", POLICY: 45}
    world.world.state(Behaviours).take(other)
    probed = probing([*other]).ask(chosen([*other], ""))
    assert words(probed) == {RESERVED: Agreement.DIFFERS, STOP: Agreement.AS_ASSUMED, POLICY: Agreement.DIFFERS}
    answers = {each.question.key: each.value for each in probed.answered}
    assert 30 < float(answers[POLICY] or 0) < 48 and answers | {POLICY: 45} == other
    assert probed.exit is Exit.MISSED
    assert own(world) == []

    again = InProcess(6, users=20)  # another world, from the file that the probe has kept
    again.world.state(Behaviours).take(read_answers(probed.record / EVIDENCE / ANSWERS))
    assert again.world.state(Behaviours).word(RESERVED) == "accepted"
    client = again.world.client("lambda", "us-east-1")
    assert client.list_provisioned_concurrency_configs(FunctionName="syncwell-api")["ProvisionedConcurrencyConfigs"]
    client.put_function_concurrency(FunctionName="syncwell-api", ReservedConcurrentExecutions=0)


def test_errors_that_are_called_otherwise_are_told_and_can_be_emulated(world: InProcess, probing: Probing) -> None:
    """Of the simulator's refusal the emulated account tells nothing: its caller is no session."""
    other = {key: f"Other{number}Exception" for number, key in enumerate(ERRORS)} | {TEXT: "Cancelled [a: b]"}
    world.world.state(Behaviours).take(other)
    asked = sorted(set(ERRORS) - {"simulation-of-a-session"})
    probed = probing(asked).ask(chosen(asked, ""))
    answers = {each.question.key: str(each.value) for each in probed.answered}
    assert answers.pop(TEXT).endswith("Cancelled [a: b]")
    assert answers == {key: value for key, value in other.items() if key in answers}
    assert set(words(probed).values()) == {Agreement.DIFFERS}
    assert probed.left == () and own(world) == []


@pytest.mark.parametrize(
    ("answer", "agreement"), [("changes", Agreement.AS_ASSUMED), ("not the changes", Agreement.DIFFERS)]
)
def test_how_long_an_export_takes_is_told_by_exports_that_are_there_anyway(
    world: InProcess, probing: Probing, answer: str, agreement: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_operations, "EACH_LINE", 10.0)
    monkeypatch.setattr(export_operations, "TAKES", (200.0, 250.0))
    world.world.state(Behaviours).take({EXPORT: answer})
    world.world.state(Tables).create("Exported", ("us-west-2",))
    clients = {name: world.world.client(name, "us-west-2") for name in ("dynamodb", "s3")}
    clients["s3"].create_bucket(Bucket="anywhere", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    begun = world.world.clock.now()
    world.world.clock.advance(1000)
    for number in range(60):
        clients["dynamodb"].put_item(TableName="Exported", Item={"pk": {"S": str(number)}, "sk": {"S": "0"}})
    world.world.clock.advance(1000)
    for since in (begun, begun + timedelta(seconds=950)) * 2:
        span = {"ExportFromTime": since, "ExportToTime": since + timedelta(minutes=16)}
        clients["dynamodb"].export_table_to_point_in_time(
            TableArn="arn:aws:dynamodb:us-west-2:123456789012:table/Exported", S3Bucket="anywhere",
            ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=span,
        )  # fmt: skip
    world.world.clock.advance(1200)
    probe = probing()
    probed = probe.ask(chosen([EXPORT], ""))
    assert [(each.value, each.word) for each in probed.answered] == [(answer, agreement)], probed.answered
    assert [call for call in probe.session.gate.made if call.write] == []


def test_metrics_that_are_later_than_assumed_are_told_with_the_parameter_to_set(
    world: InProcess, probing: Probing
) -> None:
    world.world.state(Behaviours).take({DELAY: 280})
    probe = probing()
    world.world.clock.advance(1200)  # what is told later than usual has come late for a while
    probed = probe.ask(chosen([DELAY], ""))
    assert words(probed) == {DELAY: Agreement.DIFFERS}, probed.answered
    (answer,) = probed.answered
    assert isinstance(answer.value, float) and 180 < answer.value <= 285
    assert probed.parameters == {"metric_delay_s": 300}

    again = InProcess(6, users=20)
    again.world.state(Behaviours).take(read_answers(probed.record / EVIDENCE / ANSWERS))
    assert again.world.state(Lateness).most(Told.METRIC) == answer.value


@pytest.mark.parametrize(("behaves", "word"), [("survives", Agreement.AS_ASSUMED), ("fails", Agreement.DIFFERS)])
def test_a_restore_is_asked_about_in_the_session_of_a_role_that_then_may_nothing(
    world: InProcess, probing: Probing, behaves: str, word: Agreement
) -> None:
    world.world.state(Behaviours).take({RESTORE: behaves})
    before = services_own(world)
    probed = probing([RESTORE]).ask(chosen([RESTORE], ""))
    assert words(probed) == {RESTORE: word}, probed.answered
    assert probed.answered[0].value == behaves and probed.left == ()
    assert own(world) == [] and services_own(world) == before


def test_without_a_keyboard_and_without_yes_nothing_is_changed(world: InProcess, probing: Probing) -> None:
    probed = probing().ask(chosen([RESERVED, "missing-table"], ""))
    assert words(probed) == {RESERVED: Agreement.NOT_ASKED, "missing-table": Agreement.AS_ASSUMED}
    assert probed.exit is Exit.REFUSED
    lines = read_events(probed.record)
    assert not [line for line in lines if line["event"] == Kind.CALL and line["write"]]
    (consent,) = [line for line in lines if line["event"] == Kind.CONSENT]
    assert (consent["granted"], consent["how"]) == (False, "there is no keyboard")


@pytest.mark.parametrize(("typed", "word"), [("short-poll", Agreement.AS_ASSUMED), ("yes", Agreement.NOT_ASKED)])
def test_a_question_is_typed_for_by_its_name_below_what_it_does(probing: Probing, typed: str, word: Agreement) -> None:
    prompts: list[str] = []

    def keyboard(prompt: str) -> str:
        prompts.append(prompt)
        return typed

    probed = probing(keyboard=keyboard).ask(chosen(["short-poll"], ""))
    assert words(probed)["short-poll"] == word
    assert all(part in prompts[0] for part in ("staging", "123456789012", "Cost:", "Undo: the queue is deleted"))


def test_production_is_asked_nothing_that_changes_anything(probing: Probing, staging: Service) -> None:
    production = staging.model_copy(update={"production": True, "environment": "production"})
    with pytest.raises(Refused, match="no question that changes anything: short-poll"):
        probing(["short-poll"], service=production).ask(chosen(["short-poll", "missing-table"], ""))
    with pytest.raises(Refused, match="nothing is removed in production"):
        probing([CLEAN], service=production).clean()
    assert words(probing(service=production).ask(chosen(["missing-table"], ""))) == {
        "missing-table": Agreement.AS_ASSUMED
    }


def test_another_account_is_not_asked(probing: Probing, staging: Service) -> None:
    other = staging.model_copy(update={"account": "999999999999"})
    with pytest.raises(Refused, match="expected account 999999999999, seen 123456789012"):
        probing(WRITING, service=other).ask(QUESTIONS)


def test_a_question_that_would_touch_the_service_is_stopped_before_the_call(world: InProcess, probing: Probing) -> None:
    aws, gate = (session := probing().session).aws, session.gate
    with session.asked(writes=True):
        for service, operation, parameters in (
            ("lambda", "delete_function", {"FunctionName": "syncwell-api"}),
            ("dynamodb", "delete_table", {"TableName": "SyncWellMetadata"}),
            ("codedeploy", "stop_deployment", {"deploymentId": "d-5NQA1FNY7"}),
            ("lambda", "delete_function", {"FunctionName": "not-drcore-probe-mine"}),
            ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:syncwell-oncall", "Message": "x"}),
            (
                "dynamodb",
                "transact_write_items",
                {
                    "TransactItems": [
                        {"Delete": {"TableName": table, "Key": {"pk": {"S": "x"}}}}
                        for table in ("drcore-probe-1-table", "SyncWellMetadata")
                    ]
                },
            ),
        ):
            with pytest.raises(RuntimeError, match="changes nothing but its own"):
                aws.call(service, "us-east-1", operation, **parameters)
    assert not [call for call in gate.made if call.write]


class Killed(BaseException):
    """Nothing handles it, as nothing handles a SIGKILL."""


def killed(probing: Probing, at: int) -> AccountProbe:
    """A probe that ends without a further call right after its write number `at`."""
    probe = probing([STOP])
    gate, made, writes = probe.session.gate, probe.session.gate.note, [0]

    def note(call: Call, answer: str, request_id: str = "") -> None:
        made(call, answer, request_id)
        writes[0] += call.write
        if writes[0] == at:
            probe.session.aws.session.events.register("before-send.*", stop)
            probe.session.aws._clients.clear()
            raise Killed

    def stop(**_: object) -> None:
        raise Killed

    gate.note = note  # type: ignore[method-assign]  # what is noted is the moment after a call
    with pytest.raises(Killed):
        probe.ask(chosen([STOP], ""))
    probe.session.record.close()
    return probe


@pytest.mark.parametrize("at", [1, 5, 10])
def test_killed_after_any_write_what_it_made_is_found_and_removed(world: InProcess, probing: Probing, at: int) -> None:
    before = services_own(world)
    folder = killed(probing, at).folder
    left = own(world)
    named = {line["name"] for line in read_events(folder) if line["event"] == Kind.MAKING}
    assert left and {each.rpartition("/")[2] for each in left} <= named, "its journal names all that it made"

    refused = probing().clean()
    assert refused.exit is Exit.REFUSED and own(world) == left
    cleaned = probing([CLEAN]).clean()
    assert cleaned.exit is Exit.REACHED and len(cleaned.removed) == len(left)
    assert own(world) == [] and services_own(world) == before
    assert probing([CLEAN]).clean().removed == ()


def test_what_cannot_be_removed_is_named_and_exit_5(world: InProcess, probing: Probing) -> None:
    options = {"service": "sqs", "operation": "DeleteQueue"}
    world.request("POST", "/_sandbox/faults", {"name": "access-denied", "options": options})
    probed = probing(["short-poll"]).ask(chosen(["short-poll"], ""))
    assert probed.exit is Exit.ROLLBACK_FAILED
    (left,) = probed.left
    assert "queue drcore-probe-" in left and "AccessDenied" in left
    world.request("DELETE", "/_sandbox/faults")
    assert probing([CLEAN]).clean().exit is Exit.REACHED


@pytest.mark.parametrize("question", QUESTIONS, ids=ALL)
def test_a_question_says_what_it_does_and_where_the_code_leans(question: AwsQuestion) -> None:
    assert question.leans and all((HOME / each).is_file() for each in question.leans)
    assert question.asks.endswith(("?", ".")) and question.source
    assert (question.undo != "nothing to undo") == question.writes


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("{", "expected a file of answers"),
        ('{"format": 2, "answers": {}}', "expected answers of format 1"),
        ('{"format": 1}', "expected answers of format 1"),
    ],
)
def test_a_file_that_holds_no_answers_is_refused(tmp_path: Path, document: str, why: str) -> None:
    (tmp_path / "answers.json").write_text(document)
    with pytest.raises(UnknownBehaviour, match=why):
        read_answers(tmp_path / "answers.json")


@pytest.mark.parametrize(
    "answers",
    [{RESERVED: "maybe"}, {POLICY: "long"}, {POLICY: -1}, {"missing-table": "answered"}, {"missing-table": "no code"}],
)
def test_an_answer_that_the_sandbox_cannot_behave_like_is_refused(world: InProcess, answers: dict[str, Any]) -> None:
    with pytest.raises(UnknownBehaviour, match=r"answers\.[\w-]+: expected"):
        world.world.state(Behaviours).take(answers)


def test_the_sandbox_behaves_by_the_keys_of_questions() -> None:
    assert {*KNOWN, *ERRORS, *NOT_EMULATED} == set(ALL)
    page = (HOME / "docs" / "aws.md").read_text()
    assert all(f"| `{key}` |" in page for key in NOT_EMULATED), "docs/aws.md says why of those that change nothing"
    for question in QUESTIONS:
        known = KNOWN.get(question.key)
        if known:  # what the sandbox shows now and then is all assumed
            shown = known.words[1:] if known.assumed == "either" else (known.assumed,)
            assert all(map(question.assumed.agrees, shown))
