"""The sync jobs: conflicts that the AI resolves, what becomes of those that it does not."""

import json
from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.services.sagemaker.invocations import ModelBehaviour, Models
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.ai_calls import AiCalls
from drcore.sandbox.syncwell.life.sync_jobs import INTEGRATIONS, Reached, SyncJobs
from drcore.sandbox.vendors.llm import Llm
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def lines(world: SyncWellWorld, region: str = EAST, minutes: float = 10) -> list[dict[str, Any]]:
    since = world.now - timedelta(minutes=minutes)
    found = world.client("logs", region).filter_log_events(
        logGroupName=names.SYNC_LOGS, startTime=int(since.timestamp() * 1000)
    )
    return [json.loads(each["message"]) for each in found["events"]]


def share(found: list[dict[str, Any]], **wanted: object) -> float:
    return sum(wanted.items() <= each.items() for each in found) / len(found)


def metric(world: SyncWellWorld, name: str, stat: str, **dimensions: str) -> list[float]:
    asked = {"Namespace": "SyncWell/Sync", "MetricName": name}
    named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    until = world.now
    read = world.client("cloudwatch").get_metric_statistics(
        **asked, Dimensions=named, StartTime=until - timedelta(minutes=12), EndTime=until, Period=60, Statistics=[stat]
    )
    return [each[stat] for each in sorted(read["Datapoints"], key=lambda each: each["Timestamp"])]


def test_in_quiet_times_nearly_all_conflicts_should_be_merged_by_the_ai(world: SyncWellWorld) -> None:
    for region in (EAST, WEST):
        found = lines(world, region, 30)
        assert len(found) > 500
        assert share(found, strategy="AiMerge") > 0.99
        assert {each["service"] for each in found} == {"endpoint", "llm"}
        assert {each["integration"] for each in found} == set(INTEGRATIONS)


def test_a_model_that_fails_should_be_fallen_back_from_and_no_job_should_fail_of_it(world: SyncWellWorld) -> None:
    before = metric(world, "JobErrors", "Average")
    world.sandbox.world.state(Models).behave(names.AI_MODELS[-1], ModelBehaviour(errors=1.0))
    world.sleep(900)
    found = [each for each in lines(world) if each["service"] == "endpoint"]
    assert share(found, strategy="PrioritizeSource", error="ModelError", merge="skipped", job_failed=False) == 1
    assert max(metric(world, "JobErrors", "Average")) < 0.02, before
    assert min(metric(world, "Fallbacks", "Average")[-5:]) > 0.5
    assert {"ai-insights-endpoint-errors", "ai-insights-fallback-share"} <= world.ringing()


def test_a_call_that_never_ends_should_be_given_up_after_the_engines_own_time(world: SyncWellWorld) -> None:
    world.sandbox.world.state(Models).behave(names.AI_MODELS[-1], ModelBehaviour(timeouts=1.0))
    world.sleep(600)
    timed_out = [each for each in lines(world, minutes=8) if each["service"] == "endpoint"]
    assert share(timed_out, reason="ai_timeout", ms=10_000) == 1


def test_retries_should_make_an_llm_that_is_not_ready_slower_still(world: SyncWellWorld) -> None:
    world.sandbox.world.state(Llm).become("primary", ModelNotReadyException=1.0)
    world.sleep(600)
    texts = [each for each in lines(world, minutes=8) if each["service"] == "llm"]
    assert share(texts, reason="ai_timeout", ms=10_000) == 1
    assert min(each["attempts"] for each in texts) >= 3


def test_a_key_that_has_expired_should_be_refused_whoever_brings_it(world: SyncWellWorld) -> None:
    llm = world.sandbox.world.state(Llm)
    llm.expires = world.now
    world.sleep(300)
    texts = [each for each in lines(world, minutes=4) if each["service"] == "llm"]
    assert share(texts, error="AccessDeniedException") == 1
    key = {"Authorization": f"Bearer {names.LLM_KEY}"}
    assert world.sandbox.request("GET", "/llm/gateway/rule", headers=key)[0] == 403


def test_a_fallback_that_fails_should_fail_its_job(world: SyncWellWorld) -> None:
    jobs = world.sandbox.world.state(SyncJobs)
    world.sandbox.world.state(Models).behave(names.AI_MODELS[-1], ModelBehaviour(errors=1.0))
    jobs.fallback_fails = 1.0
    world.sleep(600)
    found = [each for each in lines(world, minutes=8) if "error" in each]
    assert share(found, strategy="none", job_failed=True) == 1
    failed = metric(world, "JobErrors", "Average")[-5:]
    assert sum(failed) / len(failed) > 0.01
    assert jobs.total.unresolved and not jobs.total.fallbacks


def test_what_a_partner_does_to_the_jobs_should_show_by_its_integration_only(world: SyncWellWorld) -> None:
    jobs = world.sandbox.world.state(SyncJobs)

    def down(region: str, integration: str, count: int, *_: object) -> Reached:
        return Reached(0, failed=count) if integration == "strideon" else Reached(count)

    jobs.at_partner = down
    world.sleep(600)
    assert min(metric(world, "JobErrors", "Average", Integration="strideon")[-5:]) == 1
    assert max(metric(world, "JobErrors", "Average", Integration="sleepring")[-5:]) < 0.1


def test_since_when_the_service_is_well_should_follow_from_what_is_in_place(world: SyncWellWorld) -> None:
    calls, models = world.sandbox.world.state(AiCalls), world.sandbox.world.state(Models)
    calls.watched = True
    models.behave(names.AI_MODELS[-1], ModelBehaviour(errors=0.3))
    world.sleep(60)
    assert calls.healthy_since is None
    world.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=names.AI_ENDPOINT,
        DesiredWeightsAndCapacities=[
            {"VariantName": names.AI_VARIANT, "DesiredWeight": 0.0},
            {"VariantName": names.AI_OLD_VARIANT, "DesiredWeight": 1.0},
        ],
    )
    world.sleep(300)
    assert calls.healthy_since is None, "the other region still asks the model that fails"
