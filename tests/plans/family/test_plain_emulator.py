"""drcore needs no sandbox: the same plan F on a stock moto server, by the wall clock, whose waits are not waited for.

Where moto has the calls it acts, and the effect is there. Where moto lacks them the step says that it cannot know,
and nothing passes for healthy that nobody has measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drcore.clock import WallClock
from drcore.engine.outcome import Outcome
from drcore.engine.step import Step
from drcore.errors import Refused, StepFailed
from drcore.parameters import Mode, as_data, read
from drcore.plans import f
from drcore.record.proof import verify
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook
from tests.support.plain_emulator import FUNCTIONS, REGIONS, Account, Page, moto_server, page, service_of

FACTS = Path(__file__).parents[3] / "parameters" / "sandbox" / "f.yaml"
SHORT = {name: 0.0001 for name in f.Facts.model_fields if name.endswith("_minutes")}  # shorter than one look
LACKS = (f.FREEZE, f.PROVISIONED, f.VERIFY)


@dataclass(frozen=True)
class Carried:
    """The run when it was over, with its account, and why a step did not go well."""

    run: Runbook
    account: Account
    page: Page
    failures: dict[str, str]
    too_early: str

    def outcome(self, step: Step[Any, Any]) -> Outcome:
        return self.run.results[step.key].outcome


@pytest.fixture(scope="module")
def carried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carried]:
    """All steps in their order, each typed for; the ones that need what moto lacks are done despite that."""
    folder = tmp_path_factory.mktemp("records") / "f-execute-plain"
    folder.mkdir()
    with moto_server() as endpoint, page() as status, pytest.MonkeyPatch.context() as patch:
        waits_are_over_at_once(patch)
        account = Account(endpoint)
        account.furnish()
        facts = as_data(read(FACTS, f.Facts)) | SHORT | {"functions": FUNCTIONS, "releases": MANIFEST}
        incident = {"release": "", "bug": "contacts vanish"}
        setting = RunParameters(folder.name, "f", Mode.EXECUTE, service_of(account, status), facts, incident)
        setting.write(folder)
        run = Runbook(f.PLAN, RunParameters.read(folder), folder, keyboard=typing)
        assert isinstance(run.run.clock, WallClock)
        run.preflight()
        failures = dict[str, str]()
        with pytest.raises(Refused) as too_early:
            run.step(f.LAMBDA)
        for step in f.PLAN.steps:
            try:
                run.step(step, despite="moto does not know")
            except StepFailed as error:
                failures[step.title] = str(error)
        run.verify()
        run.close()
        yield Carried(run, account, status, failures, str(too_early.value))


def waits_are_over_at_once(patch: pytest.MonkeyPatch) -> None:
    """A minute of looks at what moto lacks would be a minute of this test: the clock goes on by it instead."""
    now = WallClock.now

    def sleep(clock: WallClock, seconds: float) -> None:
        clock.slept += seconds

    patch.setattr(WallClock, "sleep", sleep)
    patch.setattr(WallClock, "now", lambda clock: now(clock) + timedelta(seconds=clock.slept))


MANIFEST = {"bucket": "releases-{region}", "key": "releases.json"}


def typing(prompt: str) -> str:
    """A person who types what is asked for, and says why."""
    expected = re.search(r"Type '(.*)' to go on", prompt)
    return expected[1] if expected else "because this is a test"


def test_lambda_should_be_rolled_back(carried: Carried) -> None:
    assert carried.outcome(f.LAMBDA) is Outcome.DONE
    for (region, name), (stable, _) in carried.account.versions.items():
        alias = carried.account.client("lambda", region).get_alias(FunctionName=name, Name="live")
        assert alias["FunctionVersion"] == stable
        assert not alias.get("RoutingConfig", {}).get("AdditionalVersionWeights")


def test_api_gateway_should_be_rolled_back(carried: Carried) -> None:
    assert carried.outcome(f.API) is Outcome.DONE
    for region in REGIONS:
        api, stable, _ = carried.account.apis[region]
        assert (
            carried.account.client("apigateway", region).get_stage(restApiId=api, stageName="prod")["deploymentId"]
            == stable
        )


def test_people_should_be_told_once(carried: Carried) -> None:
    assert carried.outcome(f.NOTIFY) is Outcome.DONE
    assert [incident["metadata"]["drcore"]["run_id"] for incident in carried.page.incidents] == [carried.run.run.id]


@pytest.mark.parametrize("step", LACKS, ids=lambda step: step.title)
def test_a_step_whose_calls_are_not_there_should_be_unknown_and_say_which(carried: Carried, step: Any) -> None:
    assert carried.outcome(step) is Outcome.UNKNOWN
    assert re.search(r"codepipeline|lambda|traffic|requests", carried.failures[step.title])


def test_an_answer_that_does_not_speak_for_aws_should_be_no_answer(carried: Carried) -> None:
    """Moto's web server has a page in HTML for a call that moto lacks, as a proxy has for what it cannot reach."""
    found = {line["what"]: line["check"] for line in carried.run.record.events if line["event"] == "finding"}
    assert found["permissions"] == "unknown"
    assert found["evidence store"] == "yes"


def test_what_needs_such_a_step_should_be_refused_without_a_reason(carried: Carried) -> None:
    assert "needs Decide, Stop the running deployment, Freeze the pipeline" in carried.too_early


def test_the_goal_should_not_count_as_reached(carried: Carried) -> None:
    """Users may be well; nobody has measured it."""
    assert carried.run.verdict
    assert (carried.run.verdict.word, carried.run.verdict.exit) == ("goal missed", 1)


def test_the_record_should_hold(carried: Carried) -> None:
    assert verify(carried.run.folder).problems == ()
