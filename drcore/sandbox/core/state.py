"""Every emulated resource of the account as one canonical document."""

from typing import Any

from drcore.sandbox.core.world import World
from drcore.sandbox.moto import resources


def dump(world: World) -> dict[str, Any]:
    """All resources in JSON values: `emulated` by service and region, `own` by the name that was given.

    Without metric samples, clock and request ids: two dumps with no write between them are equal.
    """
    emulated = resources.held(world.account)
    own = {name: resources.as_json(state) for name, state in world.own_resources().items()}
    return {"emulated": emulated, "own": {name: state for name, state in own.items() if not _is_empty(state)}}


def _is_empty(state: object) -> bool:
    """Whether nothing is held, in no region: looking at a service for the first time makes such a state."""
    return isinstance(state, dict) and all(map(_is_empty, state.values()))
