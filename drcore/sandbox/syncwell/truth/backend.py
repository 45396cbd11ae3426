"""What the simulation knows but a plan may not: for tests only."""

from typing import Any

from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.services import sns
from drcore.sandbox.services.apigateway.state import ApiGateway
from drcore.sandbox.services.lambda_.state import Lambda
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.incidents.bad_deployment import BadDeployment
from drcore.sandbox.syncwell.incidents.data_corruption import CorruptionJob
from drcore.sandbox.syncwell.life.ai_calls import AiCalls
from drcore.sandbox.syncwell.life.mobile_users import MobileUsers
from drcore.sandbox.syncwell.life.partner_syncs import PartnerSyncs
from drcore.sandbox.syncwell.life.requests import MarketTraffic
from drcore.sandbox.syncwell.life.serving import definitions, error_rate
from drcore.sandbox.syncwell.life.stolen_tokens import Attacker


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    traffic, gateway = world.state(MarketTraffic), world.state(ApiGateway)
    world.add_truth("fault", lambda: _fault(world))
    world.add_truth("bad_release", lambda: traffic.bad_release)
    world.add_truth("serving", lambda: {region: _serving(world, region) for region in world.regions})
    world.add_truth("api", lambda: {region: dict(definitions(world, region)) for region in world.regions})
    world.add_truth("error_rate", lambda: {region: error_rate(world, region) for region in world.regions})
    world.add_truth("healthy_since", lambda: _healthy_since(world))
    world.add_truth("oncall_messages", lambda: _pages(world))
    world.add_truth("create_deployment_calls", lambda: gateway.deployments_created)


def _fault(world: World) -> dict[str, Any] | None:
    broken = world.state(BadDeployment).broken
    if broken.at is None or broken.began is None:
        return None
    return {"name": broken.name, "at": iso(broken.at), "began": iso(broken.began)}


def _healthy_since(world: World) -> str | None:
    """Of the fault that is on; without one, since nobody met a bad release."""
    job, attacker, mobile = world.state(CorruptionJob), world.state(Attacker), world.state(MobileUsers)
    syncs = world.state(PartnerSyncs)
    if syncs.watched:
        return iso(syncs.contained_at) if syncs.contained_at else None
    since = world.state(MarketTraffic).healthy_since if job.corruption is None else job.healthy_since
    since = since if attacker.finding is None else attacker.healthy_since
    since = mobile.healthy_since if mobile.on else since
    calls = world.state(AiCalls)
    since = calls.healthy_since if calls.watched else since
    return iso(since) if since else None


def _serving(world: World, region: str) -> dict[str, dict[str, float]]:
    functions = world.state(Lambda)
    return {name: functions.serving(region, name, names.ALIAS) for name in names.FUNCTIONS}


def _pages(world: World) -> int:
    return sum(sns.sent(world, region, names.topic_arn(world.account, region)) for region in world.regions)
