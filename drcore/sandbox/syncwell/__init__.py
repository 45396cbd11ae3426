"""SyncWell: its account, its users, its releases, its mishaps."""

from drcore.sandbox.core.world import World
from drcore.sandbox.moto.seeding import tied_to
from drcore.sandbox.services.codebuild import CodeBuild
from drcore.sandbox.syncwell.company import (
    account,
    ai_service,
    app_stores,
    mobile_builds,
    partner_accounts,
    principals,
    worker_services,
)
from drcore.sandbox.syncwell.company.releases import OLDER, STABLE
from drcore.sandbox.syncwell.incidents import (
    bad_deployment,
    data_corruption,
    mobile_release,
    partner_trouble,
    region_outage,
    vulnerability,
)
from drcore.sandbox.syncwell.life import (
    partner_imports,
    past,
    public_api,
    service_mode,
    stolen_tokens,
    token_copies,
    tokens,
    two_regions,
    waiting_jobs,
)
from drcore.sandbox.syncwell.life.ai_calls import AiCalls
from drcore.sandbox.syncwell.life.app_clients import AppClients
from drcore.sandbox.syncwell.life.mobile_users import MobileUsers
from drcore.sandbox.syncwell.life.partner_imports import PartnerImports
from drcore.sandbox.syncwell.life.partner_syncs import PartnerSyncs
from drcore.sandbox.syncwell.life.service_mode import ServiceMode
from drcore.sandbox.syncwell.life.stolen_tokens import Attacker
from drcore.sandbox.syncwell.life.sync_jobs import SyncJobs
from drcore.sandbox.syncwell.life.timeline import HISTORY, WorldTimeline
from drcore.sandbox.syncwell.life.tokens import OauthTokens
from drcore.sandbox.syncwell.truth import ai, backend, data, mobile, partners, regions, security

__all__ = [
    "bad_deployment",
    "build",
    "data_corruption",
    "mobile_release",
    "partner_trouble",
    "public_api",
    "region_outage",
    "vulnerability",
]


def build(world: World) -> None:
    """Make the account as it is when the doors open, with two hours of history, and let it live."""
    with tied_to(world.purpose("account")):
        account.set_up(world)
        account.release(world, OLDER)
        account.release(world, STABLE)
    with tied_to(world.purpose("two regions")):
        two_regions.set_up(world)
    with tied_to(world.purpose("fleet")):
        worker_services.set_up(world)
    with tied_to(world.purpose("security")):
        service_mode.set_up(world)
        tokens.set_up(world)
        token_copies.set_up(world)
        stolen_tokens.set_up(world)
    with tied_to(world.purpose("jobs")):
        waiting_jobs.found_filter(world)
        partner_imports.set_up(world)
    with tied_to(world.purpose("app stores")):
        app_stores.set_up(world)
        mobile_builds.set_up(world)
    with tied_to(world.purpose("AI service")):
        ai_service.set_up(world)
    with tied_to(world.purpose("partners")):
        partner_accounts.set_up(world)
    syncs, clients = world.state(PartnerSyncs), world.state(AppClients)
    account.watch(world, world.clock.now() - HISTORY)
    ai_service.watch(world, world.clock.now() - HISTORY)
    past.remember(world)
    for actor in two_regions.actors(world):
        world.on_tick(actor)
    world.on_tick(world.state(SyncJobs).tick)
    world.on_tick(syncs.tick)
    world.on_tick(world.state(PartnerImports).tick)
    world.on_tick(clients.tick)
    world.on_tick(world.state(AiCalls).tick)
    world.on_tick(world.state(data_corruption.CorruptionJob).tick)
    world.on_tick(world.state(WorldTimeline).tick)
    world.on_tick(world.state(CodeBuild).tick)
    world.on_tick(world.state(MobileUsers).tick)
    for tick in (world.state(ServiceMode).tick, world.state(OauthTokens).tick, world.state(Attacker).tick):
        world.on_tick(tick)
    backend.tell(world)
    regions.tell(world)
    data.tell(world)
    mobile.tell(world)
    security.tell(world)
    partners.tell(world)
    ai.tell(world)
    principals.close(world)
