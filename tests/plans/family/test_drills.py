"""A drill reaches the goal from every fault of a plan, by permitted calls only; and again there is nothing to do."""

from __future__ import annotations

from typing import Any

from drcore.engine import lock
from drcore.engine.outcome import Outcome
from drcore.engine.standing import what_stands
from drcore.engine.step import Plan
from drcore.engine.verdict import Word
from drcore.errors import Exit, Refused, StepFailed
from drcore.record.events import Event, Kind, read_events
from drcore.record.history import History
from drcore.run.runbook import Runbook
from tests.support.drills import Drills, each_followed_scene
from tests.support.honesty import honest, well_in_truth
from tests.support.lock_calls import lock_only
from tests.support.stage import (
    GOOD,
    Scene,
    each_plan,
    each_scene,
    of_the_lock,
    outcomes,
    pages_due,
    scenes_of,
)
from tests.support.troubled import BY_CHANCE

OF_THE_WITNESS = ("sts:AssumeRole", "s3:HeadBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")
VENDORS = ("statuspage:", "googleplay:", "appstoreconnect:", "llm:")  # by HTTP


@each_scene
def test_it_reaches_the_goal(drilled: Drills, scene: Scene) -> None:
    drill = drilled(scene)
    assert drill.run.verdict and drill.run.verdict.word is Word.REACHED, drill.run.verdict
    assert drill.exit == Exit.REACHED
    assert list(drill.run.results) == [step.key for step in scene.plan.steps]
    assert set(outcomes(drill.run).values()) <= set(GOOD)


@each_scene
def test_it_is_well_in_truth_and_nothing_bad_serves(drilled: Drills, scene: Scene) -> None:
    truth = drilled(scene).truth
    assert well_in_truth(truth)
    if truth["bad_release"]:
        assert all(truth["bad_release"] not in served for served in truth["api"].values())
    assert all(rate < 0.01 for rate in truth["error_rate"].values())
    assert truth["create_deployment_calls"] == 0, "a deployment made now would publish today's resources"


@each_scene
def test_no_function_serves_more_than_one_version(drilled: Drills, scene: Scene) -> None:
    for functions in drilled(scene).truth["serving"].values():
        assert {name: list(shares.values()) for name, shares in functions.items()} == {
            name: [1.0] for name in functions
        }


# A finding that is only tracked is told to nobody before it is mended: it would help whoever looks for it.
UNTOLD = {"e-vulnerability-low"}


@each_scene
def test_on_call_is_told_once_and_users_of_each_turn_in_one_incident(drilled: Drills, scene: Scene) -> None:
    drill = drilled(scene)
    assert drill.pages == pages_due(scene.plan)
    posts = [step for step in scene.plan.steps if step.key.startswith("tell-users") and scene.name not in UNTOLD]
    assert [incident["status"] for incident in drill.incidents] == (["resolved"] if posts else [])
    if not posts:
        return
    updates = drill.incidents[0]["incident_updates"]
    told = [update["status"] for update in updates]
    assert told in (["resolved", "investigating"], ["resolved", "monitoring", "investigating"])
    assert {component["status"] for component in drill.incidents[0]["components"]} == {"operational"}


@each_scene
def test_somebody_has_acknowledged_what_on_call_was_told(drilled: Drills, scene: Scene) -> None:
    """Right after the page; in a drill by the policy, and the record says so."""
    drill = drilled(scene)
    keys = [step.key for step in scene.plan.steps]
    if "notify-on-call" not in keys:
        return
    assert keys[keys.index("notify-on-call") + 1] == "acknowledge"
    told = [line for line in drill.events if line.get("key") == "acknowledge"]
    assert [line["how"] for line in told if line["event"] == "consent"] == ["drill policy"]
    assert [line["choice"] for line in told if line["event"] == "decision"] == ["acknowledged"]
    assert [line for line in drill.events if line["event"] == "moment" and line["name"] == "acknowledged"]
    assert not [line for line in drill.events if line.get("key") == "page-the-second-on-call"]


@each_scene
def test_it_leaves_the_pipeline_open_and_no_lock(drilled: Drills, scene: Scene) -> None:
    drill = drilled(scene)
    assert set(drill.transitions.values()) <= {True}
    assert drill.locks == []


@each_scene
def test_what_stands_still_is_told_on_the_way_and_nothing_of_it_at_the_end(drilled: Drills, scene: Scene) -> None:
    """As it would be where the run ended right there."""
    drill, stands = drilled(scene), scene.plan.stands
    assert what_stands(stands, History(drill.events)) == ()
    assert drill.run.verdict and drill.run.verdict.stands == ()
    frozen = [step for step in scene.plan.steps if step.key == "freeze-the-pipeline"]
    told = [step for step in scene.plan.steps if step.key.startswith("tell-users") and step.key != "tell-users-what"]
    assert {each.since for each in stands} >= {step.name for step in (*frozen, *told[:1])}
    for number, line in enumerate(drill.events, start=1):
        if line["event"] != Kind.STEP_ENDED or line["outcome"] != Outcome.DONE:
            continue
        now = what_stands(stands, History(drill.events[:number]))
        for each in stands:
            if line["key"] == each.since.key and History(drill.events[:number]).act(each.since):
                assert [what for what in now if what.startswith(each.what)], each


