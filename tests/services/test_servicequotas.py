"""A quota that nobody has changed has its default; the newest request is the one that counts."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.calls.aws import Aws
from drcore.errors import Rejected
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.syncwell.company.names import LLM_QUOTA
from drcore.services import servicequotas
from drcore.services.servicequotas import ServiceQuota
from tests.services.conftest import Edit


def oldest_first(answer: dict[str, Any]) -> None:
    answer["RequestedQuotas"].reverse()


def test_the_default_is_told_until_more_is_granted(aws: Aws, world: InProcess) -> None:
    was = servicequotas.quota(aws, *LLM_QUOTA)
    assert was == ServiceQuota(2000.0)
    servicequotas.ask_for(aws, *LLM_QUOTA, 3000.0)
    assert servicequotas.quota(aws, *LLM_QUOTA) == ServiceQuota(2000.0, 3000.0, "PENDING")
    with pytest.raises(Rejected, match="one open"):
        servicequotas.ask_for(aws, *LLM_QUOTA, 4000.0)
    world.request("POST", "/_sandbox/clock", {"sleep": 310})
    assert servicequotas.quota(aws, *LLM_QUOTA) == ServiceQuota(3000.0, 3000.0, "APPROVED")


def test_the_newest_request_counts_in_whatever_order_they_come(aws: Aws, world: InProcess, edit: Edit) -> None:
    world.request("POST", "/_sandbox/clock", {"sleep": 60})
    servicequotas.ask_for(aws, *LLM_QUOTA, 5000.0)
    edit("service-quotas.ListRequestedServiceQuotaChangeHistoryByQuota", oldest_first)
    assert servicequotas.quota(aws, *LLM_QUOTA).asked == 5000.0
