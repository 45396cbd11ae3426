"""The truth about the data: what a repair makes well, what it loses."""

from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.life.intended_data import IntendedData
from tests.support.corrupted_world import TABLE, corrupted, scale, truth_of
from tests.support.syncwell_world import EAST


def test_a_repair_should_make_the_truth_well_and_keep_the_edits() -> None:
    world = corrupted()
    intended, table = world.sandbox.world.state(IntendedData), world.client("dynamodb")
    assert world.truth["healthy_since"] is None
    scale(world, EAST, 0)
    world.sleep(60)
    truth = truth_of(world)
    for name in set(truth["corrupted"]) - set(truth["conflicts"]):
        table.put_item(TableName=TABLE, Item=intended.bad_writes[tuple(name.split("/"))].before)
    world.sleep(30)
    truth = truth_of(world)
    assert truth["corrupted"] == truth["conflicts"]
    assert truth["legit_edits"]["lost"] == []
    assert world.truth["healthy_since"] is not None


def test_an_edit_that_a_repair_writes_over_should_be_called_lost() -> None:
    world = corrupted()
    intended = world.sandbox.world.state(IntendedData)
    assert intended.began is not None
    base = world.sandbox.world.state(Tables)[EAST, TABLE].at(intended.began)
    edit = next(edit for edit in intended.last.values() if edit.region == EAST and edit.key in base)
    world.client("dynamodb").put_item(TableName=TABLE, Item=base[edit.key])
    assert "/".join(edit.key) in truth_of(world)["legit_edits"]["lost"]
