"""A release of the workers corrupts the users' configurations: what is hit, by whom, and what a restore brings back."""

from collections import Counter
from datetime import UTC, timedelta
from typing import Any

import pytest

from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.company.names import SUPPORT_KEY
from drcore.sandbox.syncwell.life.configurations import content
from drcore.sandbox.syncwell.life.intended_data import IntendedData
from tests.support.corrupted_world import FAULT, FAULTY, TABLE, corrupted, items_of, minute_values, moment_of, truth_of
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

KEY = {"Authorization": f"Bearer {SUPPORT_KEY}"}


def test_the_share_that_was_asked_for_should_be_hit_in_both_regions_within_the_minutes() -> None:
    world = corrupted(share=0.05, minutes=15)
    truth = truth_of(world)
    assert truth["ever"] == 250
    assert 240 < len(truth["corrupted"]) <= 250  # some have entered everything again
    began, first, last = (moment_of(truth[name]) for name in ("began", "first_bad_write", "last_bad_write"))
    assert timedelta(minutes=3) <= first - began < timedelta(minutes=3, seconds=30)
    assert last <= world.now
    assert world.now - last < timedelta(seconds=30)
    assert abs((world.now - first) / timedelta(minutes=1) - 15) < 1
    world.sleep(2)
    here, there = items_of(world), items_of(world, WEST)
    assert all(here.get(name) == there.get(name) for name in truth["corrupted"])


def test_every_kind_should_be_what_it_says_and_a_silent_write_should_leave_the_books() -> None:
    world = corrupted()
    bad_writes, seen = world.sandbox.world.state(IntendedData).bad_writes, Counter[str]()
    for bad_write in bad_writes.values():
        before, after = bad_write.before, bad_write.after
        seen[bad_write.kind] += 1
        assert content(before) != content(after)
        if after is None:
            assert bad_write.kind == "delete"
            continue
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        books = {"UpdatedAt", "Writers", "Revision", "Region"}
        assert changed & books == set() if bad_write.silent else {"UpdatedAt", "Writers", "Revision"} <= changed
        assert (after["Writers"]["L"][-1]["S"] == FAULTY) is not bad_write.silent
        match bad_write.kind:
            case "blank":
                assert changed - books == {"PreferredSource", "Sources", "Schedule", "Priority"}
                assert after["PreferredSource"] == {"S": ""}
            case "wrong-owner":
                assert changed - books == {"Owner"}
            case "overwrite":
                assert changed - books <= {"PreferredSource", "Sources", "Schedule", "Priority"}
    assert all(seen[kind] > 30 for kind in ("overwrite", "delete", "blank", "wrong-owner"))
    assert 0.3 < sum(s.silent for s in bad_writes.values()) / sum(s.kind != "delete" for s in bad_writes.values()) < 0.7


@pytest.mark.parametrize("kind", ["overwrite", "delete", "blank", "wrong-owner"])
def test_one_kind_alone_should_be_possible_in_either_region(kind: str) -> None:
    truth = truth_of(corrupted(kinds=kind, region=WEST, silent=0, share=0.01, minutes=5))
    assert truth["kinds"] == {kind: 50}
    assert truth["silent"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": "overwrite,eat"}, "options.kinds: expected some of overwrite, delete, blank, wrong-owner"),
        ({"share": 0.9}, "options.share: expected a number from 0.0002 to 0.5"),
        ({"minutes": 1}, "options.minutes: expected a whole number from 2 to 60"),
        ({"silent": 2}, "options.silent: expected a number from 0 to 1"),
        ({"region": "eu-west-1"}, "options.region: expected one of us-east-1, us-west-2"),
    ],
)
def test_it_should_refuse_a_corruption_that_cannot_be(options: dict[str, object], message: str) -> None:
    status, document = SyncWellWorld().inject(FAULT, **options)
    assert status == 400
    assert document["error"].startswith(message)


def test_a_second_mishap_should_be_refused() -> None:
    assert corrupted().inject("bad-release")[0] == 400


