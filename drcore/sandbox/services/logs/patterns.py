"""Filter patterns of CloudWatch Logs: terms, regular expressions, JSON."""

import re
from collections.abc import Callable

from drcore.sandbox.core.registry import AwsError

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def matcher(pattern: str) -> Callable[[str], bool]:
    """What a filter pattern lets through: all plain terms, one of the `?` terms, none of the `-` terms.

    A term in quotes may hold anything; `{…}` is asked of JSON, `%…%` is a regular expression. Raises AwsError for
    patterns of columns, which are not emulated, and for what is no pattern.
    """
    text = pattern.strip()
    if text.startswith("{"):
        from drcore.sandbox.services.logs.json_patterns import json_matcher  # here, as its parser takes time to load

        return json_matcher(text)
    if text.startswith("["):
        raise AwsError("InvalidParameterException", f"patterns of columns are not emulated: {text!r}")
    if len(text) > 2 and text.startswith("%") and text.endswith("%"):
        return _expression(text[1:-1])
    return _terms(text)


def _expression(text: str) -> Callable[[str], bool]:
    try:
        compiled = re.compile(text)
    except re.error as error:
        raise AwsError("InvalidParameterException", f"Invalid filter pattern: {error}") from None
    return lambda line: bool(compiled.search(line))


def _terms(text: str) -> Callable[[str], bool]:
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    for sign, quoted, plain in _TERM.findall(text):
        terms[sign].append(quoted.replace('\\"', '"') or plain)
    every, some, none = terms.values()

    def matches(line: str) -> bool:
        return (
            all(term in line for term in every)
            and (not some or bool(every) or any(term in line for term in some))
            and not any(term in line for term in none)
        )

    return matches
