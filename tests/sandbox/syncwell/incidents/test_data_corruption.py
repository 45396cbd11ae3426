"""A release of the workers corrupts the users' configurations: what is hit, what stops it, what is true."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drcore.sandbox.core.world import USERS
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.life.configurations import content
from drcore.sandbox.syncwell.life.intended_data import Ledger
from drcore.sandbox.syncwell.life.table_bindings import Bindings
from tests.support.furnished import EAST, WEST, Furnished

TABLE, FAULT, FAULTY = "SyncWellMetadata", "data-corruption", "worker/2026.01.2"
ROLES = ("syncwell-lambda", "syncwell-worker", "syncwell-events")


def _corrupt(seed: int = 7, **options: object) -> Furnished:
    return Furnished(seed).broken(FAULT, **options)


def _truth(world: Furnished) -> dict[str, Any]:
    document: dict[str, Any] = world.truth["corruption"]
    return document


def _scan(world: Furnished, region: str = EAST, table: str = TABLE) -> dict[str, dict[str, Any]]:
    tables = world.sandbox.world.shelf(Tables)
    tables.catch_up(world.now)
    return {"/".join(key): item for key, item in tables[region, table].items()}


def _log(world: Furnished, since: datetime, region: str = EAST, table: str = TABLE) -> Counter[str]:
    """The writes of a region itself since then, by who signed them, or by role where nobody signed."""
    entries = world.sandbox.world.shelf(Tables)[region, table].log
    mine = [entry for entry in entries if entry.at > since and not entry.replicated]
    return Counter(_signature(entry.before, entry.after) or entry.by or "" for entry in mine)


def _signature(before: Any, after: Any) -> str:
    if after is None or "Writers" not in after or (before or {}).get("Revision") == after.get("Revision"):
        return ""
    return str(after["Writers"]["L"][-1]["S"]).partition("/")[0]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


# The damage.


def test_the_share_that_was_asked_for_should_be_hit_in_both_regions_within_the_minutes() -> None:
    world = _corrupt(share=0.05, minutes=15)
    truth = _truth(world)
    assert truth["ever"] == 250
    assert 240 < len(truth["corrupted"]) <= 250  # some have entered everything again
    began, first, last = (_time(truth[name]) for name in ("began", "first_bad_write", "last_bad_write"))
    assert timedelta(minutes=3) <= first - began < timedelta(minutes=3, seconds=30)
    assert last <= world.now
    assert world.now - last < timedelta(seconds=30)
    assert abs((world.now - first) / timedelta(minutes=1) - 15) < 1
    world.sleep(2)
    here, there = _scan(world), _scan(world, WEST)
    assert all(here.get(name) == there.get(name) for name in truth["corrupted"])


def test_every_kind_should_be_what_it_says_and_a_silent_write_should_leave_the_books() -> None:
    world = _corrupt()
    spoils, seen = world.sandbox.world.shelf(Ledger).spoils, Counter[str]()
    for spoil in spoils.values():
        before, after = spoil.before, spoil.after
        seen[spoil.kind] += 1
        assert content(before) != content(after)
        if after is None:
            assert spoil.kind == "delete"
            continue
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        books = {"UpdatedAt", "Writers", "Revision", "Region"}
        assert changed & books == set() if spoil.silent else {"UpdatedAt", "Writers", "Revision"} <= changed
        assert (after["Writers"]["L"][-1]["S"] == FAULTY) is not spoil.silent
        match spoil.kind:
            case "blank":
                assert changed - books == {"PreferredSource", "Sources", "Schedule", "Priority"}
                assert after["PreferredSource"] == {"S": ""}
            case "wrong-owner":
                assert changed - books == {"Owner"}
            case "overwrite":
                assert changed - books <= {"PreferredSource", "Sources", "Schedule", "Priority"}
    assert all(seen[kind] > 30 for kind in ("overwrite", "delete", "blank", "wrong-owner"))
    assert 0.3 < sum(s.silent for s in spoils.values()) / sum(s.kind != "delete" for s in spoils.values()) < 0.7


@pytest.mark.parametrize("kind", ["overwrite", "delete", "blank", "wrong-owner"])
def test_one_kind_alone_should_be_possible_in_either_region(kind: str) -> None:
    truth = _truth(_corrupt(kinds=kind, region=WEST, silent=0, share=0.01, minutes=5))
    assert truth["kinds"] == {kind: 50}
    assert truth["silent"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": "overwrite,eat"}, "options.kinds: expected some of overwrite, delete, blank, wrong-owner"),
        ({"share": 0.9}, "options.share: expected 0.0002 to 0.5"),
        ({"minutes": 1}, "options.minutes: expected 2 to 60"),
        ({"silent": 2}, "options.silent: expected 0 to 1"),
        ({"region": "eu-west-1"}, "options.region: expected one of us-east-1, us-west-2"),
    ],
)
def test_it_should_refuse_a_corruption_that_cannot_be(options: dict[str, object], message: str) -> None:
    status, document = Furnished().inject(FAULT, **options)
    assert status == 400
    assert document["error"].startswith(message)


def test_a_second_mishap_should_be_refused() -> None:
    assert _corrupt().inject("bad-release")[0] == 400


def test_two_worlds_of_a_seed_should_be_corrupted_alike_and_two_seeds_should_not() -> None:
    def course(seed: int) -> tuple[Any, ...]:
        world = _corrupt(seed, hidden_writer=True)
        world.sleep(137)
        tickets = world.sandbox.request("GET", "/support/v1/tickets")[1]
        return world.truth, _scan(world), tickets

    one = course(3)
    assert one == course(3)
    assert one[0]["corruption"]["corrupted"] != course(4)[0]["corruption"]["corrupted"]


# The history.


def test_the_history_should_hold_together() -> None:
    world = Furnished()
    world.sleep(25 * 60)
    world.broken(FAULT)
    truth = _truth(world)
    log = world.sandbox.world.shelf(Tables)[EAST, TABLE].log
    assert [entry.at for entry in log] == sorted(entry.at for entry in log)
    assert len({(entry.at, entry.key, entry.by) for entry in log}) == len(log)
    assert all(entry.by for entry in log)
    began = _time(truth["began"])
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
    world = Furnished()
    world.sleep(30 * 60)
    world.broken(FAULT, share=0.1)
    world.sleep(60)
    writes = _minutes(world, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", 28, TableName=TABLE)
    assert len(writes) == 28
    quiet, busy = writes[:10], writes[-9:-1]
    assert max(quiet) < 1.5 * min(quiet)
    assert min(busy) > max(quiet) + 10


def test_what_was_written_through_the_api_should_stay() -> None:
    world = Furnished()
    world.sleep(600)
    world.client("dynamodb").put_item(TableName=TABLE, Item={"pk": {"S": "PROBE"}, "sk": {"S": "0"}})
    world.sleep(600)
    world.broken(FAULT)
    for region in (EAST, WEST):
        assert "PROBE/0" in _scan(world, region)


def _minutes(
    world: Furnished, namespace: str, metric: str, stat: str, minutes: int, region: str = EAST, **named: str
) -> list[float]:
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions}
    query = {"Id": "asked", "MetricStat": {"Metric": wanted, "Period": 60, "Stat": stat}}
    values: list[float] = world.data([query], minutes=minutes, region=region)["MetricDataResults"][0]["Values"]
    return values


def test_a_restore_to_the_second_before_the_first_bad_write_should_hold_no_corrupted_item() -> None:
    world = _corrupt()
    truth = _truth(world)
    moment = _time(truth["first_bad_write"]).replace(microsecond=0)
    world.sleep(600)
    truth = _truth(world)
    for name, at in (("good", moment), ("late", moment + timedelta(minutes=4))):
        world.client("dynamodb").restore_table_to_point_in_time(
            SourceTableName=TABLE, TargetTableName=f"{TABLE}-{name}", RestoreDateTime=at
        )
    world.sleep(900)
    ledger = world.sandbox.world.shelf(Ledger)
    for name, least in (("good", 0), ("late", 20)):
        items = _scan(world, table=f"{TABLE}-{name}")
        bad = [key for key in ledger.spoils if not ledger.sound(key, items.get("/".join(key)))]
        assert (len(bad) > least) if least else not bad
    assert set(truth["corrupted"]) <= set(_scan(world, table=f"{TABLE}-good"))


# Users go on.


def test_users_should_go_on_editing_on_top_of_spoiled_items_too() -> None:
    world = _corrupt(share=0.2)
    truth = _truth(world)
    ledger = world.sandbox.world.shelf(Ledger)
    items = _scan(world)
    assert truth["legit_edits"]["n"] > 600
    assert truth["legit_edits"]["lost"] == []
    assert len(items) > USERS + 2 - truth["kinds"]["delete"] + 20  # the canaries, and some who signed up
    assert len(truth["conflicts"]) > 10
    for name in truth["conflicts"]:
        spoil = ledger.spoils[tuple(name.split("/"))]
        writers = [each["S"] for each in items[name]["Writers"]["L"]]
        assert not spoil.silent
        assert FAULTY in writers[:-1]
        assert items[name]["UpdatedAt"]["S"] > truth["first_bad_write"]
    again = [e for e in ledger.last.values() if e.key in ledger.spoils and "/".join(e.key) not in truth["corrupted"]]
    assert again  # entered everything again
    for edit in again:
        assert ledger.sound(edit.key, items["/".join(edit.key)])


def test_a_corrupted_item_should_be_told_by_its_last_writer_or_by_its_old_books() -> None:
    world = _corrupt(share=0.1, minutes=30)
    world.sleep(1800)
    truth, items = _truth(world), _scan(world)
    for name in set(truth["corrupted"]) - set(truth["conflicts"]):
        if name in items:
            silent = items[name]["UpdatedAt"]["S"] <= truth["began"]
            assert silent or items[name]["Writers"]["L"][-1]["S"] == FAULTY


def test_users_should_be_refused_suffer_and_complain() -> None:
    world = _corrupt()
    world.sleep(600)
    truth = _truth(world)
    for region in (EAST, WEST):
        errors = _minutes(world, "SyncWell", "ConfigErrors", "Sum", 40, region)
        assert errors[:15] == [0.0] * 15
        assert 4 < sum(errors[-5:]) / 5 < 25
        lines = world.client("logs", region).filter_log_events(
            logGroupName="/syncwell/api", filterPattern="ConfigInvalid"
        )["events"]
        assert len(lines) == pytest.approx(sum(errors), abs=1)
        assert {f"USER#{line['message'].split()[2].removeprefix('user=')}/sync" for line in lines} <= set(
            truth["corrupted"]
        ) | {"/".join(key) for key in world.sandbox.world.shelf(Ledger).spoils}
    refused = world.series("5XXError", "Average", minutes=30, ApiName="syncwell", Stage="prod")
    assert 0.002 < refused[-1] - refused[0] < 0.01
    assert world.ringing() == set()


def test_the_support_desk_should_show_who_complains_by_time_and_page() -> None:
    world = _corrupt(share=0.1)
    world.sleep(900)
    truth = _truth(world)
    since, found, following = "2026-01-05T06:00:00Z", [], "0"
    while following:
        query = f"since={since}&category=sync-settings&next={following}"
        status, page = world.sandbox.request("GET", f"/support/v1/tickets?{query}")
        assert status == 200
        found += page["tickets"]
        following = page.get("next", "")
    opened = [ticket["opened_at"] for ticket in found]
    assert opened == sorted(opened)
    assert len({ticket["id"] for ticket in found}) == len(found)
    before = [ticket for ticket in found if ticket["opened_at"] < truth["first_bad_write"]]
    after = [ticket for ticket in found if ticket["opened_at"] >= truth["first_bad_write"]]
    assert len(before) < 8 < 60 < len(after)
    hit = {f"{name.split('/')[0].removeprefix('USER#')}" for name in truth["corrupted"]}
    assert sum(ticket["user"] in hit for ticket in after) > 0.9 * len(after)
    others = world.sandbox.request("GET", f"/support/v1/tickets?since={since}")[1]["tickets"]
    assert {ticket["category"] for ticket in others} > {"sync-settings"}
    assert world.sandbox.request("GET", "/support/v1/tickets?since=yesterday")[0] == 400
    assert world.sandbox.request("GET", "/support/v1/tickets?since=2026-01-05T06:00:00")[0] == 400


def test_the_public_api_should_refuse_a_user_whose_configuration_is_spoiled() -> None:
    world = _corrupt(kinds="delete")
    user = world.sandbox.world.shelf(Ledger).spoils
    name = next(f"{key[0]}/sync" for key in user if f"{key[0]}/sync" in _truth(world)["corrupted"])
    number = name.removeprefix("USER#").removesuffix("/sync")
    status, answer = world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview?user={number}")
    assert (status, answer["message"], answer["reason"]) == (500, "ConfigInvalid", "settings-not-found")
    answers = [world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview?user=sound-{n}")[0] for n in range(9)]
    assert answers.count(200) >= 8


# Halting.

HALTS: dict[str, tuple[str, Callable[[Furnished], object]]] = {
    "functions": (
        "api webhook jobs",
        lambda w: [
            w.client("lambda", EAST).put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
            for name in ("syncwell-api", "syncwell-webhook", "syncwell-worker")
        ],
    ),
    "event source": (
        "jobs",
        lambda w: [
            w.client("lambda", EAST).update_event_source_mapping(UUID=each["UUID"], Enabled=False)
            for each in w.client("lambda", EAST).list_event_source_mappings()["EventSourceMappings"]
        ],
    ),
    "workers": ("worker", lambda w: _scale(w, EAST, 0)),
    "canary": ("syncwell-events", lambda w: w.client("events", EAST).disable_rule(Name="syncwell-canary")),
    "policy": ("api webhook jobs worker syncwell-events", lambda w: _deny(w, EAST)),
}


def _scale(world: Furnished, region: str, desired: int) -> None:
    world.client("application-autoscaling", region).register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/syncwell/syncwell-worker",
        ScalableDimension="ecs:service:DesiredCount",
        SuspendedState=dict.fromkeys(
            ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended"), True
        ),
    )
    world.client("ecs", region).update_service(cluster="syncwell", service="syncwell-worker", desiredCount=desired)


def _deny(world: Furnished, region: str, roles: tuple[str, ...] = ROLES) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": [f"arn:aws:iam::123456789012:role/{role}" for role in roles]},
        "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
        "Resource": f"arn:aws:dynamodb:{region}:123456789012:table/{TABLE}",
    }
    world.client("dynamodb", region).put_resource_policy(
        ResourceArn=f"arn:aws:dynamodb:{region}:123456789012:table/{TABLE}",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


@pytest.mark.parametrize("halt", HALTS)
def test_halting_a_writer_should_stop_its_writes_and_no_others(halt: str) -> None:
    stopped, act = HALTS[halt]
    world = _corrupt()
    # With tasks of a sound release in the other region, and here the faulty job.
    before = _log(world, world.now - timedelta(minutes=10))
    act(world)
    world.sleep(60)
    since = world.now
    world.sleep(600)
    after = _log(world, since)
    for signature in ("api", "webhook", "jobs", "worker", "syncwell-events"):
        assert before[signature] > 0, signature
        assert (after[signature] == 0) is (signature in stopped.split()), (signature, after)
    if halt == "workers":
        assert after["syncwell-worker"] == 0
        assert not any("task" in each for each in _truth(world)["writers_running"] if EAST in each)


def test_a_worker_that_is_told_to_stop_should_still_spoil_until_it_is_gone() -> None:
    world = _corrupt()
    _scale(world, EAST, 0)
    asked = world.now
    world.sleep(120)
    spoils = [spoil.at for spoil in world.sandbox.world.shelf(Ledger).spoils.values()]
    assert asked < max(spoils) < asked + timedelta(seconds=45)


def test_the_hidden_writer_should_go_on_when_everybody_in_the_lists_is_stopped() -> None:
    world = _corrupt(hidden_writer=True)
    for region in (EAST, WEST):
        _deny(world, region)
        _scale(world, region, 0)
    world.sleep(60)
    since, writes = world.now, _truth(world)["hidden_writes"]
    world.sleep(300)
    assert _log(world, since) == {"syncwell-batch": 15}
    truth = _truth(world)
    assert truth["hidden_writes"] == writes + 15
    assert f"{EAST} syncwell-batch" in truth["writers_running"]
    consumed = _minutes(world, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", 4, TableName=TABLE)
    assert min(consumed) > 0
    _deny(world, EAST, (*ROLES, "syncwell-batch"))
    world.sleep(30)
    since = world.now
    world.sleep(120)
    assert _log(world, since) == {}
    world.sandbox.request("DELETE", f"/_sandbox/faults/{FAULT}")
    assert f"{EAST} syncwell-batch" not in _truth(world)["writers_running"]


def test_maintenance_should_answer_429_and_end_the_errors_of_the_configurations() -> None:
    world = _corrupt()
    for region in (EAST, WEST):
        world.client("lambda", region).put_function_concurrency(
            FunctionName="syncwell-api", ReservedConcurrentExecutions=0
        )
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/v1/health")[0] == 429
    assert world.sandbox.request("GET", f"/syncwell/{WEST}/v1/sync/preview?user=00042")[0] == 429
    world.sleep(185)
    assert _minutes(world, "SyncWell", "ConfigErrors", "Sum", 2) == []
    world.client("lambda").delete_function_concurrency(FunctionName="syncwell-api")
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/v1/health")[0] in (200, 500)


# The truth, and the way back.


def test_a_repair_should_make_the_truth_well_and_keep_the_edits() -> None:
    world = _corrupt()
    ledger, table = world.sandbox.world.shelf(Ledger), world.client("dynamodb")
    assert world.truth["healthy_since"] is None
    _scale(world, EAST, 0)
    world.sleep(60)
    truth = _truth(world)
    for name in set(truth["corrupted"]) - set(truth["conflicts"]):
        table.put_item(TableName=TABLE, Item=ledger.spoils[tuple(name.split("/"))].before)
    world.sleep(30)
    truth = _truth(world)
    assert truth["corrupted"] == truth["conflicts"]
    assert truth["legit_edits"]["lost"] == []
    assert world.truth["healthy_since"] is not None


def test_an_edit_that_a_repair_writes_over_should_be_called_lost() -> None:
    world = _corrupt()
    ledger = world.sandbox.world.shelf(Ledger)
    assert ledger.began is not None
    base = world.sandbox.world.shelf(Tables)[EAST, TABLE].at(ledger.began)
    edit = next(edit for edit in ledger.last.values() if edit.region == EAST and edit.key in base)
    world.client("dynamodb").put_item(TableName=TABLE, Item=base[edit.key])
    assert "/".join(edit.key) in _truth(world)["legit_edits"]["lost"]


def test_a_switch_should_be_taken_up_by_new_tasks_and_new_versions_only() -> None:
    world = _corrupt(share=0.01, minutes=4)
    restored = f"{TABLE}-restored"
    world.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName=restored, RestoreDateTime=world.now - timedelta(minutes=6)
    )
    world.sleep(900)
    _name(world, EAST, restored)
    world.sleep(30)
    truth = _truth(world)
    assert truth["table_in_use"] == {EAST: TABLE, WEST: TABLE}
    assert sum("task" in each for each in truth["reading_old"]) == 4
    assert sum("syncwell-api:" in each for each in truth["reading_old"]) == 1

    world.client("ecs").update_service(cluster="syncwell", service="syncwell-worker", forceNewDeployment=True)
    world.sleep(300)
    truth = _truth(world)
    assert not any("task" in each for each in truth["reading_old"])
    assert truth["table_in_use"][EAST] == TABLE
    for name in ("syncwell-api", "syncwell-worker", "syncwell-webhook"):
        _new_version(world, EAST, name)
    world.sleep(30)
    truth = _truth(world)
    assert truth["reading_old"] == []
    assert truth["table_in_use"] == {EAST: restored, WEST: TABLE}
    since = world.now
    world.sleep(300)
    assert _log(world, since, EAST, TABLE)["api"] == 0
    assert _log(world, since, EAST, restored)["api"] > 5
    reads = _minutes(world, "AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", 4, TableName=restored)
    assert min(reads) > 500
    assert _minutes(world, "AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", 4, TableName=TABLE) == []
    assert truth["legit_edits"]["lost"]  # what was edited since the recovery point


def _name(world: Furnished, region: str, table: str) -> None:
    """Let AppConfig name another table."""
    config = world.client("appconfig", region)
    application = config.list_applications()["Items"][0]["Id"]
    environment = config.list_environments(ApplicationId=application)["Items"][0]["Id"]
    profile = config.list_configuration_profiles(ApplicationId=application)["Items"][0]["Id"]
    version = config.create_hosted_configuration_version(
        ApplicationId=application,
        ConfigurationProfileId=profile,
        Content=json.dumps({"DynamoDBTableName": table}).encode(),
        ContentType="application/json",
    )["VersionNumber"]
    config.start_deployment(
        ApplicationId=application,
        EnvironmentId=environment,
        ConfigurationProfileId=profile,
        ConfigurationVersion=str(version),
        DeploymentStrategyId="AppConfig.AllAtOnce",
    )
    world.sleep(700)
    assert world.sandbox.world.shelf(Bindings).named(region) == table


def _new_version(world: Furnished, region: str, name: str) -> None:
    """The same code once more, as a version that nobody has run yet."""
    functions = world.client("lambda", region)
    functions.update_function_configuration(FunctionName=name, Description="new environments")
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def test_the_nightly_tidy_up_should_write_while_its_rule_is_on() -> None:
    for enabled in (True, False):
        world = Furnished()
        if not enabled:
            world.client("events", WEST).disable_rule(Name="syncwell-nightly-tidy")
        world.sleep(100 * 60)
        since = world.now
        world.sleep(300)
        assert (_log(world, since, WEST)["tidy"] > 20) is enabled
