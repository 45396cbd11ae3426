"""Plan D: what it does to flags, what it says of whose trouble it is, what its record states of the cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.consent import Approval, Approvals
from drcore.engine.outcome import Answer, Outcome, Target
from drcore.engine.standing import what_stands
from drcore.engine.verdict import Word
from drcore.errors import Exit, StepFailed
from drcore.parameters import DrillPolicy
from drcore.plans import d
from drcore.plans.d.p5_monitor import LetInDecision, faster_than_taken, must_stay_out
from drcore.plans.d.paused import Case, decided_cases
from drcore.plans.shared.flags import switch_target
from drcore.record.events import Kind
from drcore.sandbox.vendors.partners.state import PartnerHealth, Partners
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.honesty import honest
from tests.support.stage import SHORT, Scene, Stage, carry_out, client, ended, incidents, lines, outcomes, staged

OUTAGE = Scene(d.PLAN, "partner-outage")
PARTNER = "pulsewatch"
EAST, WEST = "us-east-1", "us-west-2"


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    with staged(tmp_path) as stage:
        yield stage


def flags(stage: Stage) -> dict[str, dict[str, Any]]:
    """The values of the newest hosted version of each region, without times."""
    own = stage.state()["own"]["appconfig"]
    found = {}
    for region in (EAST, WEST):
        document = json.loads(own[region]["syncwell-switches"]["profiles"]["flags"][-1])
        found[region] = {
            flag: {name: each for name, each in value.items() if not name.startswith("_")}
            for flag, value in document["values"].items()
        }
    return found


def until(stage: Stage, step: Any, **changes: Any) -> Any:
    run = stage.open(stage.prepare(OUTAGE, facts=SHORT, **changes))
    assert carry_out(run, until=step) is None
    return run


def test_a_pause_touches_the_flags_of_its_partner_and_no_other_and_spares_its_users(stage: Stage) -> None:
    before = flags(stage)
    run = until(stage, d.VERIFY)
    after = flags(stage)
    for region in (EAST, WEST):
        changed = {flag for flag in after[region] if after[region][flag] != before[region][flag]}
        assert changed == {f"integration_{PARTNER}_enabled", f"banner_{PARTNER}"}
        assert after[region][f"integration_{PARTNER}_enabled"] == {"enabled": False, "calls_a_minute": 2000}
        assert "PulseWatch has an outage" in after[region][f"banner_{PARTNER}"]["text"]
    seen = stage.truth()
    assert seen["integrations"][PARTNER] == {"on": {EAST: 0.0, WEST: 0.0}, "banner": {EAST: 1.0, WEST: 1.0}}
    calls = seen["syncs"][PARTNER]["calls"]
    stage.sleep(600)
    assert stage.truth()["syncs"][PARTNER]["calls"] == calls, "no call after the flag"
    (case,) = decided_cases(run.run)
    assert isinstance(case, Case)
    assert (case.partner, case.cause, case.pause) == (PARTNER, "the partner", True)
    run.run.record.close()
    again = stage.again(run).run
    assert decided_cases(again) == (case,), "kept with the decision, after a restart, too"
    target, begun = Target(EAST, PARTNER), switch_target(EAST, PARTNER)
    told = {"region": EAST, "thing": begun.thing, "try": 1, "before": None}
    again.record.append(Kind.INTENT, step=d.LET_IN, target=str(begun), **told)
    seen = d.VERIFY.look(again, target)
    check = d.VERIFY.expect(again, target, seen)
    assert (seen.paused, check.answer) == ((), Answer.YES), "killed as it is let in: it has few calls, or none yet"


def test_the_record_states_what_the_pause_has_cost_in_truth(stage: Stage) -> None:
    before = stage.truth()["syncs"][PARTNER]["delayed"]
    run = stage.drill(OUTAGE, facts=SHORT)
    told = next(iter(run.results[d.CLOSE.key].states.values())).costs[0]
    then = stage.truth()["syncs"][PARTNER]
    assert (told.lost, then["lost"]) == (0, 0)
    assert told.delayed == pytest.approx(then["delayed"] - before, abs=20), "but for the last minutes, not told yet"
    (cost,) = (each for each in run.verdict.remarks if each.startswith("users:"))  # type: ignore[union-attr]
    assert f"{PARTNER} {told.delayed:,} syncs delayed, 0 lost, from " in cost


def test_a_flag_that_somebody_else_changes_meanwhile_is_not_set_back(stage: Stage) -> None:
    """A colleague pauses another partner between the decision and the pause."""
    run = until(stage, d.DECIDE)
    colleague(run, "integration_strideon_enabled", {"enabled": False, "calls_a_minute": 2000})
    assert carry_out(run, until=d.PAUSE) is None
    for values in flags(stage).values():
        assert values["integration_strideon_enabled"]["enabled"] is False
        assert values[f"integration_{PARTNER}_enabled"]["enabled"] is False


def colleague(run: Any, flag: str, value: dict[str, Any]) -> None:
    """Change a flag in every region past the runbook, and deploy it."""
    for region in (EAST, WEST):
        api = client(run, "appconfig", region)
        app = next(each["Id"] for each in api.list_applications()["Items"] if each["Name"] == "syncwell-switches")
        place = api.list_environments(ApplicationId=app)["Items"][0]["Id"]
        profile = api.list_configuration_profiles(ApplicationId=app)["Items"][0]["Id"]
        of = {"ApplicationId": app, "ConfigurationProfileId": profile}
        newest = api.list_hosted_configuration_versions(**of)["Items"][0]["VersionNumber"]
        document = json.loads(api.get_hosted_configuration_version(VersionNumber=newest, **of)["Content"].read())
        document["values"][flag] = value
        made = api.create_hosted_configuration_version(
            Content=json.dumps(document).encode(), ContentType="application/json", **of
        )
        strategy = next(
            each["Id"] for each in api.list_deployment_strategies()["Items"] if each["Name"] == "switch-at-once"
        )
        api.start_deployment(
            EnvironmentId=place,
            DeploymentStrategyId=strategy,
            ConfigurationVersion=str(made["VersionNumber"]),
            **of,
        )


def test_one_region_done_and_the_other_not_is_shown_and_gone_on_with(stage: Stage) -> None:
    run = until(stage, d.DECIDE)
    stage.fault("access-denied", service="appconfig", operation="StartDeployment", region=WEST)
    assert isinstance(carry_out(run), StepFailed)
    seen = {str(each.target): each.outcome for each in run.results[d.PAUSE.key].targets}
    assert seen[f"{PARTNER}, deployment in us-east-1"] is Outcome.DONE
    assert seen[f"{PARTNER}, deployment in us-west-2"] is Outcome.FAILED
    assert run.verdict and run.verdict.word is Word.MISSED
    stage.mend("access-denied")
    again = stage.again(run)
    assert carry_out(again, until=d.VERIFY) is None
    assert outcomes(again)[d.PAUSE.title] is Outcome.DONE


def test_a_partner_that_fails_again_while_it_is_let_in_is_paused_again(stage: Stage) -> None:
    run = until(stage, d.DECIDE_BACK)
    stage.door.world.clock.advance(1)
    relapse(stage)
    assert isinstance(carry_out(run), StepFailed)
    assert "fails again" in run.results[d.LET_IN.key].why
    assert "backed out" in run.results[d.LET_IN.key].why
    stage.sleep(120)
    assert max(stage.truth()["integrations"][PARTNER]["on"].values()) == 0.0
    assert {line["step"] for line in lines(run, "backed-out")} == {d.LET_IN.title}


class Killed(BaseException):
    """The process is gone: nothing of its own is done any more."""


def killed_as_it_lets_in(stage: Stage, patch: pytest.MonkeyPatch, **changes: Any) -> Any:
    """A run whose process is killed when a part of the users has the partner again. Returns it, opened again."""
    run = until(stage, d.DECIDE_BACK, **changes)
    sleep = run.run.clock.sleep

    def killed(seconds: float) -> None:
        if share(stage) > 0:
            raise Killed
        sleep(seconds)

    patch.setattr(run.run.clock, "sleep", killed)
    with pytest.raises(Killed):
        run.step(d.LET_IN)
    run.run.record.close()
    assert 0 < share(stage) < 1
    return stage.again(run)


def share(stage: Stage) -> float:
    """Of the users that have the partner, where most have it."""
    found: float = max(stage.truth()["integrations"][PARTNER]["on"].values())
    return found


@pytest.mark.parametrize(
    "late",
    [True, False][: 2 if EXHAUSTIVE else 1],
    ids=["when all have it", "as it is given out"][: 2 if EXHAUSTIVE else 1],
)
def test_a_partner_that_fails_again_after_a_kill_is_paused_again_before_the_run_comes_to_let_it_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    again = killed_as_it_lets_in(stage, monkeypatch)
    stage.sleep(600 * late)
    relapse(stage)
    stage.sleep(180)
    again.run.facts = again.run.facts.model_copy(update={"recovery_minutes": 2.0})
    trouble = carry_out(again)
    assert isinstance(trouble, StepFailed) and "It stays paused" in str(trouble)
    assert share(stage) == 0.0
    (out,) = {line["n"] for line in lines(again, "backed-out") if line["target"] == str(switch_target(EAST, PARTNER))}
    (*_, monitor) = (line["n"] for line in lines(again, "step") if line["key"] == d.MONITOR.key)
    assert out < monitor, "while it is waited until no sync fails"
    assert what_stands((), again.run.history, d.PLAN.guarded) == ()
    stage.door.world.state(Partners).become(PARTNER, PartnerHealth())
    last = stage.again(again)
    assert carry_out(last) is None, "once it is well again it is decided anew, and let in"
    assert last.run.history.choices(d.DECIDE_BACK.name) == (f"let {PARTNER} in",) * 2
    assert last.verdict and last.verdict.word is Word.REACHED and share(stage) == 1.0


def relapse(stage: Stage) -> None:
    stage.door.world.state(Partners).become(PARTNER, PartnerHealth(errors=0.8))


def test_a_partner_whose_probes_fail_stays_paused_and_the_run_can_be_resumed(stage: Stage) -> None:
    run = stage.open(stage.prepare(OUTAGE, facts={**SHORT, "recovery_minutes": 2}, options={"duration": "0"}))
    trouble = carry_out(run)
    assert isinstance(trouble, StepFailed)
    assert outcomes(run)[d.MONITOR.title] is Outcome.SKIPPED
    assert "It stays paused" in run.results[d.DECIDE_BACK.key].why
    assert (run.verdict and run.verdict.word is Word.REACHED) or run.verdict
    stage.mend("partner-outage")
    stage.sleep(600)
    again = stage.again(run)
    assert carry_out(again) is None
    assert again.verdict and again.verdict.word is Word.REACHED


def test_of_two_partners_one_is_paused_where_a_person_says_so(stage: Stage) -> None:
    others = tuple(step.title for step in d.PLAN.steps if step is not d.DECIDE)
    policy = DrillPolicy(name="all but the decision", approves=others)
    setting = stage.prepare(Scene(d.PLAN, "partner-outage-two"), facts=SHORT, service={"drill_policy": policy})
    one = "pause strideon; leave pulsewatch on"
    given = Approval(
        step=d.DECIDE.title,
        phrase=f"PAUSE STRIDEON AND LEAVE PULSEWATCH ON IN {EAST}, {WEST}",
        by="Ada",
        reason="PulseWatch's syncs are few",
        expires=datetime(2026, 1, 6, tzinfo=UTC),
    )
    run = stage.open(setting, approvals=Approvals(run=setting.run_id, approvals=(given,)))
    assert carry_out(run, until=d.PAUSE) is None
    assert run.run.decided(d.DECIDE.name).choice == one
    assert {case.partner: case.pause for case in decided_cases(run.run)} == {"strideon": True, PARTNER: False}
    for values in flags(stage).values():
        assert values["integration_strideon_enabled"]["enabled"] is False
        assert values[f"integration_{PARTNER}_enabled"]["enabled"] is True


def test_what_waits_is_not_let_in_faster_than_the_partner_takes_it(stage: Stage) -> None:
    run = until(stage, d.DECIDE)
    assert faster_than_taken(run.run, PARTNER) == ""
    colleague(run, f"integration_{PARTNER}_enabled", {"enabled": True, "calls_a_minute": 2501})
    assert "2501 in us-west-2 calls a minute through, pulsewatch takes 5000" in faster_than_taken(run.run, PARTNER)
    seen = LetInDecision({}, (faster_than_taken(run.run, PARTNER),))
    assert must_stay_out(run.run, seen).endswith(f"then go on: drcore resume {run.run.id}")


@pytest.mark.skipif(not EXHAUSTIVE, reason="a whole drill: that it stops is seen by those short of their goal")
def test_an_alarm_that_takes_back_the_pause_stops_the_plan_until_it_monitors_no_more(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(d.PLAN, "flag-monitor-rolls-back"), facts=SHORT))
    assert isinstance(carry_out(run), StepFailed)
    assert "take partner-errors off the environment's monitors" in run.results[d.PAUSE.key].why
    api = client(run, "appconfig", EAST)
    app = next(each["Id"] for each in api.list_applications()["Items"] if each["Name"] == "syncwell-switches")
    place = api.list_environments(ApplicationId=app)["Items"][0]["Id"]
    api.update_environment(ApplicationId=app, EnvironmentId=place, Monitors=[])
    again = stage.again(run)
    assert carry_out(again) is None
    assert again.verdict and again.verdict.word is Word.REACHED


OTHERS = {
    "partner-status-page-lies": ("the partner", "its page: all operational"),
    "partner-degraded": ("the partner", ""),
    "our-secret-expired": ("ours: our credential is refused", "its page: all operational"),
    "flag-deployment-in-the-way": ("the partner", ""),
}


@pytest.mark.parametrize("fault", list(OTHERS)[: None if EXHAUSTIVE else 1])
def test_each_fault_is_told_for_what_it_is_and_is_seen_to_its_end(stage: Stage, fault: str) -> None:
    cause, against = OTHERS[fault]
    scene = Scene(d.PLAN, next(each for each in d.PLAN.faults if each.startswith(fault)))
    run = stage.drill(scene, facts=SHORT)
    assert run.verdict and run.verdict.word is Word.REACHED
    assert honest(run, stage.truth())
    cases = decided_cases(run.run)
    assert {case.cause for case in cases} == {cause}
    assert {case.partner for case in cases} == {PARTNER}
    assert all(against in "; ".join(case.against) for case in cases)
    assert all(set(each["on"].values()) == {1.0} for each in stage.truth()["integrations"].values())


def test_an_outage_in_which_nobody_answers_is_one_too(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(d.PLAN, "partner-outage:silent=0.95,duration=8"), facts=SHORT))
    assert carry_out(run, until=d.PAUSE) is None
    (case,) = decided_cases(run.run)
    assert (case.partner, case.cause, case.pause) == (PARTNER, "the partner", True)


def test_the_outage_that_is_ours_is_called_ours_wherever_it_is_told(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(d.PLAN, "our-secret-expired"), facts=SHORT))
    assert carry_out(run, until=d.PAUSED) is None
    text = flags(stage)[EAST][f"banner_{PARTNER}"]["text"]
    told = incidents(stage)[0]["incident_updates"][0]["body"]
    for words in (text, told):
        assert "our connection" in words.lower()
        assert "has an outage" not in words


def test_a_page_that_tells_of_an_outage_that_is_none_pauses_nothing(stage: Stage) -> None:
    before = flags(stage)
    scene = Scene(d.PLAN, "partner-status-page-lies:says=down,duration=5,unnoticed=0")
    run = stage.drill(scene, facts=SHORT)
    assert run.verdict and run.verdict.word is Word.REACHED
    assert flags(stage) == before
    assert outcomes(run)[d.PAUSE.title] is Outcome.ALREADY
    assert [each["status"] for each in incidents(stage)] == ["resolved"]


def test_two_partners_have_a_switch_a_proof_and_a_way_back_each(stage: Stage) -> None:
    """One is back while the other one is out: it is let in alone, then the other one is waited for, within its time."""
    scene = Scene(d.PLAN, "partner-outage-two:duration=8,page_lag=2,second_longer=240")
    run = stage.open(stage.prepare(scene, facts={**SHORT, "recovery_minutes": 10}))
    stopped = carry_out(run)
    assert isinstance(stopped, StepFailed) and ended(run).exit == Exit.MISSED
    assert "not well yet: strideon" in str(stopped) and "Go on later: drcore resume" in str(stopped)
    (standing,) = what_stands(d.PLAN.stands[:1], run.run.history)
    assert "strideon, deployment in us-east-1" in standing and PARTNER not in standing
    deployed = [each for each in run.results[d.PAUSE.key].targets if "deployment" in each.target.thing]
    assert {each.target.thing for each in deployed} == {f"{PARTNER}, deployment", "strideon, deployment"}
    assert {each.outcome for each in deployed} == {Outcome.DONE}
    proofs = {each.target.thing: each.why for each in run.results[d.VERIFY.key].targets}
    assert set(proofs) == {PARTNER, "strideon", "the other partners"}
    assert "pulsewatch" not in proofs["strideon"] and "strideon" not in proofs[PARTNER]
    assert run.run.history.choices(d.DECIDE_BACK.name) == (f"let {PARTNER} in",)
    assert on(stage) == {PARTNER: 1.0, "strideon": 0.0}
    (incident,) = incidents(stage)
    assert incident["status"] == "monitoring"
    told = incident["incident_updates"][0]["body"]
    assert "Syncing with PulseWatch works normally" in told and "We have paused syncing with StrideOn" in told
    stage.mend("partner-outage-two")
    stage.sleep(240)
    again = stage.again(run)
    assert carry_out(again) is None
    assert again.run.history.choices(d.DECIDE_BACK.name) == (f"let {PARTNER} in", "let strideon in")
    assert again.verdict and again.verdict.word is Word.REACHED
    assert on(stage) == {PARTNER: 1.0, "strideon": 1.0}
    assert [each["status"] for each in incidents(stage)] == ["resolved"]


@pytest.mark.skipif(not EXHAUSTIVE, reason="a whole drill: the one before waits for the second one, too")
def test_the_partner_that_is_back_later_is_let_in_by_the_same_run(stage: Stage) -> None:
    run = stage.drill(Scene(d.PLAN, next(each for each in d.PLAN.faults if "two" in each)), facts=SHORT)
    assert run.run.history.choices(d.DECIDE_BACK.name) == (f"let {PARTNER} in", "let strideon in")
    assert run.verdict and run.verdict.word is Word.REACHED and honest(run, stage.truth())
    assert on(stage) == {PARTNER: 1.0, "strideon": 1.0}
    (incident,) = incidents(stage)
    assert [each["status"] for each in reversed(incident["incident_updates"])] == [
        "investigating",
        "monitoring",
        "resolved",
    ]


def on(stage: Stage) -> dict[str, float]:
    """For which share of the users the two are on, where fewest have it."""
    seen = stage.truth()["integrations"]
    return {name: min(seen[name]["on"].values()) for name in (PARTNER, "strideon")}


def test_what_is_in_the_way_is_stopped_and_named_in_what_is_typed(stage: Stage) -> None:
    """A colleague's ramp of half an hour, an experiment: each in us-east-1."""
    run = stage.open(stage.prepare(Scene(d.PLAN, "flag-deployment-in-the-way"), facts=SHORT))
    assert carry_out(run, until=d.PAUSE) is None
    (asked,) = (line for line in lines(run, "consent") if line["step"] == d.CLEAR.title)
    assert asked["phrase"] == "STOP DEPLOYMENT 2 (BACK TO VERSION 1) IN us-east-1"
    for values in flags(stage).values():
        assert values["integration_nutrilog_enabled"]["calls_a_minute"] == 2000
        assert values[f"integration_{PARTNER}_enabled"]["enabled"] is False


def test_an_experiment_on_the_flag_is_stopped_so_that_nobody_is_left_on(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(d.PLAN, "flag-under-experiment:deployment=false"), facts=SHORT))
    assert carry_out(run, until=d.PAUSE) is None
    stage.sleep(60)
    assert stage.truth()["integrations"][PARTNER]["on"] == {EAST: 0.0, WEST: 0.0}
    (asked,) = (line for line in lines(run, "consent") if line["step"] == d.CLEAR.title)
    assert asked["phrase"] == f"STOP EXPERIMENT {PARTNER}-more-often ON integration_{PARTNER}_enabled IN us-east-1"
