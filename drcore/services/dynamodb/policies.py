"""DynamoDB: the resource policy of a table, one region's at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drcore.calls.answer import as_answer
from drcore.calls.aws import Aws
from drcore.errors import Rejected

WRITES = (
    *("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
    *("dynamodb:PartiQLDelete", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"),
)
"""The actions that write items; a transaction is judged by these too."""

VERSION = "2012-10-17"
"""The version of a policy of our own."""
_UNSAID = "2008-10-17"  # what IAM takes a document for that names no version

_NO_POLICY = "NO_POLICY"  # what AWS takes as the revision where there must be none yet


@dataclass(frozen=True, slots=True)
class TablePolicy:
    """The statements of a policy, sorted, each as JSON text in one form; none: there is no policy.

    Their order means nothing to AWS. The revision guards a change. `version` and `id` are the document's own: by the
    version AWS reads variables, or takes them as text.
    """

    statements: tuple[str, ...] = ()
    revision: str = field(default="", compare=False)
    version: str = VERSION
    id: str = ""

    def describe(self) -> Mapping[str, object]:
        """What a card shows: the ids of the statements."""
        return {"policy statements": tuple(json.loads(each).get("Sid") or "without an id" for each in self.statements)}

    def without(self, *sids: str) -> tuple[str, ...]:
        """The statements but those with these ids."""
        return tuple(each for each in self.statements if json.loads(each).get("Sid") not in sids)

    def with_that_of(self, before: TablePolicy, *sids: str) -> tuple[str, ...]:
        """The statements with those of these ids as they were before; what others have added meanwhile stays."""
        theirs = before.without(*sids)
        return (*self.without(*sids), *(each for each in before.statements if each not in theirs))


def statement(written: Mapping[str, Any]) -> str:
    """A statement in the one form that equal statements share: AWS gives a list of one back as its member."""
    return json.dumps(_listed(written), sort_keys=True)


def policy(aws: Aws, region: str, arn: str) -> TablePolicy:
    """Raises Rejected when there is no table, Unknown."""
    try:
        answer = aws.call("dynamodb", region, "get_resource_policy", ResourceArn=arn)
    except Rejected as error:
        if error.code == "PolicyNotFoundException":
            return TablePolicy()
        raise
    document = as_answer(json.loads(answer["Policy"]), f"the policy of {arn}")
    written = document["Statement"]
    statements = written if isinstance(written, list) else [written]
    return TablePolicy(
        tuple(sorted(map(statement, statements))),
        answer.get("RevisionId", ""),
        document.get("Version", _UNSAID),
        document.get("Id", ""),
    )


def put(aws: Aws, region: str, arn: str, statements: Iterable[str], now: TablePolicy) -> None:
    """Write the whole policy, unless somebody else has changed it since `now` was read; no statements: no policy.

    The document keeps the version and the id of `now`.
    """
    written = [json.loads(each) for each in statements]
    if not written:
        guard = {"ExpectedRevisionId": now.revision} if now.revision else {}
        aws.call("dynamodb", region, "delete_resource_policy", ResourceArn=arn, **guard)
        return
    document = {"Version": now.version, "Statement": written} | ({"Id": now.id} if now.id else {})
    aws.call(
        "dynamodb",
        region,
        "put_resource_policy",
        ResourceArn=arn,
        Policy=json.dumps(document, sort_keys=True),
        ExpectedRevisionId=now.revision or _NO_POLICY,
    )


def _listed(value: Any) -> Any:
    """With every text but the first level's as a sorted list of texts."""
    return {
        name: each if name in ("Sid", "Effect") else _members(each) if name != "Principal" else _principals(each)
        for name, each in value.items()
    }


def _principals(value: Any) -> Any:
    return {kind: _members(each) for kind, each in value.items()} if isinstance(value, Mapping) else value


def _members(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    return sorted(value) if isinstance(value, list) else value
