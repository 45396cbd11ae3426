"""What is asked before anything is touched: no answer is never a yes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from drcore import plans
from drcore.engine.outcome import Answer, Check, yes
from drcore.engine.preflight import checked, elsewhere, findings
from drcore.errors import BadInput, DrcoreError, Rejected, Unknown
from tests.support.engine_world import Opened, Things, mend
from tests.support.stage import lines


def _look(region: str, *, trouble: DrcoreError | None = None) -> Check:
    if trouble:
        raise trouble
    return yes(f"{region} answers")


def test_what_a_look_finds_should_be_the_finding() -> None:
    assert checked(_look, "us-east-1") == yes("us-east-1 answers")


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        (Rejected("no such bucket", "NoSuchBucket"), Answer.NO),
        (Unknown("no answer within 5 s"), Answer.UNKNOWN),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_refusal_should_be_a_no_and_silence_be_unknown(trouble: DrcoreError, answer: Answer) -> None:
    assert checked(_look, "us-east-1", trouble=trouble) == Check(answer, str(trouble))


def test_what_is_wrong_with_the_parameters_should_not_be_taken_for_a_finding() -> None:
    with pytest.raises(BadInput):
        checked(_look, "us-east-1", trouble=BadInput("f.yaml: functions: expected a list"))


@pytest.mark.parametrize("plan", plans.ids())
def test_whoever_is_to_run_it_elsewhere_should_be_told_what_the_plan_takes(plan: str) -> None:
    incident = plans.find(plan).incident
    service = SimpleNamespace(regions=["us-east-1", "us-west-2"], runner_region="us-east-1")
    run: Any = SimpleNamespace(service=service, incident=incident.model_construct())
    assert ("-p runner_region=us-west-2" in elsewhere(run)) == ("runner_region" in incident.model_fields)
    assert "us-west-2" in elsewhere(run)


def test_the_key_of_the_status_page_should_be_said_to_be_readable_only_where_it_was_read(opened: Opened) -> None:
    """The account of these tests has none. It stops nobody, as it only tells."""
    run = opened(mend(Things()))
    (secrets,) = [line for line in lines(run, "finding") if line["what"] == "secrets"]
    assert secrets["check"] == Answer.UNKNOWN
    assert "secretsmanager" in secrets["why"]


@pytest.mark.parametrize(
    ("service", "operation", "region", "what"),
    [
        ("sts", "get_caller_identity", "us-east-1", "region us-east-1"),
        ("s3", "head_bucket", "us-west-2", "evidence store"),
        ("s3", "head_bucket", "us-east-2", "witness of the lock"),
    ],
)
def test_what_does_not_answer_should_not_be_said_to_be_there(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, service: str, operation: str, region: str, what: str
) -> None:
    run = opened(mend(Things()))
    answered = run.run.aws.call
    before = {finding.what: finding.check.answer for finding in findings(run.run, run.plan)}

    def silent(of: str, at: str, does: str, **parameters: Any) -> Any:
        if (of, does, at) == (service, operation, region):
            raise Unknown("no answer")
        return answered(of, at, does, **parameters)

    monkeypatch.setattr(run.run.aws, "call", silent)
    known = {finding.what: finding.check.answer for finding in findings(run.run, run.plan)}
    assert known == before | {what: Answer.UNKNOWN}
