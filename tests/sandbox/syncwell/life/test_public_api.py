"""SyncWell's own API answers as the versions behind it would."""

from collections import Counter
from typing import Any

from tests.support.syncwell_world import EAST, SyncWellWorld


def _preview(world: SyncWellWorld, user: str) -> tuple[int, Any]:
    return world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview?user={user}")


def test_the_api_should_be_healthy_and_say_who_answers() -> None:
    status, body = SyncWellWorld().sandbox.request("GET", f"/syncwell/{EAST}/v1/health")
    assert status == 200
    assert body == {"status": "ok", "region": EAST, "release": "2026.01.1", "version": "41"}


def test_a_preview_should_be_the_same_each_time_and_delete_nothing() -> None:
    world = SyncWellWorld()
    first, again = _preview(world, "synthetic-probe"), _preview(world, "synthetic-probe")
    assert first == again
    assert first[1]["deletes"] == 0
    assert first[1]["adds"] > 0


def test_the_bad_release_should_preview_deletions() -> None:
    right = _preview(SyncWellWorld(), "synthetic-probe")[1]
    world = SyncWellWorld().broken("bad-release")
    answers = [_preview(world, "synthetic-probe") for _ in range(10)]
    wrong = next(body for status, body in answers if status == 200)
    assert (wrong["adds"], wrong["updates"]) == (0, 0)
    assert wrong["deletes"] == right["adds"] + right["updates"]


def test_a_weighted_alias_should_answer_with_both_versions_by_their_weights() -> None:
    world = SyncWellWorld()
    world.client("lambda").update_alias(
        FunctionName="syncwell-api",
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {"40": 0.3}},
    )
    seen = Counter(_preview(world, f"user-{n}")[1].get("version") for n in range(300))
    assert set(seen) <= {"40", "41", None}
    assert 50 < seen["40"] < 130


def test_a_preview_should_need_a_user_and_a_region_that_exists() -> None:
    world = SyncWellWorld()
    assert world.sandbox.request("GET", f"/syncwell/{EAST}/v1/sync/preview")[0] == 400
    assert world.sandbox.request("GET", "/syncwell/mars-1/v1/health")[0] == 404
