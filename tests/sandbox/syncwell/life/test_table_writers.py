"""Each writer writes until it is halted, and no halt stops another writer."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from drcore.sandbox.syncwell.life.intended_data import IntendedData
from tests.support.corrupted_world import (
    FAULT,
    ROLES,
    TABLE,
    corrupted,
    deny,
    minute_values,
    scale,
    truth_of,
    writes_since,
)
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

HALTS: dict[str, tuple[str, Callable[[SyncWellWorld], object]]] = {
    "functions": (
        "api webhook jobs",
        lambda w: [w.stop_function(name) for name in ("syncwell-api", "syncwell-webhook", "syncwell-worker")],
    ),
    "event source": (
        "jobs",
        lambda w: [
            w.client("lambda", EAST).update_event_source_mapping(UUID=each["UUID"], Enabled=False)
            for each in w.client("lambda", EAST).list_event_source_mappings()["EventSourceMappings"]
        ],
    ),
    "workers": ("worker", lambda w: scale(w, EAST, 0)),
    "canary": ("syncwell-events", lambda w: w.client("events", EAST).disable_rule(Name="syncwell-canary")),
    "policy": ("api webhook jobs worker syncwell-events", lambda w: deny(w, EAST)),
}


@pytest.mark.parametrize("halt", HALTS)
def test_halting_a_writer_should_stop_its_writes_and_no_others(halt: str) -> None:
    stopped, act = HALTS[halt]
    world = corrupted()
    # With tasks of a sound release in the other region, and here the faulty job.
    before = writes_since(world, world.now - timedelta(minutes=10))
    act(world)
    world.sleep(60)
    since = world.now
    world.sleep(600)
    after = writes_since(world, since)
    for signature in ("api", "webhook", "jobs", "worker", "syncwell-events"):
        assert before[signature] > 0, signature
        assert (after[signature] == 0) is (signature in stopped.split()), (signature, after)
    if halt == "workers":
        assert after["syncwell-worker"] == 0
        assert not any("task" in each for each in truth_of(world)["writers_running"] if EAST in each)


def test_a_worker_that_is_told_to_stop_should_still_corrupt_until_it_is_gone() -> None:
    world = corrupted()
    scale(world, EAST, 0)
    asked = world.now
    world.sleep(120)
    bad_writes = [bad_write.at for bad_write in world.sandbox.world.state(IntendedData).bad_writes.values()]
    assert asked < max(bad_writes) < asked + timedelta(seconds=45)


def test_the_hidden_writer_should_go_on_when_everybody_in_the_lists_is_stopped() -> None:
    world = corrupted(hidden_writer=True)
    for region in (EAST, WEST):
        deny(world, region)
        scale(world, region, 0)
    world.sleep(60)
    since, writes = world.now, truth_of(world)["hidden_writes"]
    world.sleep(300)
    assert writes_since(world, since) == {"syncwell-batch": 15}
    truth = truth_of(world)
    assert truth["hidden_writes"] == writes + 15
    assert f"{EAST} syncwell-batch" in truth["writers_running"]
    consumed = minute_values(world, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", 4, TableName=TABLE)
    assert min(consumed) > 0
    deny(world, EAST, (*ROLES, "syncwell-batch"))
    world.sleep(30)
    since = world.now
    world.sleep(120)
    assert writes_since(world, since) == {}
    world.sandbox.request("DELETE", f"/_sandbox/faults/{FAULT}")
    assert f"{EAST} syncwell-batch" not in truth_of(world)["writers_running"]


def test_maintenance_should_answer_429_and_end_the_errors_of_the_configurations() -> None:
    world = corrupted()
    for region in (EAST, WEST):
        world.stop_function("syncwell-api", region)
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/v1/health")[0] == 429
    assert world.sandbox.request("GET", f"/syncwell/{WEST}/v1/sync/preview?user=00042")[0] == 429
    world.sleep(185)
    assert minute_values(world, "SyncWell", "ConfigErrors", "Sum", 2) == []
    world.client("lambda").delete_function_concurrency(FunctionName="syncwell-api")
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/v1/health")[0] in (200, 500)


def test_the_nightly_tidy_up_should_write_while_its_rule_is_on() -> None:
    for enabled in (True, False):
        world = SyncWellWorld()
        if not enabled:
            world.client("events", WEST).disable_rule(Name="syncwell-nightly-tidy")
        world.sleep(100 * 60)
        since = world.now
        world.sleep(300)
        assert (writes_since(world, since, WEST)["tidy"] > 20) is enabled
