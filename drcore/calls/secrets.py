"""The value of a secret, by its reference."""

from __future__ import annotations

import os

from drcore.calls.aws import Aws
from drcore.errors import Unknown
from drcore.parameters import SecretRef


def resolve(reference: SecretRef, aws: Aws, region: str) -> str:
    """The value that a reference names. Raises Unknown when there is none."""
    kind, name = reference.secret.split(":", 1)
    if kind == "env":
        value = os.environ.get(name, "")
    else:
        value = aws.call("secretsmanager", region, "get_secret_value", SecretId=name)["SecretString"]
    if not value:
        raise Unknown(f"the secret {reference.secret} is empty or not set")
    return str(value)
