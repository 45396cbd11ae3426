"""The region in which secrets are written is away: replicas are promoted, swept; the rest is done once it is back."""

from __future__ import annotations

from pathlib import Path

from drcore import plans
from drcore.engine.verdict import Word
from drcore.plans import e
from tests.support.stage import GOOD, SHORT, Scene, Stage, carry_out, lines, staged

PLAN = plans.find("e")
AWAY = Scene(PLAN, "vulnerability-primary-region-down")
EAST, WEST = "us-east-1", "us-west-2"


def test_the_rest_should_be_made_safe_and_the_region_once_it_is_back(tmp_path: Path) -> None:
    with staged(tmp_path, users=200, tokens_a_secret=100) as stage:
        run = stage.open(stage.prepare(AWAY, facts=SHORT))
        trouble = carry_out(run)
        assert "us-east-1 is away, and was left out" in str(trouble)
        assert run.verdict and run.verdict.word is Word.MISSED, "nobody knows what the region does once it is back"
        told = stage.truth()["security"]
        assert WEST not in told["accepting"]
        assert (told["stored"][WEST], told["by_label"][WEST], told["stored"][EAST]) == (0, 0, 800)
        promoted = [each for each in stage.effects if each.call == "secretsmanager:StopReplicationToReplica"]
        assert (len(promoted), {each.region for each in promoted}) == (8, {WEST})
        (asked,) = (line for line in lines(run, "consent") if line["key"] == e.PROMOTE.key)
        assert asked["phrase"] == "PROMOTE 8 REPLICAS OF us-east-1 IN us-west-2"

        back_again(stage)
        told = stage.truth()["security"]
        assert (told["exposed"], told["accepting"]) == ([], [])
        assert set(told["stored"].values()) == set(told["by_label"].values()) == {0}


def back_again(stage: Stage) -> None:
    """The region is there again, with all that it had: the next run of the plan makes it safe."""
    stage.mend("vulnerability-primary-region-down")
    assert EAST in stage.truth()["security"]["exposed"]
    second = stage.open(stage.prepare(PLAN, run_id="back-again", facts=SHORT))
    assert carry_out(second) is None
    assert second.results[e.VERIFY.key].outcome in GOOD
