"""What differs from a plain leak: what the plan then decides, waits for, tells as left."""

from __future__ import annotations

from drcore import plans
from drcore.plans import e
from drcore.plans.e.p1_verify import ContainmentChoice
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines, outcomes

PLAN = plans.find("e")


def drilled(stage: Stage, fault: str) -> None:
    """Carry a drill out; what is looked at is the stage's last run."""
    run = stage.open(stage.prepare(Scene(PLAN, fault), facts=SHORT))
    assert carry_out(run) is None


def test_an_issuer_without_revocation_should_be_told_with_what_stays_valid_there(stage: Stage) -> None:
    drilled(stage, "issuer-without-revocation")
    run = stage.opened[-1]
    why = {each.target.thing: each.why for each in run.results[e.ISSUERS.key].targets}
    assert "offers no revocation: 1,333 tokens stay valid there" in why["fitlog"]
    assert "straight at fitlog it is still valid" in run.results[e.REFUSED.key].targets[0].why
    told = stage.truth()["security"]
    assert (told["accepting"], told["at_issuer"]["fitlog"], told["at_issuer"]["pulse"]) == ([], 1333, 0)


def test_a_replica_in_another_account_should_be_named(stage: Stage) -> None:
    drilled(stage, "secret-replica-in-other-account")
    copies = stage.opened[-1].results[e.COPIES.key]
    assert [each.target.region for each in copies.targets if "replicas in account 210987654321" in each.why] == [
        "us-east-1"
    ]


def test_a_hole_in_the_app_should_be_waited_for_and_nothing_of_the_backend_be_shifted(stage: Stage) -> None:
    before = stage.truth()["serving"]
    drilled(stage, "vulnerability-in-app")
    run = stage.opened[-1]
    assert stage.truth()["serving"] == before
    assert all("plan C releases the mended version" in each.why for each in run.results[e.LAMBDA.key].targets)
    assert not [line for line in lines(run, "intent") if line["step"] in (e.LAMBDA.title, e.API.title)]
    assert run.run.moments["mended"] < run.run.moments["invalidated"]


def test_what_is_exploited_already_should_recommend_maintenance(stage: Stage) -> None:
    drilled(stage, "vulnerability-exploited")
    run = stage.opened[-1]
    assert run.run.decided(e.DECIDE).choice == "maintenance"
    (seen,) = run.results[e.DECIDE.key].states.values()
    assert isinstance(seen, ContainmentChoice) and seen.severity
    assert (seen.severity.level, seen.finding and seen.finding.known_exploited) == ("act", True)


def test_a_low_finding_should_be_tracked_and_change_nothing_for_users(stage: Stage) -> None:
    drilled(stage, "vulnerability-low")
    run = stage.opened[-1]
    assert run.run.decided(e.DECIDE).choice == "track"
    acted = {title for title, outcome in outcomes(run).items() if outcome == "DONE"}
    told = {step.title for step in (e.KEEP_LOGS, e.FREEZE_EVIDENCE, e.NOTIFY, e.ACKNOWLEDGE, e.DECIDE)}
    assert acted == told
    assert stage.state()["own"]["statuspage"]["incidents"] == []
    assert not [line for line in lines(run, "file") if "clocks-" in line["name"]]
