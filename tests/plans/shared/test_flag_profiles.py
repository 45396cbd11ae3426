"""What of a flag profile is deployed is found by a look that does not grow with the environment's age."""

from __future__ import annotations

from dataclasses import replace

from drcore.parameters import Mode
from drcore.plans import d
from drcore.plans.shared.flag_profiles import last_and_deployed, place
from drcore.plans.shared.flags import _earlier_versions
from drcore.sandbox.services.appconfig.state import AppConfig
from tests.support.stage import Stage, lines


def test_of_a_thousand_deployments_one_page_should_be_read(stage: Stage) -> None:
    run = stage.open(stage.prepare(d.PLAN, Mode.REHEARSE))
    region, where = "us-east-1", run.run.facts.flags
    store = stage.door.world.state(AppConfig)
    of = store.environment(store.application(region, where.application), where.environment)
    newest = of.deployments[-1]
    of.deployments[:] = [replace(newest, number=number) for number in range(1, 1001)]

    last, deployed = last_and_deployed(run.run, region, place(run.run, region, where))
    assert (last.number, deployed.number) == (1000, newest.version.number)
    calls = [line["call"] for line in lines(run, "call")]
    assert calls.count("appconfig:ListDeployments") == 1


def test_a_version_that_was_deleted_since_should_be_no_way_back_and_no_error(stage: Stage) -> None:
    run = stage.open(stage.prepare(d.PLAN, Mode.REHEARSE))
    region, where = "us-east-1", run.run.facts.flags
    store = stage.door.world.state(AppConfig)
    of = store.environment(store.application(region, where.application), where.environment)
    newest = of.deployments[-1]
    deleted = replace(newest.version, number=newest.version.number + 1)
    of.deployments.append(replace(newest, number=newest.number + 1, version=deleted))

    earlier = _earlier_versions(run.run, region, place(run.run, region, where))
    assert [version.number for version in earlier] == [newest.version.number]
