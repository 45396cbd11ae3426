"""DynamoDB: several writes that happen together, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drcore.calls.aws import Aws
from drcore.calls.transient import passes_for_a_reason
from drcore.errors import Busy, Rejected

Write = tuple[str, Mapping[str, Any]]  # such as ("Update", {"Key": …})

MOST = 100  # so many writes a transaction may hold
LARGEST = 4_000_000  # bytes of all its items, by AWS's limits
_FOR_GOOD = {"ConditionalCheckFailed", "ItemCollectionSizeLimitExceeded", "ValidationError"}


def write_together(aws: Aws, region: str, writes: Sequence[Write], token: str) -> tuple[int, ...]:
    """All writes, each under its own condition. Returns those that were refused; then nothing was written.

    Refused are those whose condition did not hold, and those that DynamoDB will never take. Where it judges the call as
    a whole it does not say which: it raises Rejected, with the code ValidationException.

    With the same token within ten minutes they are not written twice. Raises Busy where somebody else was writing to
    one of the items, Rejected, Unknown.
    """
    items = [{operation: dict(parameters)} for operation, parameters in writes]
    try:
        aws.call("dynamodb", region, "transact_write_items", TransactItems=items, ClientRequestToken=token)
    except Rejected as error:
        if error.code != "TransactionCanceledException":
            raise
        refused = _refused(str(error))
        if refused:
            return refused
        raise (Busy if passes_for_a_reason(str(error)) else Rejected)(str(error), error.code) from error
    return ()


def _refused(message: str) -> tuple[int, ...]:
    """Which writes were refused for good: the message has a reason for each, `None` for those that were not."""
    reasons = message.rpartition("[")[2].rstrip("] ").split(",")
    return tuple(number for number, reason in enumerate(reasons) if reason.strip() in _FOR_GOOD)
