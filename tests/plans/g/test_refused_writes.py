"""One write that DynamoDB never takes holds up no other."""

from __future__ import annotations

import gzip
from typing import Any

from drcore.calls.gate import Writes
from drcore.diff import Class, Difference
from drcore.plans.g import comparison, p08_repair
from drcore.plans.g.tables import table
from tests.support.data_corruption import WEST, items, prepared
from tests.support.stage import Stage, client


def test_an_item_that_cannot_be_written_should_be_left_for_a_person_and_all_others_repaired(stage: Stage) -> None:
    """One good image is larger than DynamoDB takes; the call of all of them is refused, and does not say for which."""
    run = stage.open(prepared(stage))
    name, dynamodb = table(run.run), client(run, "dynamodb", WEST)
    good = dict(sorted(items(run, WEST, name).items())[:4])
    bad = {user: {key: value for key, value in item.items() if key != "Sources"} for user, item in good.items()}
    too_large = next(iter(good))
    good[too_large]["Filler"] = {"S": "x" * 400 * 1024}
    found = [Difference(Class.CORRUPTED, key(item), "", item, bad[user]) for user, item in good.items()]
    for item in bad.values():
        dynamodb.put_item(TableName=name, Item=item)
    run.run.record.add_evidence(comparison.FILE, gzip.compress(b"".join(map(comparison._line, found))), title="")
    (target,) = p08_repair.in_table(run.run)
    seen = p08_repair.Repairing(len(found), 0, 0, 0, ())
    with run.run.calls.during(Writes.ALLOWED):
        for _ in range(1 + len(found)):  # together, then each alone
            p08_repair.repair_batch(run.run, target, seen)
    assert items(run, WEST, name).items() >= (good | {too_large: bad[too_large]}).items()
    assert p08_repair._known[run.run].refused == {p08_repair.key_bytes(key(good[too_large]))}


def key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("pk", "sk")}
