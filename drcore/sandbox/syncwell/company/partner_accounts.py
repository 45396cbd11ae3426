"""SyncWell's accounts with its partners: the credential of each, the switches by which an integration is paused."""

import json
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig import flags
from drcore.sandbox.services.appconfig.state import AppConfig
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.account import FOUNDED
from drcore.sandbox.vendors.partners.state import Partners

TAKEN = 5000
"""Calls a minute that a partner takes from SyncWell, both regions together."""
PACE = 2000
"""Calls a minute that the workers of a region make to a partner at most, whatever waits."""
RAMP = (4, 25.0, 5)
"""Minutes, percent a part, minutes of baking: how an integration is let in again."""


def set_up(world: World) -> None:
    """Make them as they are when the doors open: every integration is on, no banner is shown."""
    with world.clock.at(FOUNDED):
        first, *others = world.regions
        client = world.client("secretsmanager", first)
        for partner in names.PARTNERS:
            known = world.state(Partners).create(partner, TAKEN, f"emulated-{partner}-key-1")
            client.create_secret(
                Name=names.partner_secret(partner),
                SecretString=known.key,
                ClientRequestToken=str(uuid5(NAMESPACE_DNS, partner)),  # or boto3 makes one up
                AddReplicaRegions=[{"Region": region} for region in others],
            )
        for region in world.regions:
            _switches(world, region)


def _switches(world: World, region: str) -> None:
    store = world.state(AppConfig)
    home = store.create_application(region, names.SWITCH_APPLICATION, "switches of the app, and nothing else")
    place = store.create_environment(region, home, names.SWITCH_ENVIRONMENT)
    profile = store.create_profile(region, home, names.SWITCH_PROFILE, flags.KIND)
    at_once = store.create_strategy(region, names.SWITCH_AT_ONCE, 0, 100.0, "LINEAR", 0)
    minutes, growth, bake = RAMP
    store.create_strategy(region, names.SWITCH_RAMP, minutes, growth, "LINEAR", bake)
    version = store.host(profile, json.dumps(document(), indent=2).encode())
    store.deploy(place, profile, version, at_once)


def document() -> dict[str, Any]:
    """The flags: of each partner its integration with the pace of its workers, its banner; the app's own."""
    known: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for partner in names.PARTNERS:
        integration, banner = names.integration_flag(partner), names.banner_flag(partner)
        pace = {"calls_a_minute": {"constraints": {"type": "number", "required": True}}}
        known[integration] = {"name": f"{partner.title()}: syncs are done", "attributes": pace}
        known[banner] = {
            "name": f"{partner.title()}: the app shows a banner",
            "attributes": {"text": {"constraints": {"type": "string"}}},
        }
        values[integration] = {"enabled": True, "calls_a_minute": PACE}
        values[banner] = {"enabled": False}
    text = {"constraints": {"type": "string"}}
    known[names.APP_FEATURE_FLAG] = {"name": "App: merge", "attributes": {"off_from": text, "off_to": text}}
    known[names.LEAST_VERSION_FLAG] = {"name": "App: least", "attributes": {"google_play": text, "app_store": text}}
    values |= {names.APP_FEATURE_FLAG: {"enabled": True}, names.LEAST_VERSION_FLAG: {"enabled": False}}
    return {"version": "1", "flags": known, "values": values}
