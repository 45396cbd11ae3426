"""Plan B as a whole: what the record says is what was so in truth, a broken fallback is never called graceful."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.sns.models import sns_backends

from drcore import plans
from drcore.engine.outcome import Outcome, Target
from drcore.engine.prepare import HOME
from drcore.engine.verdict import Word
from drcore.errors import StepFailed
from drcore.parameters import load
from drcore.plans import b
from drcore.plans.b.decided_remedy import Way
from drcore.plans.b.facts import AiRemedy
from drcore.run.runbook import Runbook
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.incidents.ai_service import NEW_KEY
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import SHORT, Scene, Stage, carry_out, incidents, outcomes, staged

PLAN = plans.find("b")
REMEDIES = {
    "ai-errors": AiRemedy.WEIGHTS,
    "ai-timeouts": AiRemedy.WEIGHTS,
    "ai-fallback-broken": AiRemedy.WEIGHTS,
    "ai-bad-deployment": AiRemedy.CONFIGURATION,
    "ai-slow-by-retries": AiRemedy.GATEWAY,
    "ai-throttled": AiRemedy.GATEWAY,
    "ai-quota-used-up": AiRemedy.QUOTA,
    "ai-key-expired": AiRemedy.KEY,
    "ai-bad-component": AiRemedy.COMPONENT,
    "ai-component-short": AiRemedy.COPIES,
}


def drill(stage: Stage, fault: str, **incident: object) -> Runbook:
    return stage.drill(Scene(PLAN, fault, incident=incident), facts=SHORT)


def pages(run: Runbook) -> str:
    topic = run.run.service.on_call.topics[run.run.service.runner_region]
    sent = sns_backends[run.run.service.account][run.run.service.runner_region].topics[topic].sent_notifications
    return "".join(json.loads(each[1])["text"] for each in sent if "run_id" in each[1])


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Runbook]]:
    """A drill whose fallback fails too."""
    with staged(tmp_path_factory.mktemp("records")) as stage:
        yield stage, drill(stage, "ai-fallback-broken")


# Of all faults only in the proof: that each is drilled to its goal says that its remedy is the one.
_SHOWN = [each for each in REMEDIES if EXHAUSTIVE or each in ("ai-errors", "ai-throttled", "ai-component-short")]


@pytest.mark.parametrize(("fault", "remedy"), [(each, REMEDIES[each]) for each in _SHOWN], ids=_SHOWN)
def test_the_remedy_that_is_recommended_fits_the_cause_and_stands_alone(
    stage: Stage, fault: str, remedy: AiRemedy
) -> None:
    run = stage.open(stage.prepare(Scene(PLAN, fault)))
    assert carry_out(run, until=b.DECIDE) is None
    assert run.run.decided(b.DECIDE.name).choice == remedy
    offered: tuple[Way, ...] = run.results[b.DECIDE.key].targets[0].before.ways  # type: ignore[union-attr]
    free = {way.remedy for way in offered if not way.barred}
    quick = {AiRemedy.WEIGHTS, AiRemedy.CONFIGURATION}
    either = {AiRemedy.WEIGHTS: quick} | ({remedy: {remedy, AiRemedy.QUOTA}} if fault == "ai-throttled" else {})
    assert free == either.get(remedy, {remedy})


def test_all_faults_are_told_apart() -> None:
    assert set(REMEDIES) == set(PLAN.faults)


def test_a_quota_that_only_a_person_at_aws_may_grant_ends_the_plan_and_says_so(stage: Stage) -> None:
    _, facts = load(HOME / "parameters", "sandbox", "b", PLAN.facts)
    llm = facts.model_dump(mode="json")["llm"]
    wanted = {"llm": llm | {"quota": llm["quota"] | {"wanted": 20_000}}}
    run = stage.open(stage.prepare(Scene(PLAN, "ai-quota-used-up"), facts=wanted))
    stopped = carry_out(run)
    assert isinstance(stopped, StepFailed)
    assert "CASE_OPENED, a person at AWS decides" in str(stopped)
    assert b.VERIFY.key not in run.results


def test_what_is_listed_to_be_resolved_again_is_what_was_resolved_without_the_ai(stage: Stage) -> None:
    run = drill(stage, "ai-errors")
    seen, truth = run.results[b.CLOSE.key].states[Target()], stage.truth()["ai"]
    assert (seen.fallbacks, seen.failed) == (truth["fallbacks"], truth["unresolved"])
    listed = (run.folder / "evidence" / "to-be-resolved-again.csv").read_text().splitlines()[1:]
    assert len(listed) == truth["fallbacks"] > 20
    (cost,) = (told for told in run.verdict.remarks if told.startswith("users:"))  # type: ignore[union-attr]
    hit = {line.split(",")[3] for line in listed}
    assert f"users: {len(hit)} were hit, {truth['fallbacks']} conflicts were resolved without the AI" in cost
    assert truth["ill_minutes"] * 60 == pytest.approx(run.verdict.rto.measured, abs=90)  # type: ignore[union-attr]
    text = "Our AI-powered features are currently experiencing issues. Core data sync functionality remains unaffected."
    assert run.run.facts.ai_message == text
    assert text in json.dumps(incidents(stage)), "the plan's own words, as core sync is unaffected"


def test_a_fallback_that_fails_is_never_called_graceful(broken: tuple[Stage, Runbook]) -> None:
    stage, run = broken
    graceful = run.results[b.GRACEFUL.key]
    assert graceful.outcome is Outcome.SKIPPED
    assert graceful.why.count("CORE SYNC SUFFERS") == 2
    assert pages(run).startswith("The AI Insights Service fails. CORE SYNC SUFFERS")
    told = json.dumps(incidents(stage))
    assert "remains unaffected" not in told
    assert run.run.facts.core_message in told


def test_what_failed_with_its_fallback_is_counted_apart(broken: tuple[Stage, Runbook]) -> None:
    stage, run = broken
    seen, truth = run.results[b.CLOSE.key].states[Target()], stage.truth()["ai"]
    assert (seen.fallbacks, seen.failed) == (0, truth["unresolved"])
    assert seen.failed > 20


def test_neither_key_of_the_llm_is_in_the_record(stage: Stage) -> None:
    run = drill(stage, "ai-key-expired")
    kept = b"".join(path.read_bytes() for path in Path(run.folder).rglob("*") if path.is_file())
    assert names.LLM_KEY.encode() not in kept
    assert NEW_KEY.encode() not in kept


def test_a_fix_that_is_named_is_gone_over_to(stage: Stage) -> None:
    run = drill(stage, "ai-errors", configuration="ai-insights-2025-11")
    assert run.verdict and run.verdict.word is Word.REACHED
    assert outcomes(run)["Change the endpoint configuration"] is Outcome.DONE
    assert outcomes(run)["Shift to the old variant"] is Outcome.ALREADY


def test_to_wait_changes_nothing_and_does_not_reach_the_goal(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(PLAN, "ai-errors", incident={"remedy": "wait"}), facts=SHORT))
    assert isinstance(carry_out(run), StepFailed)
    assert run.verdict and run.verdict.word is Word.MISSED
    assert not [each for each in stage.effects if each.call.startswith(("sagemaker:", "llm:", "secretsmanager:"))]


def test_a_remedy_that_is_named_and_cannot_be_taken_stops_before_any_act(stage: Stage) -> None:
    run = stage.open(stage.prepare(Scene(PLAN, "ai-errors", incident={"remedy": "key"}), facts=SHORT))
    trouble = carry_out(run)
    assert trouble and "recommended" not in str(trouble)
    assert not [each for each in stage.effects if each.call.startswith(("sagemaker:", "llm:", "secretsmanager:"))]
