"""Copies of secrets with tokens in another account, for its analysts: a job puts them there, once a month.

Who sweeps them takes on a role of that account, as `drcore list e --iam --account` prints it. Nothing else is kept of
the account.
"""

import json

from drcore.sandbox.core.world import World
from drcore.sandbox.identity.callers import Callers
from drcore.sandbox.services.secretsmanager import Secrets
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.company.principals import POLICIES
from drcore.sandbox.syncwell.life.tokens import OauthTokens, shard_name

_COPIED = 2
"""So many secrets are copied, the last ones."""
PRINTED = POLICIES / "elsewhere"
"""Where the printed policies of roles in other accounts lie."""


def set_up(world: World) -> None:
    """Make the role, and the copies in the region in which secrets are written."""
    store = world.state(Callers).store_of(names.OTHER_ACCOUNT)
    printed = json.loads((PRINTED / f"{names.OTHER_ACCOUNT}.json").read_bytes())
    store.add_role(names.SWEEP_ROLE, printed["trust"], [store.lay(names.SWEEP_ROLE, "/", printed["policy"])])
    shards = world.state(OauthTokens).shards
    for shard in range(max(0, shards - _COPIED), shards):
        world.state(Secrets).copy_elsewhere(world.regions[0], shard_name(shard), names.OTHER_ACCOUNT)


def old_left(world: World) -> int:
    """How many secrets of the other account give out old tokens by any label."""
    kept = world.state(Secrets).texts_in(names.OTHER_ACCOUNT, world.regions[0])
    return sum(any('"tokens"' in text for text in texts) for texts in kept)
