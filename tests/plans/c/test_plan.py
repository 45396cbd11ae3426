"""Plan C in worlds that its drills do not come to: too little data, a review under way, local data that has changed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from drcore.calls.gate import Writes
from drcore.engine.outcome import Outcome
from drcore.engine.verdict import Word
from drcore.errors import BadInput, StepFailed
from drcore.plans import c
from drcore.plans.c.stores import APP_STORE, PLAY
from drcore.run.runbook import Runbook
from drcore.sandbox.services.xray.state import Traces
from drcore.sandbox.syncwell.life.app_flags import AppFlags
from drcore.sandbox.syncwell.life.app_levers import AppLevers
from drcore.sandbox.vendors.appstoreconnect.store import AppStore
from drcore.sandbox.vendors.googleplay.store import PlayStore
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.honesty import honest
from tests.support.stage import Scene, Stage, carry_out, client, outcomes, proven

SHORT = "review_minutes=10,update_hours=1"


def carried(stage: Stage, fault: str, *, until: Any = None, **incident: str) -> tuple[Runbook, Exception | None]:
    """A drill of a fault, on a short course; with what ended it before its time."""
    scene = Scene(c.PLAN, f"{fault}{',' if ':' in fault else ':'}{SHORT}", incident=incident)
    run = stage.open(stage.prepare(scene, facts={"detection_minutes": 1}))
    return run, carry_out(run, until=until)


def changed(stage: Stage) -> list[str]:
    """What was changed in the stores by this run."""
    vendors = ("googleplay:", "appstoreconnect:")
    return [each.call for each in stage.effects if each.call.startswith(vendors)]


def test_two_crashes_of_few_users_should_halt_nothing(stage: Stage) -> None:
    """The rate looks bad, and it is chance: whether it is bad cannot be told of so few."""
    run, trouble = carried(stage, "mobile-crash-few-users")
    assert isinstance(trouble, StepFailed)
    assert "whether 4.11.0 crashes cannot be told" in run.results[c.DETECT.key].why
    assert list(run.results) == [c.DETECT.key]
    assert changed(stage) == []
    proven(run)


def test_ios_without_a_source_of_crashes_should_be_unknown_until_a_person_reports_the_bug(stage: Stage) -> None:
    run, trouble = carried(stage, "ios-no-crash-source")
    assert isinstance(trouble, StepFailed)
    ios = next(each for each in run.results[c.DETECT.key].targets if each.target == APP_STORE)
    assert ios.outcome is Outcome.UNKNOWN and "nobody was seen with it" in ios.why
    assert changed(stage) == []

    again = stage.open(stage.prepare(Scene(c.PLAN, ""), incident={"bug": "it crashes on start"}))
    assert carry_out(again, until=c.HALT_IOS) is None
    assert outcomes(again)[c.HALT_IOS.title] is Outcome.DONE
    assert stage.truth()["mobile"]["stores"]["appstore"]["bad"] == ["41100"]


def test_a_territory_that_is_none_should_be_refused_before_anything_is_touched(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(c.PLAN, "", incident={"off_sale": "DEU,XYZ"})))
    with pytest.raises(BadInput, match=r"off_sale: expected codes of territories.*seen XYZ"):
        run.preflight()
    assert changed(stage) == []
    run.close()


def test_a_hotfix_in_review_should_survive_the_halt(stage: Stage) -> None:
    """Google would cancel its review by default. The App Store is halted all the same, then the plan stops."""
    run, trouble = carried(stage, "play-change-in-review")
    assert isinstance(trouble, StepFailed)
    assert run.results[c.HALT_PLAY.key].outcome is Outcome.FAILED
    assert "4.11.1 waits for its review, which this change would cancel" in run.results[c.HALT_PLAY.key].why
    assert run.results[c.HALT_IOS.key].outcome is Outcome.DONE
    assert [release.body["name"] for release in stage.door.world.state(PlayStore).in_review()] == ["4.11.1"]
    assert changed(stage) == ["appstoreconnect:update_phased_release"]
    assert run.verdict and run.verdict.word is Word.MISSED


@pytest.mark.parametrize(
    "fault", ["ios-fully-released", "play-fully-released", "play-edit-conflict"][: 3 if EXHAUSTIVE else 1]
)
def test_a_drill_should_reach_its_goal_and_measure_honestly(stage: Stage, fault: str) -> None:
    """Of faults that differ from others in one answer of a store."""
    named = {"off_sale": "DEU,FRA"} if fault == "ios-fully-released" else {}
    run, trouble = carried(stage, fault, **named)
    assert trouble is None
    assert run.verdict and run.verdict.word is Word.REACHED
    assert honest(run, stage.truth())
    turned = [each for each in changed(stage) if each.endswith("territory_availability")]
    assert len(turned) == (4 if named else 0), "off in two territories, and back"
    assert outcomes(run)[c.OFF_SALE.title] is outcomes(run)[c.ON_SALE.title]
    assert outcomes(run)[c.ON_SALE.title] is (Outcome.DONE if named else Outcome.ALREADY)
    assert all(each.available for each in stage.door.world.state(AppStore).territories.values())
    halted = "for everybody" if fault == "ios-fully-released" else "is halted"
    halt = c.HALT_IOS if fault == "ios-fully-released" else c.HALT_PLAY
    assert halted in run.results[halt.key].why
    proven(run)
    (split,) = (each for each in run.verdict.remarks if "min passed" in each)
    pattern = r"until the replacement was out (\d+) min passed: ours (\d+) min, .* stores' (\d+) min, in review"
    told = re.fullmatch(pattern, split)
    assert told and int(told[1]) == pytest.approx(int(told[2]) + int(told[3]), abs=1)


def test_a_halt_that_meets_somebody_in_the_console_should_be_committed_once_and_keep_the_others(stage: Stage) -> None:
    run, trouble = carried(stage, "play-edit-conflict", until=c.HALT_PLAY)
    assert trouble is None
    assert changed(stage) == ["googleplay:commit_edit"]
    track = stage.door.world.state(PlayStore).tracks["production"]
    assert [(each.codes, each.status) for each in track] == [((41100,), "halted"), ((41000,), "completed")]
    tries = [line for line in run.record.events if line["event"] == "act-failed"]
    assert [line["refused"] for line in tries] == [True, True]


def test_local_data_that_old_code_cannot_read_should_lead_to_a_hotfix(stage: Stage) -> None:
    setting = stage.prepare(Scene(c.PLAN, f"mobile-crash:{SHORT},schema_changed=true"))
    run = stage.open(setting)
    assert carry_out(run, until=c.BUILD) is None
    assert run.results[c.DECIDE.key].why.startswith("hotfix, by no person")
    (build,) = (
        client(run, "codebuild", "us-west-2").batch_get_builds(ids=[each])["builds"][0]
        for each in client(run, "codebuild", "us-west-2").list_builds_for_project(projectName="syncwell-mobile")["ids"]
    )
    assert (build["sourceVersion"], build["buildStatus"]) == ("hotfix", "SUCCEEDED")


def test_rolling_back_to_code_that_cannot_read_the_local_data_should_be_refused(stage: Stage) -> None:
    """Its spans lie in a log group here: triage reads them there."""
    stage.door.world.state(Traces).searched.add("us-west-2")
    fault = f"mobile-crash:{SHORT},schema_changed=true"
    run = stage.open(stage.prepare(Scene(c.PLAN, fault, incident={"remedy": "roll back"})))
    assert isinstance(carry_out(run), StepFailed)
    why = run.results[c.DECIDE.key].why
    assert "4.11.0 writes local schema 8, 4.10.0 reads 7" in why and "-p remedy=hotfix" in why
    assert c.BUILD.key not in run.results
    (seen,) = next(iter(run.results[c.TRIAGE.key].states.values())).traced
    assert (seen.store, seen.missing) == ("CloudWatchLogs", "")
    assert 0 < seen.faulty < seen.traces
    assert seen.thrown[0].describe().startswith("IllegalStateException in SyncQueue.merge in syncwell-app")
    nodes = {node.name: node for node in seen.services}
    assert nodes["syncwell-app"].calls_to == ("syncwell-api",) and nodes["syncwell-app"].faults == seen.faulty
    assert nodes["SyncWellMetadata"].faults == 0


def test_a_release_that_loses_data_in_one_store_should_be_replaced_in_both(stage: Stage) -> None:
    """With so few that lose data that one store has too few reports: it is the same release, and nothing clears it."""
    run, trouble = carried(stage, "mobile-data-loss:loses=0.01", bug="what was not synced is gone after the update")
    assert trouble is None
    reports = {str(store): seen.lost_data.tickets for store, seen in run.results[c.DETECT.key].states.items()}
    least = run.run.facts.lost_data.least
    assert reports["App Store"] < least <= reports["Google Play"], "else this shows nothing"
    assert run.verdict and run.verdict.word is Word.REACHED
    assert stage.truth()["healthy_since"]
    for store in stage.truth()["mobile"]["stores"].values():
        assert store["offered"]["41101"] == 1 and store["offered"].keys() <= {"41101", "41000"}
    asked = {"enabled": True, "google_play": "4.11.1", "app_store": "4.11.1"}
    assert levers(stage)["app_least_version"] == [asked, asked]
    assert "no new error names a feature" in run.results[c.FEATURE.key].why, "which would not help"
    assert not stage.door.world.state(AppLevers).without_feature(41100)


def levers(stage: Stage) -> dict[str, list[dict[str, Any]]]:
    """The app's own flags as phones get them, of both regions."""
    flags = stage.door.world.state(AppFlags)
    names = ("app_feature_merge", "app_least_version")
    return {name: [flags.of(region, "user-00")[name] for region in ("us-east-1", "us-west-2")] for name in names}