def test_two_worlds_of_a_seed_should_be_corrupted_alike_and_two_seeds_should_not() -> None:
    def everything(seed: int) -> tuple[Any, ...]:
        world = corrupted(seed, hidden_writer=True)
        world.sleep(137)
        tickets = world.sandbox.request("GET", "/support/v1/tickets", headers=KEY)[1]
        return world.truth, items_of(world), tickets

    one = everything(3)
    assert one == everything(3)
    assert one[0]["corruption"]["corrupted"] != everything(4)[0]["corruption"]["corrupted"]


def test_the_history_should_hold_together() -> None:
    world = SyncWellWorld()
    world.sleep(25 * 60)
    world.broken(FAULT)
    truth = truth_of(world)
    log = world.sandbox.world.state(Tables)[EAST, TABLE].log
    assert [entry.at for entry in log] == sorted(entry.at for entry in log)
    assert len({(entry.at, entry.key, entry.by) for entry in log}) == len(log)
    assert all(entry.by for entry in log)
    began = moment_of(truth["began"])
    assert began == world.now - timedelta(minutes=15)
    service = world.client("ecs").describe_services(cluster="syncwell", services=["syncwell-worker"])["services"][0]
    assert service["deployments"][0]["createdAt"].astimezone(UTC) == began
    definition = world.client("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])
    environment = definition["taskDefinition"]["containerDefinitions"][0]["environment"]
    assert {"name": "RELEASE", "value": "2026.01.2"} in environment
    named = [{"AttributeKey": "EventName", "AttributeValue": "UpdateService"}]
    events = world.client("cloudtrail").lookup_events(LookupAttributes=named, StartTime=began)["Events"]
    assert [(e["Username"], e["EventTime"].astimezone(UTC)) for e in events] == [("syncwell-pipeline", began)]


def test_the_metrics_of_the_table_should_be_told_once_and_show_the_job() -> None:
    world = SyncWellWorld()
    world.sleep(30 * 60)
    world.broken(FAULT, share=0.1)
    world.sleep(60)
    writes = minute_values(world, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", 28, TableName=TABLE)
    assert len(writes) == 28
    quiet, busy = writes[:10], writes[-9:-1]
    assert max(quiet) < 1.5 * min(quiet)
    assert min(busy) > max(quiet) + 10


def test_what_was_written_through_the_api_should_stay() -> None:
    world = SyncWellWorld()
    world.sleep(600)
    world.client("dynamodb").put_item(TableName=TABLE, Item={"pk": {"S": "PROBE"}, "sk": {"S": "0"}})
    world.sleep(600)
    world.broken(FAULT)
    for region in (EAST, WEST):
        assert "PROBE/0" in items_of(world, region)


def test_a_restore_to_the_second_before_the_first_bad_write_should_hold_no_corrupted_item() -> None:
    world = corrupted()
    truth = truth_of(world)
    moment = moment_of(truth["first_bad_write"]).replace(microsecond=0)
    world.sleep(600)
    truth = truth_of(world)
    for name, at in (("good", moment), ("late", moment + timedelta(minutes=4))):
        world.client("dynamodb").restore_table_to_point_in_time(
            SourceTableName=TABLE, TargetTableName=f"{TABLE}-{name}", RestoreDateTime=at
        )
    world.sleep(900)
    intended = world.sandbox.world.state(IntendedData)
    for name, least in (("good", 0), ("late", 20)):
        items = items_of(world, table=f"{TABLE}-{name}")
        bad = [key for key in intended.bad_writes if not intended.sound(key, items.get("/".join(key)))]
        assert (len(bad) > least) if least else not bad
    assert set(truth["corrupted"]) <= set(items_of(world, table=f"{TABLE}-good"))


def test_a_corrupted_item_should_be_told_by_its_last_writer_or_by_its_old_books() -> None:
    world = corrupted(share=0.1, minutes=30)
    world.sleep(1800)
    truth, items = truth_of(world), items_of(world)
    for name in set(truth["corrupted"]) - set(truth["conflicts"]):
        if name in items:
            silent = items[name]["UpdatedAt"]["S"] <= truth["began"]
            assert silent or items[name]["Writers"]["L"][-1]["S"] == FAULTY
