"""What differs from a plain leak: what the plan then decides, waits for, tells as left."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcore import plans
from drcore.engine.outcome import Answer, Target
from drcore.errors import Refused, Unknown
from drcore.plans import e
from drcore.plans.e import titles
from drcore.plans.e.p1_verify import ContainmentChoice
from drcore.plans.e.p4_copies import Copies, no_old_copy
from drcore.plans.e.p6_close import is_told
from drcore.plans.e.stolen_uses import Uses, uses_since
from drcore.plans.e.token_secrets import written_in
from drcore.record.events import Kind
from drcore.sandbox.identity.callers import Callers
from drcore.sandbox.services.logs.state import Logs
from drcore.services import secretsmanager
from drcore.services.secretsmanager import ListedSecret, Secret
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines, outcomes, staged

PLAN = plans.find("e")


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """What is exploited already, up to the decision, by its first run: enough for what is judged by itself."""
    with staged(tmp_path_factory.mktemp("records")) as stage:
        run = stage.open(stage.prepare(Scene(PLAN, "vulnerability-exploited"), facts=SHORT))
        assert carry_out(run, until=e.DECIDE) is None
        yield stage


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


def test_copies_in_another_account_should_be_swept_there_and_its_replicas_followed(stage: Stage) -> None:
    """What a job has copied is written under the role there, what replication brings is looked at there."""
    drilled(stage, "secret-replica-in-other-account")
    run = stage.opened[-1]
    copies = {str(each.target): each.why for each in run.results[e.COPIES.key].targets}
    assert copies["in us-east-1"].endswith("replicas in account 210987654321 are in sync")
    assert copies["account 210987654321 in us-east-1"].startswith("all 3 secrets have the version without tokens")
    assert stage.truth()["security"]["copies"] == 0
    role = "arn:aws:iam::210987654321:role/syncwell-oauth-sweep"
    calls = [line for line in lines(run, "call") if line.get("role") == role and line["write"]]
    assert Counter(line["call"].partition(":")[2] for line in calls) == dict.fromkeys(
        ("PutSecretValue", "UpdateSecretVersionStage"), 2
    )
    with (Path(run.folder) / "evidence" / "own-calls.csv").open() as file:
        assert sum(row["who"] == role for row in csv.DictReader(file)) == 4
    with (Path(run.folder) / "evidence" / "tokens-by-state.csv").open() as file:
        points = [(row["series"], float(row["tokens"])) for row in csv.DictReader(file)]
    gone, old = ([tokens for name, tokens in points if (name == "invalidated") is is_gone] for is_gone in (True, False))
    assert [sum(each) for each in zip(gone, old, strict=True)] == [5_600] * len(gone), "of all stores at each moment"
    assert (gone[-1], old[-1]) == (5_600, 0)


def test_a_role_that_cannot_be_taken_on_there_should_be_found_before_anything_is_touched(
    decided: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, before = "210987654321", len(decided.effects)
    trusting = decided.door.world.state(Callers).store_of(account).role("syncwell-oauth-sweep")
    nobody = json.dumps({"Version": "2012-10-17", "Statement": []})
    monkeypatch.setattr(trusting, "assume_role_policy_document", nobody)
    run = decided.open(decided.prepare(PLAN, run_id="refused", facts=SHORT))
    with pytest.raises(Refused, match=f"tokens of account {account}"):
        run.preflight()
    assert len(decided.effects) == before


def test_a_replica_of_another_region_should_not_be_written_in_another_account_either(
    decided: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    primaries = {"alone": "", "replicated": "us-east-1", "replica": "us-west-2"}
    listed = [ListedSecret(name, primary, "v") for name, primary in primaries.items()]
    monkeypatch.setattr(secretsmanager, "listed", lambda *_: iter(listed))
    monkeypatch.setattr(secretsmanager, "secret", lambda aws, region, name: Secret(primaries[name], ()))
    for store in (Target("us-east-1"), Target("us-east-1", "account 210987654321")):
        assert [each.name for each in written_in(decided.opened[0].run, store)] == ["alone", "replicated"], store


@pytest.mark.parametrize(
    ("seen", "answer", "told"),
    [
        (
            Copies(3, (), other_accounts=(("arn:aws:secretsmanager:us-east-1:210987654321:secret:x", "Failed"),)),
            Answer.NO,
            "secret:x is Failed",
        ),
        (Copies(3, ("a",), detached=("a",)), Answer.NEVER, "detached from the account that they follow, a first"),
    ],
    ids=["not followed", "detached"],
)
def test_a_copy_in_another_account_that_has_not_followed_should_be_no_yes(
    decided: Stage, seen: Copies, answer: Answer, told: str
) -> None:
    run = decided.opened[0].run
    run.record.append(Kind.DECISION, step=titles.DECIDE, choice="read-only")
    found = no_old_copy(run, Target("us-east-1"), seen)
    assert (found.answer, told in found.why) == (answer, True), found.why


def test_a_hole_in_the_app_should_be_waited_for_and_nothing_of_the_backend_be_shifted(stage: Stage) -> None:
    before = stage.truth()["serving"]
    drilled(stage, "vulnerability-in-app")
    run = stage.opened[-1]
    assert stage.truth()["serving"] == before
    assert all("plan C releases the mended version" in each.why for each in run.results[e.LAMBDA.key].targets)
    assert not [line for line in lines(run, "intent") if line["step"] in (e.LAMBDA.title, e.API.title)]
    assert run.run.moments["mended"] < run.run.moments["invalidated"]


def test_what_is_exploited_already_should_recommend_maintenance(decided: Stage) -> None:
    run = decided.opened[0]
    assert run.run.history.choices(e.DECIDE)[0] == "maintenance"
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


@pytest.mark.parametrize(
    ("choice", "uses", "answer"),
    [
        ("read-only", Uses(0, 3, 0, None), Answer.YES),
        ("track", Uses(0, 0, 0, None), Answer.YES),
    ],
    ids=["refused alone", "nothing was to be done"],
)
def test_where_no_stolen_token_was_accepted_it_should_be_told(
    decided: Stage, choice: str, uses: Uses, answer: Answer
) -> None:
    run = decided.opened[0].run
    run.record.append(Kind.DECISION, step=titles.DECIDE, choice=choice)
    assert is_told(run, Target("us-east-1"), uses).answer is answer


def test_a_log_line_that_does_not_tell_its_answer_should_be_unknown(decided: Stage) -> None:
    run, world = decided.opened[0].run, decided.door.world
    since = run.clock.now()
    line = json.dumps({"event": "stolen-token-use", "user": "u1", "answer": "maybe"})
    world.state(Logs).write("us-east-1", run.facts.security_logs, since, line)
    decided.sleep(600)
    with pytest.raises(Unknown, match=r"seen .*maybe"):
        uses_since(run, "us-east-1", since)
