"""A plan's policy as IAM takes it."""

from __future__ import annotations

import json

from drcore.engine.permissions import LONGEST, managed


def test_a_policy_in_parts_has_all_its_statements_in_their_order_and_none_that_is_too_long() -> None:
    statements = [{"Effect": "Allow", "Action": [f"dynamodb:Get{n}"], "Resource": ["x" * 1000]} for n in range(20)]
    parts = managed({"Version": "2012-10-17", "Statement": statements})
    assert [statement for part in parts for statement in part["Statement"]] == statements
    assert len(parts) > 1
    assert max(len(json.dumps(part, separators=(",", ":"))) for part in parts) <= LONGEST
