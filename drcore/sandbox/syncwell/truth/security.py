"""What the simulation knows of a vulnerability, of tokens, of the mode: for tests only."""

from typing import Any

from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.life import token_copies
from drcore.sandbox.syncwell.life.findings import SecurityDesk
from drcore.sandbox.syncwell.life.service_mode import ServiceMode
from drcore.sandbox.syncwell.life.stolen_tokens import Attacker
from drcore.sandbox.syncwell.life.tokens import OauthTokens


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    world.add_truth("security", lambda: _security(world))
    world.add_truth("last_old_token", lambda: _last_accepted(world))


def _security(world: World) -> dict[str, Any] | None:
    """None while nobody has found anything.

    `exposed`: the regions that still show the hole; `accepting`: those whose workers take a stolen token; `stored`: by
    region how many old tokens its store gives out; `by_label`: as many by any stage; `copies`: how many secrets of
    another account give some out by any stage; `at_issuer`: by issuer how many are not revoked; `mode`: by region.
    """
    attacker, tokens, mode = world.state(Attacker), world.state(OauthTokens), world.state(ServiceMode)
    finding, now = attacker.finding, world.clock.now()
    if finding is None:
        return None
    desk = world.state(SecurityDesk)
    return {
        "finding": finding.id,
        "exposed": [region for region in world.regions if desk.shows(finding, region)],
        "accepting": [region for region in world.regions if attacker.any_accepted(region, now)],
        "stored": tokens.old_left(),
        "by_label": tokens.by_label(),
        "copies": token_copies.old_left(world),
        "at_issuer": {each.name: each.tokens - each.revoked(now) for each in tokens.issuers.values()},
        "mode": {region: mode.level(region) for region in world.regions},
    }


def _last_accepted(world: World) -> dict[str, str | None]:
    """When a stolen token was accepted last, by region."""
    return {region: precise(at) if at else None for region, at in world.state(Attacker).last_accepted.items()}
