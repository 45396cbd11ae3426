"""A leak of tokens from beginning to end: contained on every path, mended first, old tokens worthless everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.engine.consent import Consent
from drcore.engine.step import Step
from drcore.plans import e
from drcore.run.runbook import Runbook
from drcore.sandbox.syncwell.life.service_mode import ServiceMode
from drcore.sandbox.syncwell.life.stolen_tokens import Attacker
from drcore.sandbox.syncwell.life.tokens import OauthTokens, value
from tests.support.stage import SHORT, Scene, Stage, carry_out, lines, staged

LEAK = Scene(plans.find("e"), "vulnerability-token-leak")


@dataclass
class Carried:
    """A drill, with what the truth was after each step."""

    stage: Stage
    run: Runbook
    truth: dict[str, Any]


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    with staged(tmp_path_factory.mktemp("records")) as stage:
        run = stage.open(stage.prepare(LEAK, facts=SHORT))
        truth = {}
        once = run.step

        def seen(step: Step[Any, Any], *, despite: str = "") -> None:
            once(step, despite=despite)
            truth[step.key] = stage.truth()

        run.step = seen  # type: ignore[method-assign]  # what a notebook's cell calls
        assert carry_out(run) is None
        yield Carried(stage, run, truth)


def test_nothing_should_get_in_while_the_mode_is_on(carried: Carried) -> None:
    on = [e.CONTAINED, e.MENDED, e.SWEEP, e.REFUSED]
    assert {mode for step in on for mode in carried.truth[step.key]["security"]["mode"].values()} == {"read-only"}
    mode = carried.stage.door.world.state(ServiceMode)
    assert all(count > 10 for count in mode.refused.values()), "users and partners have tried"
    assert set(carried.truth[e.VERIFY.key]["security"]["mode"].values()) == {"normal"}


def test_the_hole_should_be_closed_before_any_token_is_touched(carried: Carried) -> None:
    mended = carried.truth[e.MENDED.key]["security"]
    assert mended["exposed"] == []
    assert set(mended["stored"].values()) == {4000}
    assert all(mended["at_issuer"].values())


def test_no_old_token_should_work_once_that_is_proved(carried: Carried) -> None:
    for step in (e.REFUSED, e.VERIFY, e.CLOSE):
        told = carried.truth[step.key]["security"]
        assert told["accepting"] == []
        assert set(told["stored"].values()) == {0}
        assert set(told["by_label"].values()) == {0}
        assert set(told["at_issuer"].values()) == {0}
    assert set(carried.truth[e.SWEEP.key]["security"]["by_label"].values()) == {4000}, "AWSPREVIOUS until it is taken"
    assert carried.truth[e.REFUSED.key]["last_old_token"] == carried.truth[e.CLOSE.key]["last_old_token"]


def test_each_secret_should_be_written_once_where_it_is_written_and_none_deleted(carried: Carried) -> None:
    puts = [each for each in carried.stage.effects if each.call == "secretsmanager:PutSecretValue"]
    names = [(each.account, json.loads(each.asked)["SecretId"]) for each in puts]
    assert len(names) == len(set(names)) == 5 + 2, "two are copied to another account"
    assert {each.region for each in puts} == {"us-east-1"}
    assert not [each for each in carried.stage.effects if each.call == "secretsmanager:DeleteSecret"]


def test_no_token_should_be_in_any_file(carried: Carried) -> None:
    tokens = carried.stage.door.world.state(OauthTokens)
    held = [value(carried.stage.door.world, number).encode() for number in range(tokens.count)]
    files = [path.read_bytes() for path in Path(carried.run.folder).rglob("*") if path.is_file()]
    assert files
    assert not [each for each in held for text in files if each in text]
    assert not [
        line for line in lines(carried.run, "call") if line["call"].endswith("GetSecretValue") and "oauth" in str(line)
    ]


def test_the_sweep_should_be_asked_for_by_its_counts(carried: Carried) -> None:
    assert e.SWEEP.consent is Consent.TYPED
    (asked,) = (line for line in lines(carried.run, "consent") if line["key"] == e.SWEEP.key)
    assert asked["phrase"] == (
        "INVALIDATE 5,600 TOKENS IN 7 SECRETS syncwell/oauth/* WRITTEN IN us-east-1 AND ACCOUNT 210987654321"
    )


def test_users_should_hear_of_the_hole_only_after_it_is_closed(carried: Carried) -> None:
    (incident,) = carried.stage.state()["own"]["statuspage"]["incidents"]
    last, *earlier = [update["body"] for update in incident["incident_updates"]]
    assert "vulnerability" in last
    assert not [body for body in earlier if "vulnerability" in body or "hole" in body]


def test_the_clocks_should_run_from_the_decision_on_every_later_card(carried: Carried) -> None:
    shown = {line["name"] for line in lines(carried.run, "file") if "clocks-" in line["name"]}
    decided = [step.key for step in e.PLAN.steps].index(e.DECIDE.key)
    for step in e.PLAN.steps[decided + 1 :]:
        assert f"evidence/clocks-{step.key}.csv" in shown
    drafts = [line for line in lines(carried.run, "file") if line["name"].startswith("evidence/report-")]
    assert len({line["name"] for line in drafts}) == len(carried.run.run.facts.clocks)


def test_what_the_hole_has_cost_users_should_be_in_the_verdict_as_it_was_in_truth(carried: Carried) -> None:
    (cost,) = (told for told in carried.run.verdict.remarks if told.startswith("users:"))  # type: ignore[union-attr]
    for region, (accepted, _) in carried.stage.door.world.state(Attacker).uses.items():
        assert accepted > 100
        assert f"users were accepted {accepted:,} times in {region}" in cost
    on, off = carried.run.results[e.CONTAIN.key].since, carried.run.results[e.LIFT.key].since
    assert on and off and f"for {(off - on).total_seconds() / 60:.0f} min from {on:%H:%M}" in cost
