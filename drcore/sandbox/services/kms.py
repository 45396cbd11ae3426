"""KMS: the policies of keys; everything else of it is moto's.

Simplified: no grants, which a service makes for itself and which let it use a key without a caller.
"""

from drcore.sandbox.core.world import World
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.moto import backends


@resource_policy("kms")
def key_policy(world: World, arn: str) -> str:
    """The policy of a key: without a word of it the account's own policies allow nothing."""
    _, _, _, region, _, name = arn.split(":", 5)
    key = backends.kms(world.account, region).keys.get(name.removeprefix("key/"))
    return str(key.policy) if key else ""
