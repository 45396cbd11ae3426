"""Who is who in the account: users, roles in moto's own store, with the texts of their policies."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moto.iam.models import AWSManagedPolicy, IAMBackend, ManagedPolicy, PolicyVersion, Role, User

from drcore.sandbox.moto import backends

Text = tuple[str, str]
"""A policy: its name, its JSON."""


class PrincipalStore:
    """Who there is in one account."""

    def __init__(self, account: str) -> None:
        self._account = account

    @property
    def _iam(self) -> IAMBackend:
        return backends.iam(self._account)

    def lay(self, name: str, path: str, document: Mapping[str, Any], *, of_aws: bool = False, at: str = "") -> str:
        """Put a managed policy there, of the account or of AWS itself; returns its ARN."""
        if of_aws:
            data = {"DefaultVersionId": "v1", "Path": path, "Document": document, "CreateDate": at, "UpdateDate": at}
            policy: ManagedPolicy = AWSManagedPolicy.from_data(name, self._account, "us-east-1", data)
            self._iam.managed_policies[policy.arn] = policy
            return policy.arn
        return self._iam.create_policy("", path, json.dumps(document), name, []).arn

    def add_role(self, name: str, trust: Mapping[str, Any], policies: Sequence[str], hours: int = 1) -> None:
        """Make a role with the managed policies of those ARNs."""
        self._iam.create_role(name, json.dumps(trust), "/", None, "", [], str(3600 * hours))
        for arn in policies:
            self._iam.attach_role_policy(arn, name)

    def add_user(self, name: str, inline: Mapping[str, Mapping[str, Any]]) -> None:
        """Make a user with policies of its own."""
        self._iam.create_user("us-east-1", name)
        for policy, document in inline.items():
            self._iam.put_user_policy(name, policy, json.dumps(document))

    def role(self, name: str) -> Role | None:
        """A role by its name."""
        return next((each for each in self._iam.roles.values() if each.name == name), None)

    def user(self, name: str) -> User | None:
        """A user by its name."""
        return self._iam.users.get(name)

    def owner_of_key(self, access_key: str) -> User | None:
        """The user who has an access key that is active."""
        return next(
            (
                user
                for user in self._iam.users.values()
                for key in user.access_keys
                if key.access_key_id == access_key and key.status == "Active"
            ),
            None,
        )

    def texts(self, holder: Role | User) -> tuple[Text, ...]:
        """The identity-based policies of a user or a role: those of its own, those attached, those of its groups."""
        return tuple(self._texts(holder))

    def _texts(self, holder: Role | User) -> Iterator[Text]:
        groups = self._iam.get_groups_for_user(holder.name) if isinstance(holder, User) else ()
        for entity in (holder, *groups):
            yield from entity.policies.items()
            yield from ((arn, _document(policy)) for arn, policy in entity.managed_policies.items())

    def boundary(self, holder: Role | User) -> Text | None:
        """The permissions boundary of a role; moto has none for users."""
        arn = holder.permissions_boundary_arn if isinstance(holder, Role) else None
        return (arn, self.managed(arn)) if arn else None

    def managed(self, arn: str) -> str:
        """The text of a managed policy in its default version; one that is not there allows nothing."""
        policy = self._iam.managed_policies.get(arn)
        return _document(policy) if policy else ""

    def change(self, arn: str, document: Mapping[str, Any]) -> None:
        """Let a managed policy say something else from now on."""
        policy = self._iam.managed_policies[arn]
        _default(policy).document = json.dumps(document)


def _document(policy: ManagedPolicy) -> str:
    return _default(policy).document or ""


def _default(policy: ManagedPolicy) -> PolicyVersion:
    return next(each for each in policy.versions if each.version_id == policy.default_version_id)
