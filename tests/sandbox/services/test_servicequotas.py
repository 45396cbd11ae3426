"""Service Quotas: a request is open, then granted; a large one waits for a person."""

from drcore.sandbox.syncwell.company.names import LLM_QUOTA
from tests.support.syncwell_world import EAST, SyncWellWorld, refused

OF = {"ServiceCode": LLM_QUOTA[1], "QuotaCode": LLM_QUOTA[2]}


def test_a_request_is_granted_after_a_time_and_is_the_only_one_until_then() -> None:
    world = SyncWellWorld()
    quotas = world.client("service-quotas", EAST)
    refused("NoSuchResourceException", quotas.get_service_quota, **OF)
    was = quotas.get_aws_default_service_quota(**OF)["Quota"]["Value"]
    refused("IllegalArgumentException", quotas.request_service_quota_increase, **OF, DesiredValue=was)
    asked = quotas.request_service_quota_increase(**OF, DesiredValue=2 * was)["RequestedQuota"]
    assert asked["Status"] == "PENDING"
    refused("ResourceAlreadyExistsException", quotas.request_service_quota_increase, **OF, DesiredValue=3 * was)
    world.sleep(290)
    refused("NoSuchResourceException", quotas.get_service_quota, **OF)
    world.sleep(20)
    assert quotas.get_service_quota(**OF)["Quota"]["Value"] == 2 * was
    (known,) = quotas.list_requested_service_quota_change_history_by_quota(**OF)["RequestedQuotas"]
    assert (known["Id"], known["Status"]) == (asked["Id"], "APPROVED")


def test_one_for_far_more_waits_for_a_person() -> None:
    world = SyncWellWorld()
    quotas = world.client("service-quotas", EAST)
    assert quotas.request_service_quota_increase(**OF, DesiredValue=1e6)["RequestedQuota"]["Status"] == "CASE_OPENED"
    world.sleep(3600)
    assert quotas.list_requested_service_quota_change_history_by_quota(**OF, Status="APPROVED")["RequestedQuotas"] == []
