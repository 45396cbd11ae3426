"""Users whose data is corrupted are refused, and some of them complain."""

from typing import Any

import pytest

from drcore.sandbox.syncwell.company.names import SUPPORT_KEY
from drcore.sandbox.syncwell.life.intended_data import IntendedData
from tests.support.corrupted_world import corrupted, minute_values, truth_of
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld


def tickets(world: SyncWellWorld, query: str, key: str = SUPPORT_KEY) -> tuple[int, Any]:
    """A page of the support desk's."""
    headers = {"Authorization": f"Bearer {key}"}
    return world.sandbox.request("GET", f"/support/v1/tickets?{query}", headers=headers)


def test_users_should_be_refused_suffer_and_complain() -> None:
    world = corrupted()
    world.sleep(600)
    truth = truth_of(world)
    for region in (EAST, WEST):
        errors = minute_values(world, "SyncWell", "ConfigErrors", "Sum", 40, region)
        assert errors[:15] == [0.0] * 15
        assert 4 < sum(errors[-5:]) / 5 < 25
        lines = world.client("logs", region).filter_log_events(
            logGroupName="/syncwell/api", filterPattern="ConfigInvalid"
        )["events"]
        assert len(lines) == pytest.approx(sum(errors), abs=1)
        assert {f"USER#{line['message'].split()[2].removeprefix('user=')}/sync" for line in lines} <= set(
            truth["corrupted"]
        ) | {"/".join(key) for key in world.sandbox.world.state(IntendedData).bad_writes}
    refused = world.series("5XXError", "Average", minutes=30, ApiName="syncwell", Stage="prod")
    assert 0.002 < refused[-1] - refused[0] < 0.01
    assert world.ringing() == set()


def test_the_support_desk_should_show_who_complains_by_time_and_page() -> None:
    world = corrupted(share=0.1)
    world.sleep(900)
    truth = truth_of(world)
    since, found, following = "2026-01-05T06:00:00Z", [], "0"
    while following:
        query = f"since={since}&category=sync-settings&next={following}"
        status, page = tickets(world, query)
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
    others = tickets(world, f"since={since}")[1]["tickets"]
    assert {ticket["category"] for ticket in others} > {"sync-settings"}
    assert tickets(world, "since=yesterday")[0] == 400
    assert tickets(world, f"since={since}", key="another")[0] == 401
    assert tickets(world, "since=2026-01-05T06:00:00")[0] == 400


def test_the_public_api_should_refuse_a_user_whose_configuration_is_corrupted() -> None:
    world = corrupted(kinds="delete")
    user = world.sandbox.world.state(IntendedData).bad_writes
    name = next(f"{key[0]}/sync" for key in user if f"{key[0]}/sync" in truth_of(world)["corrupted"])
    number = name.removeprefix("USER#").removesuffix("/sync")
    status, answer = world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview?user={number}")
    assert (status, answer["message"], answer["reason"]) == (500, "ConfigInvalid", "settings-not-found")
    answers = [world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview?user=sound-{n}")[0] for n in range(9)]
    assert answers.count(200) >= 8
