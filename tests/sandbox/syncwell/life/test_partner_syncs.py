"""Syncs with partners: what a switch does to them, what waits, what the app's clients show, what is measured."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from drcore.sandbox.services.appconfig.state import AppConfig
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.partner_accounts import PACE, TAKEN, document
from drcore.sandbox.vendors.partners.state import PartnerHealth, Partners
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

PARTNER = "pulsewatch"


@pytest.fixture
def world() -> SyncWellWorld:
    return SyncWellWorld()


def switch(world: SyncWellWorld, region: str, *, on: bool, strategy: str = names.SWITCH_AT_ONCE) -> None:
    """What somebody does in the console."""
    store = world.sandbox.world.state(AppConfig)
    home = store.application(region, names.SWITCH_APPLICATION)
    place, profile = store.environment(home, names.SWITCH_ENVIRONMENT), store.profile(home, names.SWITCH_PROFILE)
    flags = document()
    flags["values"][names.integration_flag(PARTNER)]["enabled"] = on
    flags["values"][names.banner_flag(PARTNER)] = {"enabled": not on}
    store.deploy(place, profile, store.host(profile, json.dumps(flags).encode()), store.strategy(region, strategy))


def become(world: SyncWellWorld, **health: float) -> None:
    world.sandbox.world.state(Partners).become(PARTNER, PartnerHealth(**health))


def truth(world: SyncWellWorld) -> Any:
    return world.sandbox.request("GET", "/_sandbox/truth")[1]


def measured(world: SyncWellWorld, metric: str, region: str = EAST, **dimensions: str) -> list[float]:
    """The sums of the last minutes that are whole, oldest first."""
    of = {"Partner": PARTNER} | dimensions
    found = world.client("cloudwatch", region).get_metric_statistics(
        Namespace="SyncWell/Partner",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in of.items()],
        StartTime=world.now - timedelta(minutes=10),
        EndTime=world.now - timedelta(minutes=4),
        Period=60,
        Statistics=["Sum"],
    )
    return [each["Sum"] for each in sorted(found["Datapoints"], key=lambda each: str(each["Timestamp"]))]


def test_a_switch_that_is_off_ends_the_calls_of_its_region_only(world: SyncWellWorld) -> None:
    switch(world, EAST, on=False)
    world.sleep(900)
    assert measured(world, "Calls", EAST, Operation="read-activities") == [0.0] * 6, "zero is told, too"
    assert min(measured(world, "Calls", WEST, Operation="read-activities")) > 100
    assert truth(world)["integrations"][PARTNER]["on"] == {EAST: 0.0, WEST: 1.0}


def test_work_waits_while_it_is_off_and_is_done_when_it_is_on_again(world: SyncWellWorld) -> None:
    before = truth(world)["syncs"][PARTNER]
    for region in (EAST, WEST):
        switch(world, region, on=False)
    world.sleep(600)
    paused = truth(world)["syncs"][PARTNER]
    assert paused["waiting"] > 3000
    for region in (EAST, WEST):
        switch(world, region, on=True)
    world.sleep(1200)
    after = truth(world)["syncs"][PARTNER]
    assert after["waiting"] < 50
    assert after["lost"] == 0
    assert after["done"] - before["done"] > after["delayed"] - before["delayed"] > 3000
    assert max(measured(world, "Throttled")) == 0, "workers keep to their pace, which is below what the partner takes"
    assert 2 * PACE < TAKEN


def test_jobs_that_fail_wait_and_are_tried_again(world: SyncWellWorld) -> None:
    become(world, errors=1.0)
    world.sleep(600)
    assert truth(world)["syncs"][PARTNER]["waiting"] > 3000
    calls = measured(world, "Calls", Operation="read-activities")
    assert calls[-1] > 800, "twice as many as there are new jobs"
    assert measured(world, "Errors", Operation="read-activities") == calls
    become(world)
    world.sleep(900)
    assert truth(world)["syncs"][PARTNER]["waiting"] < 50


def test_the_apps_clients_show_the_banner_within_two_minutes(world: SyncWellWorld) -> None:
    switch(world, EAST, on=False)
    world.sleep(120)
    assert truth(world)["integrations"][PARTNER]["banner"] == {EAST: 1.0, WEST: 0.0}


def test_the_app_gets_its_flags_by_user_and_a_part_of_the_users_after_the_other(world: SyncWellWorld) -> None:
    switch(world, EAST, on=False)
    world.sleep(120)
    switch(world, EAST, on=True, strategy=names.SWITCH_RAMP)
    world.sleep(150)
    seen = {
        user: world.sandbox.request("GET", f"/syncwell/{EAST}/v1/flags?user={user}")[1]["flags"]
        for user in (f"somebody-{number}" for number in range(40))
    }
    on = [user for user, flags in seen.items() if flags[names.integration_flag(PARTNER)]["enabled"]]
    assert 5 < len(on) < 35
    assert all(flags[names.banner_flag(PARTNER)]["enabled"] == (user not in on) for user, flags in seen.items())


def test_workers_use_the_credential_that_lies_in_secrets_manager(world: SyncWellWorld) -> None:
    world.sandbox.world.state(Partners).rotate(PARTNER, "another")
    world.sleep(600)
    assert min(measured(world, "Unauthorized")) > 100
    world.client("secretsmanager").put_secret_value(SecretId=names.partner_secret(PARTNER), SecretString="another")
    world.sleep(600)
    assert max(measured(world, "Unauthorized")) == 0
