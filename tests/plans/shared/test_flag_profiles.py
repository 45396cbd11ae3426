"""What of a flag profile is deployed is found by a look that does not grow with the environment's age."""

from __future__ import annotations

from dataclasses import replace

from drcore.parameters import Mode
from drcore.plans import d
from drcore.plans.shared.flag_profiles import FlagProfile, last_and_deployed, place
from drcore.plans.shared.flags import earlier_versions
from drcore.run.runbook import Runbook
from drcore.sandbox.services.appconfig.state import AppConfig, Environment
from tests.support.stage import Stage, lines

REGION = "us-east-1"


def flags_of(stage: Stage) -> tuple[Runbook, FlagProfile, Environment]:
    """A run of plan D, where its flags are, and their environment in the sandbox."""
    run = stage.open(stage.prepare(d.PLAN, Mode.REHEARSE))
    where = run.run.facts.flags
    store = stage.door.world.state(AppConfig)
    return run, where, store.environment(store.application(REGION, where.application), where.environment)


def test_of_a_thousand_deployments_one_page_should_be_read(stage: Stage) -> None:
    run, where, of = flags_of(stage)
    newest = of.deployments[-1]
    of.deployments[:] = [replace(newest, number=number) for number in range(1, 1001)]

    last, deployed = last_and_deployed(run.run, REGION, place(run.run, REGION, where))
    assert (last.number, deployed.number) == (1000, newest.version.number)
    calls = [line["call"] for line in lines(run, "call")]
    assert calls.count("appconfig:ListDeployments") == 1


def test_a_version_that_was_deleted_since_should_be_no_way_back_and_no_error(stage: Stage) -> None:
    run, where, of = flags_of(stage)
    newest = of.deployments[-1]
    deleted = replace(newest.version, number=newest.version.number + 1)
    of.deployments.append(replace(newest, number=newest.number + 1, version=deleted))

    earlier = earlier_versions(run.run, REGION, place(run.run, REGION, where))
    assert [version.number for version in earlier] == [newest.version.number]
