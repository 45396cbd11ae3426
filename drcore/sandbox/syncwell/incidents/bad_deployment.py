"""The ways in which a deployment goes wrong (plan F).

A bad release is not undone by clearing its fault: only a rollback takes it away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drcore.sandbox.core.faults import Option, Options, UnknownFault, fault
from drcore.sandbox.core.world import World
from drcore.sandbox.services.codedeploy.controller import CodeDeployController
from drcore.sandbox.syncwell.company.pipeline import Deployer, commit, pipeline_of, start
from drcore.sandbox.syncwell.company.releases import CANDIDATE
from drcore.sandbox.syncwell.life.requests import MarketTraffic
from drcore.sandbox.syncwell.life.timeline import WorldTimeline

HEAD_START = timedelta(minutes=72)
"""How long ago a bad release was put to its canary: ten minutes of canary, and an hour for everybody."""

OPTIONS: Mapping[str, Option] = {
    "region": Option(default="", help="only this region; by default both", choices=("", *World.regions)),
    "schema_changed": Option(
        default=False, help="the release changed the data schema, so that code may not go back past it"
    ),
    "pipeline_again": Option(default=0, help="minutes until the pipeline runs again with the same source; 0 is never"),
}


@dataclass(slots=True)
class Broken:
    """Which of these faults is on, for the truth: injected `at`, first request at risk from `began`."""

    name: str = ""
    at: datetime | None = None
    began: datetime | None = None


class BadDeployment:
    """The deployment that went wrong in this world, if one did."""

    def __init__(self, _: World) -> None:
        self.broken = Broken()


@fault("bad-canary", options=OPTIONS)
def bad_canary(world: World, options: Options) -> None:
    """2026.01.2 goes to its canary and fails 8 % of its requests; CodeDeploy rolls back by itself."""
    _deploy(world, "bad-canary", options, "crashing")


@fault("bad-canary-stuck", options=OPTIONS)
def bad_canary_stuck(world: World, options: Options) -> None:
    """As bad-canary, but CodeDeploy hangs: it neither rolls back nor goes on, and holds its weights."""
    _deploy(world, "bad-canary-stuck", options, "crashing", hang=True)


@fault("bad-release", options=OPTIONS)
def bad_release(world: World, options: Options) -> None:
    """2026.01.2 passed its canary and serves everybody since an hour: 4 % are 500, slow, previews are wrong.

    The last 72 minutes are told again: their metrics and alarms are those of the release. What somebody did
    to the account in that time is taken as done before it.
    """
    at, timeline = world.clock.now(), world.state(WorldTimeline)
    refuse_second(world, "bad-release")
    began = timeline.rewind(HEAD_START)
    with world.clock.at(began):
        _deploy(world, "bad-release", options, "wrong", injected=at)
    timeline.replay(began)


def _deploy(
    world: World,
    name: str,
    options: Options,
    build: str,
    *,
    hang: bool = False,
    injected: datetime | None = None,
) -> None:
    refuse_second(world, name)
    incident, deployer, traffic = world.state(BadDeployment), world.state(Deployer), world.state(MarketTraffic)
    deployer.hang, deployer.new_schema = hang, bool(options["schema_changed"])
    traffic.bad_release, traffic.healthy_since = CANDIDATE, None
    began = world.clock.now()
    at = injected or began
    incident.broken = Broken(name, at, began)
    for region in _regions(options):
        pipeline_of(world, region).head = commit((CANDIDATE, build))
        start(world, region, "PollForSourceChanges", built=True)
        if options["pipeline_again"]:
            deployer.run_again(at + timedelta(minutes=options["pipeline_again"]), region)


def _regions(options: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(options["region"]),) if options["region"] else World.regions


def refuse_second(world: World, name: str) -> None:
    """Raises UnknownFault if such a fault is on, or a deployment runs: the story would not hold together."""
    broken = world.state(BadDeployment).broken.name
    if broken:
        raise UnknownFault(f"name: expected a world without {broken}; saw {name} on top of it")
    for region in world.regions:
        for deployment in world.state(CodeDeployController).deployments(region):
            if not deployment.status.over:
                raise UnknownFault(f"name: expected no running deployment; saw {deployment.id} in {region}")
