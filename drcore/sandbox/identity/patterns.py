"""Wildcards of policies, with the variables in them."""

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Context = Mapping[str, Sequence[str]]
"""What a request carries beside action and resource: by condition key in small letters."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


class MalformedPolicy(ValueError):
    """A policy that IAM would not take; the message says what is wrong with it."""


def as_list(value: Any) -> list[Any]:
    """The values of an element of a policy, which may stand alone."""
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]


@functools.lru_cache(maxsize=4096)
def glob(pattern: str) -> re.Pattern[str]:
    """A pattern in which `*` is any text, `?` any character."""
    return re.compile("".join(_GLOB.get(each) or re.escape(each) for each in pattern), re.DOTALL)


@functools.lru_cache(maxsize=4096)
def arn_glob(pattern: str) -> re.Pattern[str]:
    """A pattern for ARNs: only at the end of a part does `*` go beyond a colon."""
    parts = pattern.split(":")
    return re.compile(":".join(_arn_part(each) for each in parts), re.DOTALL)


def _arn_part(part: str) -> str:
    inside, ends = (part[:-1], ".*") if part.endswith("*") else (part, "")
    return "".join(_ARN_GLOB.get(each) or re.escape(each) for each in inside) + ends


def fill(text: str, context: Context) -> str | None:
    """A value of a policy with its variables replaced; None where the request lacks one that has no default.

    What replaces a variable is no wildcard: it is hidden from `glob`, and taken back by `plain`.
    """
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = (part.strip() for part in match[1].partition(","))
        if name in ("*", "?", "$"):
            return name.translate(_HIDE)
        values = context.get(name.lower())
        if values is None and not default:
            missing = True
        return (values[0] if values else default.strip("'")).translate(_HIDE)

    filled = _VARIABLE.sub(value, text)
    return None if missing else filled


def plain(text: str) -> str:
    """A filled value as it is compared where there are no wildcards."""
    return text.translate(_SHOW)


_STAR, _MARK = "\ue000", "\ue001"
_HIDE = {ord("*"): _STAR, ord("?"): _MARK}
_SHOW = {ord(_STAR): "*", ord(_MARK): "?"}
_GLOB = {"*": ".*", "?": ".", _STAR: r"\*", _MARK: r"\?"}
_ARN_GLOB = _GLOB | {"*": "[^:]*", "?": "[^:]"}
