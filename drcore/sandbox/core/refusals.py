"""How a service says that the caller may not do what it asks."""

from collections.abc import Mapping

from drcore.sandbox.core.registry import AwsCall, AwsError, HttpCall

_CODES: Mapping[str, str] = {"sns": "AuthorizationError"} | dict.fromkeys(
    ("s3", "sts", "iam", "cloudwatch", "sqs", "route53"), "AccessDenied"
)


def refusal(call: AwsCall | HttpCall, message: str) -> AwsError:
    """The error of a call that is not allowed; to be raised."""
    return AwsError(_CODES.get(call.service, "AccessDeniedException"), message, 403)
