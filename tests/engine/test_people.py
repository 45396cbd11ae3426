"""Who somebody is, by what AWS says of their keys: that signs a decision, not the login of a machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from drcore.engine.consent import Consent
from drcore.engine.people import person_of, same
from drcore.record.events import Kind
from drcore.run.runbook import Runbook
from tests.support.engine_world import Things, mend

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("arn", "name", "role"),
    [
        (f"arn:aws:iam::{ACCOUNT}:user/on-call/alice", "alice", ""),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Ops_1f/alice@x.example", "alice@x.example", "AWSRes"),
        (f"arn:aws-cn:sts::{ACCOUNT}:assumed-role/ops/bob", "bob", "ops"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/bob", "bob", ""),
        (f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root", ""),
        ("", "", ""),
    ],
)
def test_a_person_should_be_told_by_the_arn(arn: str, name: str, role: str) -> None:
    found = person_of(arn)
    assert (found.name, found.arn) == (name, arn)
    assert found.role.startswith(role) and bool(found.role) is bool(role)


def test_names_should_be_compared_as_people_are() -> None:
    assert same("Alice@x.example", "alice") and not same("alice", "alicia")


def test_a_decision_should_be_signed_by_whom_aws_knows_and_the_login_only_be_noted(
    opened: Callable[..., Runbook],
) -> None:
    step = mend(Things(), consent=Consent.GO)
    run = opened(step, keyboard=lambda prompt: "go", drill_policy=None)
    run.step(step)
    (ready,), (asked,) = run.run.history.lines(Kind.READY), run.run.history.lines(Kind.CONSENT, step=step)
    assert asked["by"] == ready["by"] == person_of(ready["arn"]).name
    assert ready["arn"].startswith(f"arn:aws:iam::{ACCOUNT}:") and ready["login"] == run.run.login
