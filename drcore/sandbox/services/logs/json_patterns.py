"""Filter patterns of CloudWatch Logs for JSON: `{ ($.event = "merge") && ($.ms >= 500) }`.

A property that is missing meets no condition but NOT EXISTS. A number is compared with numbers only, a text with
texts only, as on AWS.
"""

import functools
import json
import operator
import re
from collections.abc import Callable
from typing import Any

from lark import Lark, Token, Tree, UnexpectedInput

from drcore.sandbox.core.registry import AwsError

GRAMMAR = r"""
start: "{" either "}"
?either: both
    | both ("||" both)+                          -> either
?both: condition
    | condition ("&&" condition)+                -> both
?condition: "(" either ")"
    | SELECTOR SIGN NUMBER                       -> number
    | SELECTOR SIGN (QUOTED | WORD)              -> text
    | SELECTOR SIGN REGEX                        -> matches
    | SELECTOR "IS" STATE                        -> state
    | SELECTOR "NOT" "EXISTS"                    -> missing
SELECTOR: /\$((\.[A-Za-z0-9_\-@]+)|(\.\*)|(\[\d+\])|(\[".*?"\]))+/
SIGN: "!=" | ">=" | "<=" | "=" | ">" | "<"
NUMBER.2: /-?\d+(\.\d+)?([eE][+-]?\d+)?(?=[\s)}&|])/
QUOTED: /"(?:[^"\\]|\\.)*"/
WORD: /[A-Za-z0-9_.\-\/:*]+/
REGEX: /%[^%]+%/
STATE: "NULL" | "TRUE" | "FALSE"
%import common.WS
%ignore WS
"""

_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_STATES = {"NULL": None, "TRUE": True, "FALSE": False}
_MISSING = object()
_PLACES = re.compile(r'\.([A-Za-z0-9_\-@]+)|\[(\d+)\]|\["(.*?)"\]')

Test = Callable[[Any], bool]


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", propagate_positions=True)


@functools.cache
def json_matcher(pattern: str) -> Callable[[str], bool]:
    """What a JSON pattern lets through. Raises AwsError (InvalidParameterException)."""
    try:
        (condition,) = _parser().parse(pattern).children
    except UnexpectedInput as error:
        place = f"at character {error.pos_in_stream}"
        raise AwsError("InvalidParameterException", f"Invalid filter pattern {place}: {pattern}") from None
    assert not isinstance(condition, Token)
    test = _test(condition)

    def matches(line: str) -> bool:
        document = document_of(line)
        return document is not None and test(document)

    return matches


def document_of(line: str) -> Any:
    """The JSON object of a line, None where it is none."""
    if not line.lstrip().startswith("{"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def property_of(document: Any, selector: str) -> Any:
    """What stands at `$.a.b[0]`; None where there is nothing."""
    value = _at(document, selector)
    return None if value is _MISSING else value


def _test(node: Tree[Token]) -> Test:
    if node.data in ("either", "both"):
        parts = [_test(child) for child in node.children if not isinstance(child, Token)]
        every = node.data == "both"
        return lambda document: (all if every else any)(part(document) for part in parts)
    selector, *given = [str(child) for child in node.children]
    if node.data == "missing":
        return lambda document: _at(document, selector) is _MISSING
    if node.data == "state":
        return lambda document: _at(document, selector) is _STATES[given[0]]
    holds, value = _SIGNS[given[0]], given[1]
    if node.data == "number":
        return lambda document: _is_number(held := _at(document, selector)) and holds(held, float(value))
    expression = re.compile(value[1:-1]) if node.data == "matches" else _with_wildcards(value)
    if given[0] not in ("=", "!="):
        raise AwsError("InvalidParameterException", f"Invalid filter pattern: {given[0]} between texts")
    search = expression.search if node.data == "matches" else expression.fullmatch
    wanted = given[0] == "="
    return lambda document: isinstance(held := _at(document, selector), str) and bool(search(held)) is wanted


def _with_wildcards(value: str) -> re.Pattern[str]:
    plain = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
    return re.compile(".*".join(map(re.escape, plain.split("*"))), re.DOTALL)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _at(document: Any, selector: str) -> Any:
    for key, number, quoted in _PLACES.findall(selector):
        if number:
            if not isinstance(document, list) or int(number) >= len(document):
                return _MISSING
            document = document[int(number)]
        else:
            if not isinstance(document, dict) or (key or quoted) not in document:
                return _MISSING
            document = document[key or quoted]
    return document
