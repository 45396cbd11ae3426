"""AWS's documented order of evaluation, case by case (IAM User Guide, "Policy evaluation logic")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drcore.sandbox.identity.evaluation import Evaluation, Policies, Ruling, decide
from drcore.sandbox.identity.patterns import MalformedPolicy
from drcore.sandbox.identity.policy import PolicyDocument, Principal, read

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/runner"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/runner/night"
ANN, RUNNER = Principal(USER, USER, ACCOUNT), Principal(SESSION, ROLE, ACCOUNT)
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/T"
YES, NO, NOTHING = Ruling.ALLOWED, Ruling.EXPLICIT_DENY, Ruling.IMPLICIT_DENY


def statement(effect: str = "Allow", action: Any = "dynamodb:PutItem", **more: Any) -> dict[str, Any]:
    named = {} if "NotAction" in more else {"Action": action}
    placed = {} if "NotResource" in more or "Principal" in more or "NotPrincipal" in more else {"Resource": "*"}
    return {"Effect": effect, **named, **placed, **more}


def document(*statements: dict[str, Any]) -> PolicyDocument:
    return read("p", json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def given(
    *,
    identity: PolicyDocument | None = None,
    session: PolicyDocument | None = None,
    boundary: PolicyDocument | None = None,
    resource: PolicyDocument | None = None,
    trust: bool = False,
) -> Policies:
    return Policies(
        identity=(identity,) if identity else (),
        session=(session,) if session else None,
        boundary=(boundary,) if boundary else None,
        resource=resource,
        trust=trust,
    )


def asked(who: Principal, policies: Policies, action: str = "dynamodb:PutItem", **context: str) -> Evaluation:
    values = {"aws:principalarn": (who.entity,)} | {
        key.replace("__", ":"): tuple(value.split("|")) for key, value in context.items()
    }
    return decide(who, action, TABLE, values, policies)


ALLOW, DENY = document(statement()), document(statement("Deny"))


def grant(*arns: str, effect: str = "Allow") -> PolicyDocument:
    return document(statement(effect, Principal={"AWS": list(arns)}, Resource=TABLE))


@pytest.mark.parametrize(
    ("policies", "of_ann", "of_runner"),
    [
        pytest.param(Policies(), NOTHING, NOTHING, id="nothing is said"),
        pytest.param(given(identity=ALLOW), YES, YES, id="allowed by identity"),
        pytest.param(Policies(identity=(ALLOW, DENY)), NO, NO, id="a deny beside an allow"),
        pytest.param(given(identity=ALLOW, resource=grant("*", effect="Deny")), NO, NO, id="denied by the resource"),
        pytest.param(given(identity=ALLOW, resource=grant(ROLE, effect="Deny")), YES, NO, id="the role is denied"),
        pytest.param(given(identity=ALLOW, resource=grant(ROOT, effect="Deny")), NO, NO, id="the account is denied"),
        # Within an account a grant of the resource is enough for whom it names.
        pytest.param(given(resource=grant(USER)), YES, NOTHING, id="granted to the user"),
        pytest.param(given(resource=grant(ROLE)), NOTHING, YES, id="granted to the role"),
        pytest.param(given(resource=grant(SESSION)), NOTHING, YES, id="granted to the session"),
        pytest.param(given(resource=grant("*")), YES, YES, id="granted to everybody"),
        pytest.param(given(resource=grant(ROOT)), NOTHING, NOTHING, id="granted to the account: a policy must, too"),
        pytest.param(given(resource=grant(ACCOUNT), identity=ALLOW), YES, YES, id="the account and a policy"),
        # Limits allow nothing by themselves.
        pytest.param(given(session=ALLOW), NOTHING, NOTHING, id="a session policy alone"),
        pytest.param(given(session=ALLOW, identity=ALLOW), YES, YES, id="both"),
        pytest.param(given(session=document(), identity=ALLOW), NOTHING, NOTHING, id="not in the session policy"),
        pytest.param(given(boundary=document(), identity=ALLOW), NOTHING, NOTHING, id="not within the boundary"),
        pytest.param(given(boundary=DENY, identity=ALLOW), NO, NO, id="denied by the boundary"),
        # A grant to a user or to a session is not limited, one to a role or to everybody is.
        pytest.param(given(boundary=document(), resource=grant(USER)), YES, NOTHING, id="boundary, granted to user"),
        pytest.param(given(boundary=document(), resource=grant(ROLE)), NOTHING, NOTHING, id="boundary, to the role"),
        pytest.param(given(session=document(), resource=grant(SESSION)), NOTHING, YES, id="session, to the session"),
        pytest.param(given(session=document(), resource=grant("*")), NOTHING, NOTHING, id="session, to everybody"),
        # A role is taken on only by whom its trust policy names.
        pytest.param(given(identity=ALLOW, trust=True), NOTHING, NOTHING, id="no trust"),
        pytest.param(given(resource=grant(ROLE), trust=True), NOTHING, YES, id="trusted by name"),
        pytest.param(given(resource=grant(ROOT), trust=True), NOTHING, NOTHING, id="the account is trusted"),
        pytest.param(given(resource=grant(ROOT), identity=ALLOW, trust=True), YES, YES, id="and a policy lets them"),
    ],
)
def test_the_order_of_evaluation(policies: Policies, of_ann: Ruling, of_runner: Ruling) -> None:
    assert (asked(ANN, policies).ruling, asked(RUNNER, policies).ruling) == (of_ann, of_runner)


def test_the_root_user_is_bound_by_a_deny_of_the_resource_only() -> None:
    root = Principal(ROOT, ROOT, ACCOUNT)
    assert asked(root, Policies()).ruling is YES
    assert asked(root, given(identity=DENY)).ruling is YES
    assert asked(root, given(resource=grant("*", effect="Deny"))).ruling is NO


def test_whoever_is_not_excepted_with_his_account_is_denied() -> None:
    def denied(*excepted: str) -> PolicyDocument:
        return document(statement("Deny", NotPrincipal={"AWS": list(excepted)}, Resource=TABLE))

    assert asked(RUNNER, given(identity=ALLOW, resource=denied(ROLE, ROOT))).ruling is YES
    assert asked(RUNNER, given(identity=ALLOW, resource=denied(ROLE))).ruling is NO
    assert asked(ANN, given(identity=ALLOW, resource=denied(ROLE, ROOT))).ruling is NO


@pytest.mark.parametrize(
    ("said", "covers"),
    [
        (statement(action="dynamodb:putitem"), True),
        (statement(action=["s3:*", "dynamodb:Put*"]), True),
        (statement(action="dynamodb:Put?tem"), True),
        (statement(action="*"), True),
        (statement(action="*:PutItem"), True),
        (statement(action="dynamodb:Get*"), False),
        (statement(NotAction="dynamodb:Get*"), True),
        (statement(NotAction=["dynamodb:Put*", "s3:*"]), False),
        (statement(Resource=TABLE), True),
        (statement(Resource=f"{TABLE}/*"), False),
        (statement(Resource="arn:aws:dynamodb:*:123456789012:table/*"), True),
        (statement(Resource="arn:aws:dynamodb:us-*-1:123456789012:table/?"), True),
        (statement(Resource="arn:aws:dynamodb:us-*"), True),  # at the end of a part `*` goes on
        (statement(Resource="arn:aws:d*b:table/T"), False),  # within a part it does not
        (statement(NotResource="arn:aws:dynamodb:*:*:table/Other"), True),
        (statement(NotResource=[TABLE]), False),
        (statement(Resource="arn:aws:dynamodb:us-east-1:${aws:PrincipalAccount}:table/T"), True),
        (statement(Resource="arn:aws:dynamodb:us-east-1:123456789012:table/${aws:username}"), False),
        (statement(Resource="arn:aws:dynamodb:us-east-1:123456789012:table/${aws:username, 'T'}"), True),
        (statement(Resource="arn:aws:dynamodb:us-east-1:123456789012:table/${*}"), False),  # a star, no wildcard
    ],
)
def test_what_a_statement_covers(said: dict[str, Any], covers: bool) -> None:
    decided = asked(ANN, given(identity=document(said)), aws__principalaccount=ACCOUNT)
    assert decided.allowed is covers


@pytest.mark.parametrize(
    ("operator", "key", "values", "seen", "holds"),
    [
        ("StringEquals", "aws:username", ["bob", "ann"], "ann", True),
        ("StringEquals", "AWS:UserName", "ann", "ann", True),
        ("StringEquals", "aws:username", "Ann", "ann", False),
        ("StringEqualsIgnoreCase", "aws:username", "Ann", "ann", True),
        ("StringNotEquals", "aws:username", ["bob", "ann"], "ann", False),
        ("StringNotEquals", "aws:username", "ann", None, True),  # a negated operator holds for what is not there
        ("StringEquals", "aws:username", "ann", None, False),
        ("StringEqualsIfExists", "aws:username", "bob", None, True),
        ("StringLike", "aws:username", "a*", "ann", True),
        ("StringLike", "aws:username", "a?", "ann", False),
        ("StringNotLike", "aws:username", "a*", "ann", False),
        ("StringEquals", "aws:username", "${aws:username}", "ann", True),
        ("ArnLike", "aws:sourcearn", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", True),
        ("ArnEquals", "aws:sourcearn", "arn:aws:s3:*:*:b*", "arn:aws:s3:::bucket", True),
        ("ArnNotLike", "aws:sourcearn", "arn:aws:s3:::b*", "arn:aws:s3:::bucket", False),
        ("ArnLike", "aws:sourcearn", "arn:aws:*", "arn:aws:s3:::bucket", False),  # part by part
        ("Bool", "aws:securetransport", True, "true", True),
        ("Bool", "aws:securetransport", "false", "true", False),
        ("Null", "aws:tokenissuetime", "true", None, True),
        ("Null", "aws:tokenissuetime", False, None, False),
        ("NumericLessThan", "s3:max-keys", 10, "9", True),
        ("NumericGreaterThanEquals", "s3:max-keys", "10", "9", False),
        ("NumericEquals", "s3:max-keys", "10", "ten", False),
        ("DateLessThan", "aws:currenttime", "2026-01-05T10:00:00Z", "2026-01-05T09:59:59Z", True),
        ("DateGreaterThan", "aws:epochtime", "1767606000", "1767605999", False),
        ("IpAddress", "aws:sourceip", "198.51.100.0/24", "198.51.100.7", True),
        ("NotIpAddress", "aws:sourceip", "198.51.100.0/24", "198.51.100.7", False),
        ("ForAllValues:StringEquals", "dynamodb:attributes", ["a", "b"], "a|b", True),
        ("ForAllValues:StringEquals", "dynamodb:attributes", ["a"], "a|b", False),
        ("ForAllValues:StringEquals", "dynamodb:attributes", ["a"], None, True),
        ("ForAnyValue:StringEquals", "dynamodb:attributes", ["b"], "a|b", True),
        ("ForAnyValue:StringEquals", "dynamodb:attributes", ["b"], None, False),
    ],
)
def test_a_condition(operator: str, key: str, values: Any, seen: str | None, holds: bool) -> None:
    only = document(statement(Condition={operator: {key: values}}))
    context = {} if seen is None else {key.lower().replace(":", "__"): seen}
    assert asked(ANN, given(identity=only), **context).allowed is holds


def test_all_conditions_of_a_statement_must_hold() -> None:
    both = {"StringEquals": {"aws:username": "ann"}, "Bool": {"aws:securetransport": "true"}}
    only = given(identity=document(statement(Condition=both)))
    assert asked(ANN, only, aws__username="ann", aws__securetransport="true").allowed
    assert not asked(ANN, only, aws__username="ann", aws__securetransport="false").allowed


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"Statement": [statement("Perhaps")]}),
        json.dumps({"Statement": [{"Effect": "Allow", "Resource": "*"}]}),
        json.dumps({"Statement": [statement(Condition={"StringResembles": {"aws:username": "a"}})]}),
        json.dumps({"Statement": [statement(Resources="*")]}),
    ],
)
def test_what_iam_would_not_take_is_refused(text: str) -> None:
    with pytest.raises(MalformedPolicy):
        read("p", text)
