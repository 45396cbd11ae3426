"""What IAM must allow a run: the actions, with the ARNs of what they are done to.

One source of the printed policy, of what the preflight asks IAM about. AWS's own `ReadOnlyAccess` comes beside it:
what that allows is not said here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from drcore.parameters import SecretRef, Service

LONGEST = 6144
"""Characters of a managed policy, but for blanks (IAM, quotas)."""
T = TypeVar("T")  # the facts of a plan


@dataclass(frozen=True, slots=True)
class Place(Generic[T]):
    """Where something is to be allowed: an environment, with the facts of a plan in it."""

    service: Service
    facts: T

    def everywhere(self, service: str, *resources: str) -> Iterator[str]:
        """The ARNs of resources of a service (`function:syncwell-api`) in each region of the environment."""
        for region in self.service.regions:
            yield from (f"arn:aws:{service}:{region}:{self.service.account}:{each}" for each in resources)

    def everywhere_in_buckets(self, bucket: str, keys: str) -> Iterator[str]:
        """The ARNs of objects in a bucket of each region, whose name has `{region}`."""
        return (f"arn:aws:s3:::{bucket.format(region=region)}/{keys}" for region in self.service.regions)

    def secret(self, reference: SecretRef | None) -> Iterator[str]:
        """The ARNs of a secret in Secrets Manager, which end in six characters that AWS draws; none where it is not."""
        kind, _, name = reference.secret.partition(":") if reference else ("", "", "")
        return self.everywhere("secretsmanager", f"secret:{name}-??????") if kind == "aws" else iter(())


Arns = Callable[[Place[Any]], Iterable[str]]


def anything(at: Place[Any]) -> Iterator[str]:
    """For an action that AWS allows on everything or on nothing."""
    yield "*"


@dataclass(frozen=True, slots=True)
class Permission:
    """One IAM action, with the ARNs that it is needed on."""

    action: str
    arns: Arns = anything

    def on(self, at: Place[Any]) -> tuple[str, ...]:
        """The ARNs in an environment, sorted; none where nothing is to be allowed there."""
        return tuple(sorted(set(self.arns(at))))


def iam_actions(*actions: str, on: Arns = anything) -> tuple[Permission, ...]:
    """The permissions for some actions on the same things."""
    return tuple(Permission(action, on) for action in actions)


def evidence(keys: str) -> Arns:
    """The objects of the evidence stores whose keys are so."""
    return lambda at: (f"arn:aws:s3:::{bucket}/{keys}" for bucket in at.service.evidence.buckets.values())


def locks(at: Place[Any]) -> Iterable[str]:
    """The objects that say who holds the lock of a plan."""
    witness = at.service.evidence.witness
    yield from evidence("locks/*")(at)
    yield from (f"arn:aws:s3:::{witness.bucket}/locks/*",) if witness else ()


def topics(at: Place[Any]) -> Iterable[str]:
    """The topics that page."""
    return at.service.on_call.topics.values()


def second_topics(at: Place[Any]) -> Iterable[str]:
    """The topics that page where nobody has acknowledged."""
    return at.service.on_call.second.values()


def own_keys(at: Place[Any]) -> Iterable[str]:
    """The KMS keys of one's own; none where all lies under AWS's."""
    return at.service.encryption_keys


# What AWS asks for of a key behind each call that reads or writes what lies under it, a restore and a replica included.
OF_OWN_KEYS = iam_actions(
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"), on=own_keys
)
OF_THE_LOCK = iam_actions("s3:PutObject", "s3:DeleteObject", on=locks)
OF_THE_STATUS_PAGE = (
    Permission("secretsmanager:GetSecretValue", lambda at: at.secret(at.service.status_page.api_key)),
)
# What every run needs, whatever its plan: the record under Object Lock, the lock, the key of the status page.
OF_EVERY_RUN = (
    *iam_actions("s3:PutObject", "s3:PutObjectRetention", on=evidence("records/*")),
    *OF_THE_LOCK,
    Permission("s3:PutObject", lambda at: evidence("approvals/*")(at) if at.service.second_person else ()),
    *OF_THE_STATUS_PAGE,
    *OF_OWN_KEYS,
)


def by_resources(permissions: Iterable[Permission], at: Place[Any]) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """The actions by the ARNs that they are needed on, each ARN once; all sorted.

    ARNs are what is long in a policy, and IAM takes no managed one that is longer than LONGEST.
    """
    wanted: dict[str, set[str]] = {}
    for permission in permissions:
        for arn in permission.on(at):
            wanted.setdefault(arn, set()).add(permission.action)
    by_actions: dict[tuple[str, ...], list[str]] = {}
    for arn, actions in sorted(wanted.items()):
        by_actions.setdefault(tuple(sorted(actions)), []).append(arn)
    return {tuple(arns): actions for actions, arns in by_actions.items()}


def policy(permissions: Iterable[Permission], at: Place[Any]) -> dict[str, Any]:
    """The IAM policy that allows them, ready to be pasted."""
    statements = [
        {"Effect": "Allow", "Action": list(actions), "Resource": list(arns)}
        for arns, actions in by_resources(permissions, at).items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def managed(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A policy as managed ones that IAM takes: one, or as few as hold its statements in their order."""
    parts: list[dict[str, Any]] = [{"Version": whole["Version"], "Statement": []}]
    for statement in whole["Statement"]:
        longer = parts[-1] | {"Statement": [*parts[-1]["Statement"], statement]}
        if parts[-1]["Statement"] and len(json.dumps(longer, separators=(",", ":"))) > LONGEST:
            longer = {"Version": whole["Version"], "Statement": [statement]}
            parts.append(longer)
        parts[-1] = longer
    return parts


@dataclass(frozen=True, slots=True)
class RoleElsewhere:
    """A role of another account that the runner's role takes on, with the policy that it needs there."""

    arn: str
    external_id: str
    runner: str
    policy: Mapping[str, Any]

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.arn.split(":")[4]

    def documents(self) -> dict[str, Any]:
        """Its trust policy, which names the runner's role, and its policy; ReadOnlyAccess is not needed beside it."""
        only = {"StringEquals": {"sts:ExternalId": self.external_id}}
        trust = {"Effect": "Allow", "Principal": {"AWS": self.runner}, "Action": "sts:AssumeRole", "Condition": only}
        return {
            "role": self.arn,
            "trust": {"Version": "2012-10-17", "Statement": [trust]},
            "policy": self.policy,
        }


def fingerprint(permissions: Iterable[Permission], at: Place[Any]) -> str:
    """The policy as a digest, by which a change is seen: of an action, of an ARN."""
    return hashlib.sha256(json.dumps(policy(permissions, at), sort_keys=True).encode()).hexdigest()[:16]