def test_a_recovery_that_google_cannot_generate_should_be_told_and_keep_nobody_from_getting_well(stage: Stage) -> None:
    run, _ = carried(stage, "recovery-generation-failed")
    assert run.results[c.RECOVER.key].outcome is Outcome.FAILED
    assert "Google could not generate" in run.results[c.RECOVER.key].why
    assert run.results[c.VERIFY.key].outcome is Outcome.DONE
    assert run.verdict and run.verdict.word is Word.NOT_HELD and c.RECOVER.title in run.verdict.why
    assert stage.truth()["healthy_since"]


def test_users_who_were_harmed_since_the_halt_should_be_those_of_the_simulation(stage: Stage) -> None:
    run, trouble = carried(stage, "mobile-crash", until=c.HALT_PLAY)
    assert trouble is None
    before = crashed(stage)
    for step in c.PLAN.steps[c.PLAN.steps.index(c.HALT_PLAY) + 1 :]:
        run.step(step)
        if step is c.VERIFY:
            break
    seen = next(state for target, state in run.results[c.VERIFY.key].states.items() if target == PLAY)
    known = crashed(stage)
    stage.sleep(3600)
    late = crashed(stage) - known  # of an hour: what is exported lacks the last half of one
    assert known - before - late <= seen.harmed_since <= known - before
    assert known - late <= seen.harmed <= known
    assert 0 < seen.harmed_since < 20, "the feature that crashes is off in it: without that there are some sixty"
    off = {"enabled": True, "off_from": "4.11.0", "off_to": "4.11.0"}
    assert levers(stage)["app_feature_merge"] == [off, off]
    assert levers(stage)["app_least_version"] == [{"enabled": True, "google_play": "4.11.1"}] * 2, "iOS has none"
    curve = (run.folder / "evidence" / "recovery-curve-table.csv").read_text().splitlines()
    assert len(curve) > 2 and int(curve[-1].split(",")[-2]) == seen.recovery.recovered > 0
    run.step(c.CLOSE, despite="what stands between is not asked for here")
    run.verify()
    (cost,) = (told for told in run.verdict.remarks if told.startswith("users:"))  # type: ignore[union-attr]
    assert f"{seen.harmed:,} users, {seen.harmed_since:,} of them after the halt" in cost
    run.close()


