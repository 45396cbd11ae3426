"""A call as a command for the shell, so that a person can carry on by hand."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore import xform_name  # noqa: TID251  # how both spell the name of an operation; no call is made

from drcore.calls.gate import as_json
from drcore.clock import iso

# `aws` writes what these answer with into a file that must be named.
_INTO_A_FILE = {("s3", "GetObject"), ("lambda", "Invoke")}
_CLI_NAMES = {"s3": "s3api", "codedeploy": "deploy"}  # where the aws command line calls a service otherwise
_SHOWN = 2  # of a read's long list this many are shown: enough to carry on by hand


def shell_command(
    service: str, operation: str, region: str, parameters: Mapping[str, Any], *, write: bool, role: str = ""
) -> str:
    """The call for the `aws` command line; of a read's long list only the beginning.

    `role` is the one of another account that it must be made under, which only a comment says.
    """
    words = ["aws", _CLI_NAMES.get(service, service), xform_name(operation, "-"), "--region", region]
    before, more = "", 0
    for name, value in parameters.items():
        shown = value
        if not write and isinstance(value, list) and len(value) > _SHOWN and isinstance(value[0], dict):
            shown, more = value[:_SHOWN], len(value) - _SHOWN
        if isinstance(value, bytes):  # `aws` takes these from a file only
            before = shlex.join(["printf", "%s", value.decode(errors="replace")]) + " > body && "
            shown = "body"
        words += _option(xform_name(name, "-"), shown)
    if (service, operation) in _INTO_A_FILE:
        words.append("/dev/stdout")
    parts = [f"and {more} more like these"] if more else []
    parts += [f"as {role}"] if role else []
    return before + shlex.join(words) + (f"  # {', '.join(parts)}" if parts else "")


def _option(name: str, value: object) -> list[str]:
    """An option as `aws` takes it: a flag with its opposite, a time in ISO 8601, words, or JSON."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    if isinstance(value, datetime):
        return [f"--{name}", iso(value)]
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return [f"--{name}", *value]
    text = value if isinstance(value, str) else as_json(value)
    return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]
