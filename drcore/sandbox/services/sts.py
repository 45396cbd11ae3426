"""STS: whose call it is, by its access key.

The credentials that AssumeRole gives are those of that role; any other credentials are the recovery role of the
runbooks. Simplified: no trust policies, and credentials do not expire.
"""

from dataclasses import dataclass
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World

RECOVERY = "syncwell-recovery"
"""The role of whoever brings credentials that nobody has assumed a role for."""

_OWN = "sandbox"
"""The access key of the world itself, which no policy binds."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the role's name and ARN, and the ARN of the session."""

    role: str
    role_arn: str
    arn: str


class Callers:
    """The roles that were assumed."""

    def __init__(self, world: World) -> None:
        self._account = world.account
        self._assumed: dict[str, tuple[str, str]] = {}

    def add_role_key(self, access_key_id: str, role: str, session: str = "session") -> None:
        """Let an access key be that of a role."""
        self._assumed[access_key_id] = (role, session)

    def of(self, access_key_id: str) -> Caller | None:
        """Who has an access key; None for the world itself."""
        if access_key_id == _OWN:
            return None
        role, session = self._assumed.get(access_key_id, (RECOVERY, "session"))
        return Caller(
            role,
            f"arn:aws:iam::{self._account}:role/{role}",
            f"arn:aws:sts::{self._account}:assumed-role/{role.rpartition('/')[2]}/{session}",
        )


def caller(call: AwsCall) -> Caller | None:
    """Who makes a call; None if it is the world itself."""
    return call.world.state(Callers).of(call.access_key)


@operation("sts", "AssumeRole")
def assume_role(call: AwsCall) -> dict[str, Any]:
    """As the API; anybody may assume any role of the account."""
    account, found, role = call.params["RoleArn"].partition(":role/")
    if not found or not account.endswith(f"::{call.account}"):
        raise AwsError("ValidationError", f"{call.params['RoleArn']} is invalid", 400)
    answer = call.forward()
    key = answer["Credentials"]["AccessKeyId"]
    call.world.state(Callers).add_role_key(key, role, call.params["RoleSessionName"])
    return answer