def crashed(stage: Stage) -> int:
    """Users whose app has crashed in the bad version on Android, in truth."""
    return int(stage.truth()["mobile"]["stores"]["play"]["crashed"]["41100"])


def test_a_recovery_action_should_be_cancelled_by_its_undo(stage: Stage) -> None:
    run, trouble = carried(stage, "mobile-crash", until=c.RECOVER)
    assert trouble is None
    assert c.RECOVER.undo
    intents = [line for line in run.record.events if line["event"] == "intent"]
    before = c.RECOVER.from_json(next(line["before"] for line in intents if line["step"] == c.RECOVER.title))
    stage.sleep(5)  # since its last change
    with run.run.calls.during(Writes.ALLOWED):
        c.RECOVER.undo(run.run, PLAY, before)
    assert c.RECOVER.look(run.run, PLAY) == before
    run.close()


@pytest.mark.parametrize("store", [PLAY, APP_STORE], ids=str)
def test_a_store_that_does_not_answer_should_keep_the_other_from_nothing(stage: Stage, store: Any) -> None:
    setting = stage.prepare(Scene(c.PLAN, f"mobile-crash:{SHORT}"))
    run = stage.open(setting)
    run.preflight()
    run.step(c.DETECT)
    run.step(c.NOTIFY)
    stage.fault("latency", service="googleplay" if store == PLAY else "appstoreconnect", seconds=10)
    for step in (c.HALT_PLAY, c.HALT_IOS):
        run.step(step)
    silent, other = (c.HALT_PLAY, c.HALT_IOS) if store == PLAY else (c.HALT_IOS, c.HALT_PLAY)
    assert run.results[silent.key].outcome is Outcome.UNKNOWN
    assert run.results[other.key].outcome is Outcome.DONE
    with pytest.raises(StepFailed):
        run.step(c.DECIDE)
    run.close()
