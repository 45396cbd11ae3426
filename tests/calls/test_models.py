"""What botocore's models say of the operations that drcore calls has been looked at, member by member."""

from __future__ import annotations

from typing import Any

import botocore
import pytest
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from drcore.calls.transient import passes
from tests.support import models

NOW, REVIEWED = models.now(), models.reviewed()["operations"]
# That of botocore's own list which is not the same thing in all services.
BY_SERVICE = {"LimitExceededException", "PriorRequestNotComplete", "TransactionInProgressException"}


@pytest.mark.parametrize("operation", NOW)
def test_what_is_new_in_a_model_should_have_been_looked_at(operation: str) -> None:
    """Also by a newer botocore than the one that is installed here: `make proof` has the newest."""
    known, say = REVIEWED.get(operation), "look at it, then: python -m tests.support.models"
    assert known, f"{operation} is called and not in {models.REVIEWED.name}; {say}"
    for part in ("input", "output", "errors"):
        assert set(NOW[operation][part]) - set(known[part]) == set(), f"{operation} has more {part}; {say}"
    if botocore.__version__ == models.reviewed()["botocore"]:
        assert NOW[operation] == known, say


def test_what_is_called_no_more_should_be_in_the_list_no_more() -> None:
    assert set(REVIEWED) - set(NOW) == set()


@pytest.mark.parametrize("operation", REVIEWED)
def test_an_error_should_pass_where_the_list_says_so(operation: str) -> None:
    service = operation.partition(":")[0]
    for code, meaning in REVIEWED[operation]["errors"].items():
        assert passes(service, code) is (meaning == models.PASSES), code


def test_what_botocore_takes_for_throttling_should_pass_in_every_service() -> None:
    theirs: Any = (ThrottledRetryableChecker, TransientRetryableChecker)
    codes = {*theirs[0]._THROTTLED_ERROR_CODES, *theirs[1]._TRANSIENT_ERROR_CODES}
    assert {code for code in codes if not passes("any", code)} == BY_SERVICE


@pytest.mark.parametrize(
    ("service", "code", "message", "expected"),
    [
        ("route53-recovery-cluster", "ConflictException", "The assertion rule arn:… was not met", False),
        ("route53-recovery-cluster", "ConflictException", "There was a conflict with this request", True),
        ("dynamodb", "LimitExceededException", "Subscriber limit exceeded: There is a limit of 256 tables", False),
        ("dynamodb", "LimitExceededException", "Only 50 tables can be created, updated, or deleted at once", True),
        (
            "dynamodb",
            "ValidationException",
            "Time to live has been modified multiple times within a fixed interval",
            True,
        ),
        ("dynamodb", "ValidationException", "One or more parameter values were invalid", False),
        ("application-autoscaling", "LimitExceededException", "", False),
        ("sagemaker", "ValidationException", 'Cannot update in-progress endpoint "arn:…"', True),
        ("sagemaker", "ValidationException", 'Could not find endpoint "arn:…"', False),
        ("cloudwatch", "LimitExceeded", "The quota for alarms for this customer has been reached", False),
        ("lambda", "PreconditionFailedException", "The RevisionId provided does not match", False),
    ],
)
def test_a_code_that_means_two_things_should_be_told_apart(
    service: str, code: str, message: str, expected: bool
) -> None:
    assert passes(service, code, message, 400) is expected


def test_what_is_answered_with_429_should_pass_whatever_its_code() -> None:
    assert passes("any", "AnyException", status=429) and not passes("any", "AnyException", status=400)
