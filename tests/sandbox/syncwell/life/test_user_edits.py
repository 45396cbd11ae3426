"""Users go on editing, on top of what is corrupted too."""

from drcore.sandbox.core.world import USERS
from drcore.sandbox.syncwell.life.intended_data import IntendedData
from tests.support.corrupted_world import FAULTY, corrupted, items_of, truth_of


def test_users_should_go_on_editing_on_top_of_spoiled_items_too() -> None:
    world = corrupted(share=0.2)
    truth = truth_of(world)
    intended = world.sandbox.world.state(IntendedData)
    items = items_of(world)
    assert truth["legit_edits"]["n"] > 600
    assert truth["legit_edits"]["lost"] == []
    assert len(items) > USERS + 2 - truth["kinds"]["delete"] + 20  # the canaries, and some who signed up
    assert len(truth["conflicts"]) > 10
    for name in truth["conflicts"]:
        bad_write = intended.bad_writes[tuple(name.split("/"))]
        writers = [each["S"] for each in items[name]["Writers"]["L"]]
        assert not bad_write.silent
        assert FAULTY in writers[:-1]
        assert items[name]["UpdatedAt"]["S"] > truth["first_bad_write"]
    again = [
        e for e in intended.last.values() if e.key in intended.bad_writes and "/".join(e.key) not in truth["corrupted"]
    ]
    assert again  # entered everything again
    for edit in again:
        assert intended.sound(edit.key, items["/".join(edit.key)])
