"""Under whose keys a role is taken on, and where they are had."""

from __future__ import annotations

import pytest

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Waiver
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess

EAST, WEST = "us-east-1", "us-west-2"
ROLE = "arn:aws:iam::123456789012:role/"
RUNNER, WORKER = f"{ROLE}syncwell-recovery", f"{ROLE}syncwell-worker"
KEY = {"TableName": "SyncWellMetadata", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}


@pytest.fixture(scope="module")
def company() -> InProcess:
    """SyncWell's account: an operator who may only take on the runner's role, which the writers' roles trust."""
    return InProcess(7, users=20)


def signed(company: InProcess, calls: CallGate, role: str | None) -> Aws:
    aws = Aws(calls, endpoint=ENDPOINT, role=role, run_id="t-1")
    company.attach(aws.session)
    return aws


def assumed(calls: CallGate) -> list[str]:
    return [call.region for call in calls.made if call.operation == "AssumeRole"]


def test_a_role_of_the_service_should_be_taken_on_from_the_runners_role(company: InProcess, calls: CallGate) -> None:
    """Its trust policy names the runner's role, and no person."""
    worker = signed(company, calls, RUNNER).as_role(WORKER)
    who = worker.call("sts", EAST, "get_caller_identity")["Arn"]
    assert who == "arn:aws:sts::123456789012:assumed-role/syncwell-worker/t-1"
    with pytest.raises(Rejected, match="AccessDenied") as refused:
        signed(company, calls, None).as_role(WORKER).call("dynamodb", EAST, "get_item", **KEY)
    assert "user/operator is not authorized to perform: sts:AssumeRole" in str(refused.value)


def test_keys_should_be_had_in_the_region_of_the_call(company: InProcess, calls: CallGate) -> None:
    aws = signed(company, calls, RUNNER)
    for region in (EAST, WEST, EAST):
        aws.call("dynamodb", region, "get_item", **KEY)
    assert assumed(calls) == [EAST, WEST]


def test_no_keys_should_be_asked_of_a_region_that_has_failed(company: InProcess, calls: CallGate) -> None:
    """What must be called there all the same is called with the keys of another region."""
    aws = signed(company, calls, RUNNER)
    aws.call("dynamodb", WEST, "get_item", **KEY)
    calls.failed_region = EAST
    with calls.under(Waiver("to see whether it is back")):
        aws.call("dynamodb", EAST, "get_item", **KEY)
    assert assumed(calls) == [WEST]


ELSEWHERE, TOKENS = "arn:aws:iam::210987654321:role/syncwell-oauth-sweep", "syncwell/oauth/"
NAMED = [{"Key": "name", "Values": [TOKENS]}]


def test_a_role_of_another_account_should_see_and_write_that_account_alone(company: InProcess, calls: CallGate) -> None:
    """It is taken on once, by the external id that its trust policy asks for; the list of calls names it."""
    runner = signed(company, calls, RUNNER)
    there = runner.in_account(ELSEWHERE, "syncwell-recovery")
    assert runner.in_account(ELSEWHERE, "syncwell-recovery") is there
    who = there.call("sts", EAST, "get_caller_identity")
    assert who["Account"] == "210987654321" and who["Arn"].endswith("assumed-role/syncwell-oauth-sweep/t-1")
    copies = there.call("secretsmanager", EAST, "list_secrets", Filters=NAMED)["SecretList"]
    own = runner.call("secretsmanager", EAST, "list_secrets", Filters=NAMED)["SecretList"]
    assert 0 < len(copies) <= len(own) and {each["ARN"].split(":")[4] for each in copies} == {"210987654321"}
    assert not {each["ARN"] for each in copies} & {each["ARN"] for each in own}
    by_role = {call.role for call in calls.made if call.service == "secretsmanager"}
    assert by_role == {ELSEWHERE, ""} and calls.made[-2].command.endswith(f"# as {ELSEWHERE}")
    for region, secret in ((EAST, own[0]["ARN"]), (WEST, copies[0]["Name"])):
        with pytest.raises(Rejected, match="AccessDenied"):
            there.call("secretsmanager", region, "describe_secret", SecretId=secret)
    with pytest.raises(Rejected, match="AccessDenied"):  # nobody reads the value of a token
        there.call("secretsmanager", EAST, "get_secret_value", SecretId=copies[0]["Name"])
    assert assumed(calls) == [EAST, EAST, WEST, WEST], "each of the two once in a region"


@pytest.mark.parametrize(
    ("role", "external_id", "by"),
    [
        (ELSEWHERE, "", RUNNER),
        (ELSEWHERE, "somebody-else", RUNNER),
        (ELSEWHERE, "syncwell-recovery", WORKER),
        (ELSEWHERE, "syncwell-recovery", None),
        (f"{ELSEWHERE}-not-there", "syncwell-recovery", RUNNER),
    ],
    ids=["without the id", "another id", "another role", "a person", "no such role"],
)
def test_a_role_of_another_account_should_be_refused_where_either_side_does_not_allow_it(
    company: InProcess, calls: CallGate, role: str, external_id: str, by: str | None
) -> None:
    first = signed(company, calls, RUNNER).as_role(WORKER) if by == WORKER else signed(company, calls, by)
    with pytest.raises(Rejected, match="AccessDenied"):
        first.in_account(role, external_id).call("secretsmanager", EAST, "list_secrets")
