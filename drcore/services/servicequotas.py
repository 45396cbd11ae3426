"""Service Quotas: a quota as it stands, with the requests for more of it."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.calls.aws import Aws
from drcore.errors import Rejected

OPEN = ("PENDING", "CASE_OPENED")
"""AWS, or in a case a person there, has not decided yet."""
REFUSED = ("DENIED", "NOT_APPROVED", "INVALID_REQUEST", "CASE_CLOSED")


@dataclass(frozen=True, slots=True)
class ServiceQuota:
    """A quota: what it allows now; the newest request for more, with its status (empty: nobody has asked)."""

    value: float
    asked: float = 0
    status: str = ""


def quota(aws: Aws, region: str, service: str, code: str) -> ServiceQuota:
    """A quota as it stands. Raises Rejected when there is no such one, Unknown."""
    asked = {"ServiceCode": service, "QuotaCode": code}
    try:
        answer = aws.call("service-quotas", region, "get_service_quota", **asked)
    except Rejected as error:
        if error.code != "NoSuchResourceException":
            raise  # one that was never changed may have its default alone
        answer = aws.call("service-quotas", region, "get_aws_default_service_quota", **asked)
    requests = aws.pages(
        "service-quotas",
        region,
        "list_requested_service_quota_change_history_by_quota",
        "RequestedQuotas",
        **asked,
    )
    newest = max(requests, key=lambda request: request["Created"], default=None)
    value = float(answer["Quota"]["Value"])
    return ServiceQuota(value, float(newest["DesiredValue"]), newest["Status"]) if newest else ServiceQuota(value)


def ask_for(aws: Aws, region: str, service: str, code: str, wanted: float) -> None:
    """Ask for a higher quota. It cannot be taken back. Raises Rejected, also while a request is open; Unknown."""
    aws.call(
        "service-quotas",
        region,
        "request_service_quota_increase",
        ServiceCode=service,
        QuotaCode=code,
        DesiredValue=wanted,
    )