@each_scene
def test_the_time_that_it_took_is_not_flattered(drilled: Drills, scene: Scene) -> None:
    """Health is believed after it was measured, so later than it is true, but not by more than five minutes."""
    drill = drilled(scene)
    assert honest(drill.run, drill.truth)


@each_scene
def test_the_intent_is_in_the_journal_before_each_write(drilled: Drills, scene: Scene) -> None:
    """One intent is for one write; the lock is in three buckets; a batch is named in full, and each name is for one."""
    open_for: tuple[str, str] | None = None
    written = left = 0
    batch: list[str] = []
    for line in drilled(scene).events:
        if line["event"] == "intent":
            open_for = (line["step"], line["target"])
            batch = [*line["before"].get("batch", ())]
            left = len(batch) or (3 if line["key"] in lock.KEYS else 1)
        elif line["event"] == "call" and line["write"]:
            assert open_for and left, f"line {line['n']}: {line['call']} without an intent"
            if batch:
                given = {str(value) for value in line["parameters"].values()}
                named = [name for name in batch if {*name.split()} <= given]
                assert named, f"line {line['n']}: {line['call']} is not named by its intent"
                batch.remove(named[0])
            written += 1
            left -= 1
        elif line["event"] == "result" and open_for == (line["step"], line["target"]):
            open_for = None
    assert written


@each_scene
def test_the_journal_holds_each_write_that_the_services_have_handled(drilled: Drills, scene: Scene) -> None:
    """The other way round: nothing reaches a service past the gate."""
    drill = drilled(scene)
    called = [line for line in drill.events if line["event"] == "call" and line["write"]]
    told = [line["call"] for line in called if line["answer"] != "AccessDeniedException"]
    by_aws = [call for call in told if not call.startswith(("http:", "drcore:"))]
    assert sorted(by_aws) == sorted(each.call for each in drill.effects if not each.call.startswith(VENDORS))
    by_http = [line for line in called if line["call"].startswith("http:") and line["answer"] == "OK"]
    assert len(by_http) == sum(each.call.startswith(VENDORS) for each in drill.effects)


@each_scene
def test_each_call_says_where_it_went_and_what_it_leans_on(drilled: Drills, scene: Scene) -> None:
    drill = drilled(scene)
    calls = [line for line in drill.events if line["event"] == "call"]
    service = drill.run.run.service
    witness = service.evidence.witness
    assert calls and witness
    for line in calls:
        assert line["plane"] in ("control", "data")
        if not line["call"].startswith(("http:", "drcore:", "dns:")):
            clustered = line["call"].startswith("route53-recovery-cluster:")  # five regions, to outlive any of ours
            assert clustered or line["region"] in (*service.regions, witness.region), line
            if line["region"] == witness.region:
                assert line["call"] in OF_THE_WITNESS, line
            assert line["request_id"] or line["answer"] != "OK", line


@each_followed_scene
def test_a_second_run_right_after_finds_nothing_to_do_and_says_so(drilled: Drills, scene: Scene) -> None:
    """It changes nothing, and reaches its goal; or it sees no reason to begin, and stops before its first act.

    Or it is refused: it was to be for a table that is not in use any more. Or it cannot tell: the alarm of what the
    remedy has taken out is silent.
    """
    after = drilled(scene).after
    assert after
    assert lock_only(after.second_effects) or isinstance(after.second_trouble, Refused)
    assert not [line for line in written(after.second) if not of_the_lock(line)]
    found = outcomes(after.second)
    if isinstance(after.second_trouble, Refused):
        assert "correct g.yaml" in str(after.second_trouble)
        assert (found, after.second_exit) == ({}, Exit.REFUSED)
    elif after.second_trouble:
        stopped = list(found)[-1]
        acts = [step.title for step in scene.plan.steps if step.act]
        assert isinstance(after.second_trouble, StepFailed)
        outcome = found.pop(stopped)
        assert after.second_exit == Exit.MISSED
        if outcome is Outcome.UNKNOWN:
            assert "is INSUFFICIENT_DATA" in str(after.second_trouble)
        else:
            assert outcome is Outcome.FAILED
            assert stopped in acts[:3], "the first acts are the page, who takes it on, the decision to begin"
    else:
        assert after.second.verdict and after.second.verdict.word is Word.NO_DRILL, "nothing was broken"
        assert after.second_exit == Exit.MISSED
    questions = {step.title for step in scene.plan.steps if not step.gate}
    assert {title for title, outcome in found.items() if outcome is not Outcome.ALREADY} <= questions
    assert set(found.values()) <= {Outcome.ALREADY, Outcome.SKIPPED}


@each_followed_scene
def test_a_finished_run_that_is_resumed_does_nothing_twice(drilled: Drills, scene: Scene) -> None:
    after = drilled(scene).after
    assert after
    assert lock_only(after.resumed_effects)
    assert after.resumed.verdict and after.resumed.verdict.word is Word.REACHED


def written(run: Runbook) -> list[Event]:
    return [line for line in read_events(run.folder) if line["event"] == "call" and line["write"]]


@each_plan
def test_every_act_of_the_plan_is_carried_out_in_some_drill(drilled: Drills, plan: Plan[Any]) -> None:
    done = {line["step"] for scene in scenes_of(plan) for line in drilled(scene).events if line["event"] == "intent"}
    undone = [step for step in plan.steps if step.act and step.title not in done]
    assert [step.title for step in undone if step.key not in BY_CHANCE] == []
