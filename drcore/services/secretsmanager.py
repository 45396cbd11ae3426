"""Secrets Manager: whether a secret can be read in a region, where its copies are."""

from __future__ import annotations

from dataclasses import dataclass

from drcore.calls.aws import Aws


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as one region sees it: which region it is written in, the state of each copy."""

    primary: str
    copies: tuple[tuple[str, str], ...]


def secret(aws: Aws, region: str, name: str) -> Secret:
    """Where a secret lies. Raises Rejected when there is none, Unknown."""
    found = aws.call("secretsmanager", region, "describe_secret", SecretId=name)
    copies = tuple(sorted((each["Region"], each["Status"]) for each in found.get("ReplicationStatus", ())))
    return Secret(found.get("PrimaryRegion", ""), copies)


def is_readable(aws: Aws, region: str, name: str) -> bool:
    """Whether its value can be read in a region; the value itself is dropped. Raises Rejected, Unknown."""
    found = aws.call("secretsmanager", region, "get_secret_value", SecretId=name)
    return bool(found.get("SecretString") or found.get("SecretBinary"))
