"""A table's policy: written whole, only over the one that was seen; what others have put into it stays."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.services.dynamodb import policies
from drcore.services.dynamodb.policies import TablePolicy, statement
from tests.support.service_calls import ACCOUNT, EAST, TABLE_ARN


def deny(sid: str, *roles: str) -> str:
    arns = [f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in roles]
    written: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": {"AWS": arns},
        "Action": ["dynamodb:PutItem"],
        "Resource": TABLE_ARN,
    }
    return statement(written)


def test_a_policy_is_made_changed_and_taken_away_each_only_as_it_was_seen(aws: Aws) -> None:
    none = policies.policy(aws, EAST, TABLE_ARN)
    assert none == TablePolicy() and not none.revision
    policies.put(aws, EAST, TABLE_ARN, [deny("ours", "syncwell-batch")], none)
    with pytest.raises(Rejected, match="PolicyNotFoundException"):
        policies.put(aws, EAST, TABLE_ARN, [deny("theirs", "syncwell-batch")], none)

    first = policies.policy(aws, EAST, TABLE_ARN)
    policies.put(aws, EAST, TABLE_ARN, [*first.statements, deny("more", "syncwell-worker")], first)
    with pytest.raises(Rejected, match="PolicyNotFoundException"):
        policies.put(aws, EAST, TABLE_ARN, [], first)
    second = policies.policy(aws, EAST, TABLE_ARN)
    assert set(second.statements) == {deny("ours", "syncwell-batch"), deny("more", "syncwell-worker")}
    policies.put(aws, EAST, TABLE_ARN, [], second)
    assert policies.policy(aws, EAST, TABLE_ARN) == TablePolicy()


def test_a_statement_is_equal_to_the_one_that_aws_gives_back(aws: Aws) -> None:
    """A list of one comes back as its member."""
    ours = deny("ours", "syncwell-batch")
    policies.put(aws, EAST, TABLE_ARN, [ours], policies.policy(aws, EAST, TABLE_ARN))
    found = policies.policy(aws, EAST, TABLE_ARN)
    assert found.statements == (ours,)
    policies.put(aws, EAST, TABLE_ARN, [], found)


def test_the_order_of_names_and_a_list_of_one_make_no_difference() -> None:
    one = {"Effect": "Deny", "Sid": "a", "Principal": {"AWS": "x"}, "Action": "dynamodb:PutItem", "Resource": ["r"]}
    two = {"Sid": "a", "Effect": "Deny", "Principal": {"AWS": ["x"]}, "Action": ["dynamodb:PutItem"], "Resource": "r"}
    assert statement(one) == statement(two)
    everyone = {"Sid": "a", "Effect": "Deny", "Principal": "*", "Action": ["b", "a"], "Resource": "r"}
    assert statement(everyone) == statement(everyone | {"Action": ["a", "b"]})


def test_ours_is_taken_back_and_what_others_have_added_meanwhile_stays() -> None:
    before = TablePolicy((deny("old", "a"),))
    now = TablePolicy((deny("old", "a", "b"), deny("new", "c")))
    assert now.without("old") == (deny("new", "c"),)
    assert now.with_that_of(before, "old") == (deny("new", "c"), deny("old", "a"))
