"""Whose call it is, by the access key that it is signed with.

A user has the keys that it was given; AssumeRole gives those of a session, which ends, and which is of the account of
its role. While nobody was given a key, as in an account that is empty, any key is the root user's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from drcore.sandbox.core.registry import AwsCall
from drcore.sandbox.core.world import World
from drcore.sandbox.identity.policy import Principal
from drcore.sandbox.moto.principals import PrincipalStore, Text
from drcore.sandbox.protocol.messages import AwsError


@dataclass(frozen=True, slots=True)
class Session:
    """A role that somebody has taken on, until it expires; `policies` limit it."""

    role: str
    role_arn: str
    name: str
    token: str
    expires: datetime
    secret: str = ""
    policies: tuple[Text, ...] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls: a user, a session of a role, or the root user. `name` is that of the user or the role."""

    principal: Principal
    kind: str
    name: str
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The policies of a caller, as texts; None where there is no such limit."""

    identity: tuple[Text, ...]
    session: tuple[Text, ...] | None = None
    boundary: tuple[Text, ...] | None = None


class Callers:
    """The access keys of the account, the roles of others that are taken on from it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.store = PrincipalStore(world.account)
        self._stores = {world.account: self.store}
        self._users: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._sessions: dict[str, Session] = {}
        self._callers: dict[str, Caller] = {}

    def add_key(self, access_key: str, user: str) -> None:
        """Let a user sign with an access key; its secret is the same word."""
        self._users[access_key], self._secrets[access_key] = user, access_key

    def store_of(self, account: str) -> PrincipalStore:
        """Who there is in an account, this one or another."""
        return self._stores.setdefault(account, PrincipalStore(account))

    def secret(self, access_key: str) -> str:
        """What somebody signs with, by their access key; empty for one that is nobody's."""
        session = self._sessions.get(access_key)
        return session.secret if session else self._secrets.get(access_key, "")

    def open_session(self, access_key: str, session: Session) -> None:
        """Let a role that was taken on sign with an access key."""
        self._sessions[access_key] = session

    def of(self, call: AwsCall) -> Caller:
        """Who makes a call. Raises AwsError for a key that is nobody's, a session without its token or at its end."""
        key = call.access_key
        session = self._sessions.get(key)
        if session is not None:
            self._valid(call, session)
        if key not in self._callers:
            caller = self._caller(key, session)
            if caller is None:
                raise invalid(call)
            self._callers[key] = caller
        return self._callers[key]

    def held(self, caller: Caller) -> Held:
        """What a caller holds now."""
        store = self.store_of(caller.principal.account)
        holder = store.user(caller.name) if caller.kind == "User" else store.role(caller.name)
        if holder is None:  # the root user, or somebody who was deleted since
            return Held(())
        boundary = store.boundary(holder)
        limits = caller.session.policies if caller.session else None
        return Held(store.texts(holder), limits, (boundary,) if boundary else None)

    def _valid(self, call: AwsCall, session: Session) -> None:
        if call.message.request.headers.get("X-Amz-Security-Token") != session.token:
            raise invalid(call)
        if call.world.clock.now() >= session.expires:
            code = "ExpiredToken" if call.service in ("s3", "sts", "iam") else "ExpiredTokenException"
            raise AwsError(code, "The security token included in the request is expired", 403)

    def _caller(self, key: str, session: Session | None) -> Caller | None:
        account = account_of(session.role_arn) if session else self._world.account
        if session is not None:
            arn = f"arn:aws:sts::{account}:assumed-role/{session.role}/{session.name}"
            return Caller(Principal(arn, session.role_arn, account), "AssumedRole", session.role, session)
        user = self.store.user(self._users.get(key, "")) or self.store.owner_of_key(key)
        if user is not None:
            return Caller(Principal(user.arn, user.arn, account), "User", user.name)
        if self._users:
            return None
        root = f"arn:aws:iam::{account}:root"
        return Caller(Principal(root, root, account), "Account", "root")


def account_of(arn: str) -> str:
    """The account that an ARN names; empty where it names none."""
    return (arn.split(":", 5) + [""] * 5)[4]


def invalid(call: AwsCall) -> AwsError:
    """What a service answers to a key that it does not know."""
    codes = {"s3": "InvalidAccessKeyId", "sts": "InvalidClientTokenId", "iam": "InvalidClientTokenId"}
    code = codes.get(call.service, "UnrecognizedClientException")
    return AwsError(code, "The security token included in the request is invalid.", 403)


def session_policies(store: PrincipalStore, text: str | None, arns: Iterable[str]) -> tuple[Text, ...] | None:
    """The policies that limit a session; None where it was taken on without any."""
    named = [(arn, store.managed(arn)) for arn in arns]
    return (*named, *([("session policy", text)] if text else [])) or None
