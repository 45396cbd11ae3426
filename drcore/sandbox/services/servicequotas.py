"""Service Quotas: quotas that the company has, requests for more of them.

A request for up to four times of what is there is granted after five minutes; one for more opens a case, which a person
at AWS decides, and here nobody does. Simplified: only quotas that the company uses, no contexts, no templates.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.paging import page
from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World

GRANTED_AFTER = timedelta(minutes=5)
BY_ITSELF = 4
"""So many times as much is granted without a person."""


@dataclass(slots=True)
class QuotaRequest:
    """One request; it is over when it is granted."""

    id: str
    wanted: float
    created: datetime
    status: str
    updated: datetime


@dataclass(slots=True)
class Quota:
    """One quota in one region; `granted` is called when it has become higher."""

    name: str
    value: float
    default: float
    requests: list[QuotaRequest] = field(default_factory=list)
    granted: Callable[[], None] = lambda: None


class ServiceQuotas:
    """The quotas by region, service and code."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.known: dict[tuple[str, str, str], Quota] = {}
        world.on_tick(self.tick)
        world.add_to_dump("quotas", lambda: {"/".join(key): each.value for key, each in self.known.items()})

    def get(self, call: AwsCall) -> Quota:
        """The quota that a call names. Raises AwsError."""
        quota = self.known.get((call.region, call.params["ServiceCode"], call.params["QuotaCode"]))
        if quota is None:
            raise AwsError("NoSuchResourceException", "The request failed because the specified quota does not exist.")
        return quota

    def tick(self, at: datetime) -> None:
        """Grant what is due."""
        for quota in self.known.values():
            for request in quota.requests:
                if request.status == "PENDING" and at - request.created >= GRANTED_AFTER:
                    request.status, request.updated, quota.value = "APPROVED", at, request.wanted
                    quota.granted()


@operation("service-quotas", "GetServiceQuota")
def get_service_quota(call: AwsCall) -> dict[str, Any]:
    """As the API: the value that was applied; of a quota that nobody has changed it is not there."""
    quota = call.world.state(ServiceQuotas).get(call)
    if quota.value == quota.default:
        raise AwsError("NoSuchResourceException", "The quota has its default value alone.")
    return {"Quota": _document(call, quota, quota.value)}


@operation("service-quotas", "GetAWSDefaultServiceQuota")
def get_default_quota(call: AwsCall) -> dict[str, Any]:
    """As the API."""
    quota = call.world.state(ServiceQuotas).get(call)
    return {"Quota": _document(call, quota, quota.default)}


@operation("service-quotas", "RequestServiceQuotaIncrease")
def request_increase(call: AwsCall) -> dict[str, Any]:
    """As the API: one request at a time, and only for more than there is."""
    quota, wanted, now = call.world.state(ServiceQuotas).get(call), call.params["DesiredValue"], call.world.clock.now()
    if any(each.status in ("PENDING", "CASE_OPENED") for each in quota.requests):
        raise AwsError("ResourceAlreadyExistsException", "Only one open service quota increase request is allowed.")
    if wanted <= quota.value:
        raise AwsError("IllegalArgumentException", f"The desired value must be more than {quota.value:g}.")
    stream = call.world.rng("quota request", call.region, call.params["QuotaCode"], len(quota.requests))
    status = "PENDING" if wanted <= BY_ITSELF * quota.value else "CASE_OPENED"
    quota.requests.append(QuotaRequest(f"{stream.getrandbits(128):032x}", float(wanted), now, status, now))
    return {"RequestedQuota": _request(call, quota, quota.requests[-1])}


@operation("service-quotas", "ListRequestedServiceQuotaChangeHistoryByQuota")
def list_requests(call: AwsCall) -> dict[str, Any]:
    """As the API: newest first, of one status or of all."""
    quota, status = call.world.state(ServiceQuotas).get(call), call.params.get("Status")
    all_ = [_request(call, quota, each) for each in reversed(quota.requests) if status in (None, each.status)]
    size = int(call.params.get("MaxResults") or 100)
    here, token = page(all_, call.params.get("NextToken"), size, "InvalidPaginationTokenException")
    return {"RequestedQuotas": list(here)} | ({"NextToken": token} if token else {})


def _names(call: AwsCall, quota: Quota) -> dict[str, Any]:
    service, code = call.params["ServiceCode"], call.params["QuotaCode"]
    return {
        "ServiceCode": service,
        "ServiceName": service.title(),
        "QuotaCode": code,
        "QuotaName": quota.name,
        "QuotaArn": f"arn:aws:servicequotas:{call.region}:{call.account}:{service}/{code}",
        "GlobalQuota": False,
        "Unit": "None",
    }


def _document(call: AwsCall, quota: Quota, value: float) -> dict[str, Any]:
    return _names(call, quota) | {"Value": value, "Adjustable": True}


def _request(call: AwsCall, quota: Quota, request: QuotaRequest) -> dict[str, Any]:
    return _names(call, quota) | {
        "Id": request.id,
        "DesiredValue": request.wanted,
        "Status": request.status,
        "Created": request.created,
        "LastUpdated": request.updated,
    }
