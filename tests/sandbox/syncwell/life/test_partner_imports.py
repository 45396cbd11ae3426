"""Imports from partners go on from a cursor that a restored table does not take back; a flag does."""

import json
from datetime import timedelta

from drcore.sandbox.core.timestamps import iso, precise
from drcore.sandbox.services.dynamodb.replica import Origin
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.life.partner_imports import PartnerImports
from tests.support.corrupted_world import corrupted, deny
from tests.support.own_flag import deploy_flag
from tests.support.syncwell_world import EAST, WEST, SyncWellWorld

FLAG, PARTNER = "imports_from", "strideon"


def missing(world: SyncWellWorld, region: str = EAST) -> float:
    return world.sandbox.world.state(PartnerImports).missing_s(region, PARTNER)


def told(world: SyncWellWorld) -> list[str]:
    """The cursors that the log has of the partner, in order."""
    pages = world.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/syncwell/jobs")
    lines = [json.loads(each["message"]) for page in pages for each in page["events"]]
    return [each["cursor"] for each in lines if each["event"] == "import" and each["partner"] == PARTNER]


def set_back(world: SyncWellWorld, at: str) -> None:
    deploy_flag(world, EAST, FLAG, {"enabled": True, "at": at})


def test_a_restored_table_should_lack_what_was_imported_since_until_the_flag_takes_the_cursor_back() -> None:
    world = corrupted()
    world.sleep(600)
    assert (missing(world), missing(world, WEST)) == (0, 0), "all that was imported is in the table in use"
    store = world.sandbox.world.state(Tables)
    (table,) = {each.name for each in map(store.find, (EAST,), ("SyncWellMetadata",)) if each}
    point = (world.now - timedelta(minutes=9)).replace(microsecond=0)
    copy = store[EAST, table]
    # As after a restore to that moment: what came later is not in it.
    copy.origin, imports = Origin(copy.arn.replace(table, "old"), point), world.sandbox.world.state(PartnerImports)
    imports.imported = [
        type(each)(each.region, each.partner, "old", each.begin, each.end, each.at) if each.region == EAST else each
        for each in imports.imported
    ]
    assert 300 < missing(world) <= 720, "nobody imports it again by himself"
    world.sleep(300)
    assert 300 < missing(world) <= 720, "nor later"
    then = max(each.at for each in imports.imported if each.table == "old" and each.at <= point)
    set_back(world, iso(then))
    world.sleep(300)
    assert missing(world) == 0
    before = imports.cursors[EAST, PARTNER].at
    world.sleep(240)
    assert imports.cursors[EAST, PARTNER].at > before, "it goes on, and not back again"
    assert told(world) == sorted(told(world))


def test_the_cursor_should_stay_where_nothing_can_be_written() -> None:
    world = corrupted()
    world.sleep(240)
    deny(world, EAST)
    world.sleep(120)
    stays = world.sandbox.world.state(PartnerImports).cursors[EAST, PARTNER].at
    world.sleep(600)
    assert world.sandbox.world.state(PartnerImports).cursors[EAST, PARTNER].at == stays
    assert told(world)[-1] == precise(stays), "and the log says up to where it is"
