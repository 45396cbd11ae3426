"""What the simulation knows of the app's users: for tests only."""

from __future__ import annotations

from typing import Any

from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.syncwell.life.mobile_users import MobileUsers


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    world.add_truth("mobile", lambda: _mobile(world))


def _mobile(world: World) -> dict[str, Any] | None:
    """None while nobody uses the app; else devices, installs, harm by store, then version code.

    `offered`: the share of a store's users who may get a version now. `healthy_since`: since when each store
    offers a good one to everybody that is newer than any bad one, and nobody a bad one.
    """
    users = world.state(MobileUsers)
    if not users.on:
        return None
    stores = {
        name: {
            "devices": _by_code(store.devices),
            "installs": _by_code(store.installs),
            "crashed": _by_code(store.crashed),
            "lost_data": _by_code(store.lost_data),
            "bad": sorted(str(code) for code in store.behavior if store.bad(code)),
            "offered": {str(code): share for code, share in users.offers(name).items()},
        }
        for name, store in users.stores.items()
    }
    return {"stores": stores, "healthy_since": users.healthy_since and precise(users.healthy_since)}


def _by_code(counts: dict[int, int]) -> dict[str, int]:
    return {str(code): count for code, count in sorted(counts.items()) if count}
