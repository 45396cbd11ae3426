"""STS: who one is, the roles that one may take on.

A session lasts as long as was asked for, an hour where a session of a role takes on another one; a policy that is given
with it limits it, and has 2,048 characters at most. Simplified: AWS packs it in a way that is not published; no MFA,
no federation, no source identity, no tags of a session.
"""

from datetime import timedelta
from typing import Any

from drcore.sandbox.core.registry import AwsCall, AwsError, operation
from drcore.sandbox.core.world import World
from drcore.sandbox.identity import signatures
from drcore.sandbox.identity.callers import Callers, Session, account_of, session_policies
from drcore.sandbox.identity.guard import resource_policy
from drcore.sandbox.identity.patterns import MalformedPolicy
from drcore.sandbox.identity.policy import read

_CHAINED, _LEAST = 3600, 900
"""Seconds that a session of a session may last at most, and any session at least."""
_LONGEST = 2048
"""Characters of a session's policy, with the ARNs of managed ones."""


@resource_policy("iam")
def trust_policy(world: World, arn: str) -> str:
    """Who may take on a role; empty where there is no such role."""
    store = world.state(Callers).store_of(account_of(arn))
    role = store.role(arn.rpartition("/")[2]) if ":role/" in arn else None
    return role.assume_role_policy_document if role and role.arn == arn else ""


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: AwsCall) -> dict[str, Any]:
    """As the API; the unique id of a role is not drawn. One that another may have sent must be signed for real."""
    callers = call.world.state(Callers)
    if signatures.is_passed_on(call.message.request):
        secret = callers.secret(call.access_key)
        signatures.check(call.message.request, secret, call.world.clock.now())
    caller = callers.of(call)
    return {"UserId": caller.principal.arn, "Account": call.account, "Arn": caller.principal.arn}


@operation("sts", "AssumeRole")
def assume_role(call: AwsCall) -> dict[str, Any]:
    """As the API. Whether the caller may is decided before."""
    callers, arn = call.world.state(Callers), call.params["RoleArn"]
    store = callers.store_of(account_of(arn))
    role = store.role(arn.rpartition("/")[2])
    if role is None or role.arn != arn:  # whether there is such a role is nobody's business
        raise AwsError("AccessDenied", f"Not authorized to perform: sts:AssumeRole on resource: {arn}", 403)
    seconds = int(call.params.get("DurationSeconds") or 3600)
    longest = int(role.max_session_duration or 3600)
    chained = callers.of(call).principal.is_session
    if seconds < _LEAST or seconds > (_CHAINED if chained else longest):
        why = (
            "the 1 hour session limit for roles assumed by role chaining"
            if chained
            else "the role's MaxSessionDuration"
        )
        raise AwsError("ValidationError", f"The requested DurationSeconds exceeds {why}", 400)
    named = [each["arn"] for each in call.params.get("PolicyArns") or ()]
    plain = len(call.params.get("Policy") or "") + sum(map(len, named))
    if plain > _LONGEST:
        raise AwsError(
            "PackedPolicyTooLarge", f"The policies have {plain} characters; expected {_LONGEST} at most", 400
        )
    limits = session_policies(store, call.params.get("Policy"), named)
    try:
        for name, text in limits or ():
            read(name, text)
    except MalformedPolicy as error:
        raise AwsError("MalformedPolicyDocument", str(error), 400) from error
    answer = call.forward()
    given = answer["Credentials"]
    answer["Credentials"] = given | {"Expiration": call.world.clock.now() + timedelta(seconds=seconds)}
    session = Session(
        role=role.name,
        role_arn=arn,
        name=call.params["RoleSessionName"],
        token=given["SessionToken"],
        expires=answer["Credentials"]["Expiration"],
        secret=given["SecretAccessKey"],
        policies=limits,
    )
    callers.open_session(given["AccessKeyId"], session)
    return answer
