"""The door of the emulated AWS, where IAM refuses calls from outside.

What a resource's own policy is, its service says (`resource_policy`).
"""

import functools
from collections.abc import Callable, Iterable, Mapping

from drcore.sandbox.core.call_hooks import CallHooks
from drcore.sandbox.core.refusals import refusal
from drcore.sandbox.core.registry import AwsCall
from drcore.sandbox.core.timestamps import iso
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.callers import Caller, Callers, Held, account_of
from drcore.sandbox.identity.evaluation import Evaluation, Policies, Ruling, decide
from drcore.sandbox.identity.key_uses import key_uses
from drcore.sandbox.identity.policy import PolicyDocument, read
from drcore.sandbox.identity.requests import Ask, asks_of
from drcore.sandbox.moto.principals import Text

ResourcePolicy = Callable[[World, str], str]
"""The policy in force on the resource with an ARN; empty where there is none."""

POLICIES: dict[str, ResourcePolicy] = {}
"""Who knows the policies of the resources of a service, by the service in their ARNs."""


def resource_policy(service: str) -> Callable[[ResourcePolicy], ResourcePolicy]:
    """Let the decorated function say which policy a resource of a service has."""

    def register(fn: ResourcePolicy) -> ResourcePolicy:
        if POLICIES.setdefault(service, fn) is not fn:
            raise ValueError(f"the policies of {service} are registered twice")
        return fn

    return register


Asked = tuple[str, str, str]
"""Caller's ARN, action, resource."""


class Guard:
    """Who may do what in one account, or as a role of another; decided anew only where what counts has changed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.callers = world.state(Callers)
        self._decided: dict[object, Evaluation] = {}
        self.used: dict[Asked, Evaluation] = {}
        """The last decision on each thing that was asked, for the tests of what is allowed and not needed."""

    @property
    def decided(self) -> int:
        """How many decisions were made anew; the others were known."""
        return len(self._decided)

    def stand(self) -> None:
        """From now on no call from outside goes by unseen."""
        self._world.state(CallHooks).admit_by(self.admit)

    def admit(self, call: AwsCall) -> None:
        """Let a call go on. Raises AwsError where one of the things that it asks for is refused."""
        caller = self.callers.of(call)
        call.account = caller.principal.account
        context = self._context(call, caller)
        asks = asks_of(call)
        for ask in asks:
            self._admit(call, caller, ask, context)
        for use in key_uses(call, asks):
            via = functools.partial(str, use.via)
            self._admit(call, caller, use.ask, {**context, "kms:viaservice": via, "aws:viaawsservice": lambda: "true"})

    def _admit(self, call: AwsCall, caller: Caller, ask: Ask, context: Mapping[str, Callable[[], str]]) -> None:
        decision = self.decide(caller, ask, context)
        self.used[caller.principal.entity, ask.action, ask.resource] = decision
        if not decision.allowed:
            raise refusal(call, _told(caller, ask, decision))

    def decide(self, caller: Caller, ask: Ask, context: Mapping[str, Callable[[], str]]) -> Evaluation:
        """What IAM decides about one thing that somebody asks for."""
        parts = ask.resource.split(":", 5)
        service = parts[2] if len(parts) == 6 else ""  # what is no ARN has no policy
        trust = ask.action == "sts:AssumeRole"
        text = self._text(service, ask.resource)
        held = self.callers.held(caller)
        account = account_of(ask.resource)
        elsewhere = account.isdecimal() and account != caller.principal.account
        policies = compiled(held, text, trust=trust, elsewhere=elsewhere)
        given = tuple((key, context[key]()) for key in sorted(policies.keys & context.keys()))
        key = (caller.principal.arn, ask, held, text, given)
        evaluation = self._decided.get(key)
        if evaluation is None:
            values = {name: (value,) for name, value in given}
            evaluation = decide(caller.principal, ask.action, ask.resource, values, policies)
            self._decided[key] = evaluation
        return evaluation

    def _text(self, service: str, resource: str) -> str:
        known = POLICIES.get(service)
        return known(self._world, resource) if known else ""

    def _context(self, call: AwsCall, caller: Caller) -> Mapping[str, Callable[[], str]]:
        principal, now = caller.principal, self._world.clock.now
        return {
            "aws:principalarn": lambda: principal.entity,
            "aws:principalaccount": lambda: principal.account,
            "aws:principaltype": lambda: caller.kind,
            "aws:username": lambda: caller.name,
            "aws:requestedregion": lambda: call.region,
            "aws:resourceaccount": lambda: call.account,
            "aws:securetransport": lambda: "true",
            "aws:viaawsservice": lambda: "false",
            "aws:currenttime": lambda: iso(now()),
            "aws:epochtime": lambda: str(int(now().timestamp())),
            "sts:externalid": lambda: str(call.params.get("ExternalId", "")),
            "sts:rolesessionname": lambda: str(call.params.get("RoleSessionName", "")),
        }


@functools.lru_cache(maxsize=256)
def compiled(held: Held, resource: str, *, trust: bool, elsewhere: bool = False) -> Policies:
    """All that speaks of somebody at a resource, read."""
    return Policies(
        _read(held.identity),
        None if held.session is None else _read(held.session),
        None if held.boundary is None else _read(held.boundary),
        read("resource", resource) if resource else None,
        trust,
        elsewhere,
    )


def _read(texts: Iterable[Text]) -> tuple[PolicyDocument, ...]:
    return tuple(read(name, text) for name, text in texts)


def _told(caller: Caller, ask: Ask, decision: Evaluation) -> str:
    """AWS's words, without the account of policies of the organization."""
    who = f"User: {caller.principal.arn} is not authorized to perform: {ask.action}"
    at = f" on resource: {ask.resource}" if ask.resource != "*" else ""
    if decision.ruling is Ruling.EXPLICIT_DENY:
        return f"{who}{at} with an explicit deny in a {decision.kind}".replace(" a identity", " an identity")
    return f"{who}{at} because no {decision.kind} allows the {ask.action} action"
