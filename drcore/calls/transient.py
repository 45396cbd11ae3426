"""Which refusals pass: those of a service that is busy, by its own word with something else, or with too many calls.

Nothing was done by such a call. Codes of throttling are known by their names, in all services. All others are listed
here, by service: a code that is not listed is a refusal that stays. `tests/calls/test_models.py` has every error that
botocore's models declare for the writes that are made, and holds this table to it.
"""

from __future__ import annotations

import re

_THROTTLED = re.compile(
    r"Throttl|^TooManyRequests|^RequestLimitExceeded$|^SlowDown$|^BandwidthLimitExceeded$|ThroughputExceeded"
    r"|^RequestTimeout(Exception)?$"  # S3 has not got all of the body
)
_TOO_MANY_REQUESTS = 429

# By boto3's name of the service. The words in quotes are those of the model's documentation.
_BUSY: dict[str, frozenset[str]] = {
    "apigateway": frozenset(
        {
            "ConflictException",  # another change of the API is under way; a patch that is wrong is BadRequest
            "LimitExceededException",  # "the request exceeded the rate limit": not a quota here
        }
    ),
    "appconfig": frozenset({"ConflictException"}),  # "conflict in the current state": another deployment runs
    "application-autoscaling": frozenset({"ConcurrentUpdateException"}),  # "already has a pending update"
    "dynamodb": frozenset(
        {
            "ContinuousBackupsUnavailableException",  # "being enabled. Please retry later", right after a restore
            "ExportConflictException",  # "a conflict when writing to the specified S3 bucket"
            "LimitExceededException",  # "up to 500 simultaneous table operations", or exports at once
            "ReplicatedWriteConflictException",  # "being modified by a request in another Region"
            "ResourceInUseException",  # "already being updated. Wait for the ongoing update, attempt again"
            "TableInUseException",  # "either being created or deleted"
            "TransactionConflictException",
            "TransactionInProgressException",
        }
    ),
    "events": frozenset({"ConcurrentModificationException"}),
    "iam": frozenset({"ConcurrentModification"}),
    "lambda": frozenset(
        {
            "ResourceConflictException",  # "another operation is in progress"; or it exists, where one is created
            "ResourceInUseException",  # an event source mapping that is being created or updated
        }
    ),
    "logs": frozenset({"LimitExceededException"}),  # as many queries as may run at once; StartQuery is all that has it
    "route53": frozenset({"PriorRequestNotComplete"}),
    "route53-recovery-cluster": frozenset(
        {
            "ConflictException",  # "Try again."
            "EndpointTemporarilyUnavailableException",  # "Try another cluster endpoint": the look finds one
        }
    ),
    "sqs": frozenset({"QueueDeletedRecently"}),  # "wait 60 seconds after deleting a queue"
    # Not in S3's model; S3 API reference, "Error responses" and "Conditional writes".
    "s3": frozenset({"ConditionalRequestConflict", "OperationAborted"}),
}

# Refusals that share a code with others; their messages tell them apart, for want of anything better.
_BUSY_MESSAGES = {
    # Not in the model; DynamoDB says so after a second change within an hour.
    ("dynamodb", "ValidationException"): re.compile("modified multiple times within a fixed interval", re.I),
    # SageMaker has one code for all that it does not accept; so it says that an update is under way.
    ("sagemaker", "ValidationException"): re.compile("Cannot update in-progress", re.I),
}
_STAYING_MESSAGES = {
    # The quota of tables has the code of too many operations at once (from memory of its message).
    ("dynamodb", "LimitExceededException"): re.compile(r"limit of \d+ tables", re.I),
    # A safety rule refuses for as long as the other controls stand as they do.
    ("route53-recovery-cluster", "ConflictException"): re.compile("safety rule|assertion rule|gating rule", re.I),
}

# What a transaction says of each of its items when it is cancelled.
_PASSING_REASONS = re.compile("TransactionConflict|ThrottlingError|ProvisionedThroughputExceeded")


def passes(service: str, code: str, message: str = "", status: int = 0) -> bool:
    """Whether a refusal is one to come back after, by the service's error code, its message, its HTTP status."""
    staying = _STAYING_MESSAGES.get((service, code))
    if staying and staying.search(message):
        return False
    passing = _BUSY_MESSAGES.get((service, code))
    if passing and passing.search(message):
        return True
    return status == _TOO_MANY_REQUESTS or bool(_THROTTLED.search(code)) or code in _BUSY.get(service, ())


def passes_for_a_reason(message: str) -> bool:
    """Whether a transaction was cancelled because somebody else was at work on its items, or too many were."""
    return bool(_PASSING_REASONS.search(message))
