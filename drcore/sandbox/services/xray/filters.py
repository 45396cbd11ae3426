"""X-Ray's filter expressions, as far as they are known here; one outside that is refused by name.

Known are `fault`, `error`, `ok`, `annotation.NAME = "…"` and `annotation[NAME]`, `responsetime > 5`, `service("…")`,
alone or with `{ fault }` or `{ error }`, with AND, OR and parentheses.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Any

from lark import Lark, Transformer
from lark.exceptions import LarkError, VisitError

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.services.xray.state import Trace, TracedCall

Finds = Callable[[Trace], bool]

_GRAMMAR = r"""
?start: either
?either: both ("OR"i both)*
?both: one ("AND"i one)*
?one: "(" either ")" | word -> of_root | annotation | response | service
word: WORD ["=" TRUTH]
annotation: "annotation" ("." NAME | "[" NAME "]") EQUAL TEXT
response: "responsetime" COMPARED NUMBER
service: "service" "(" [TEXT] ")" ["{" word "}"]
WORD: "fault" | "error" | "throttle" | "ok"
TRUTH: "true"i | "false"i
EQUAL: "=" | "!="
COMPARED: ">=" | "<=" | ">" | "<"
NAME: /[A-Za-z_][A-Za-z0-9_]*/
TEXT: /"[^"]*"/
NUMBER: /[0-9]+(\.[0-9]+)?/
%ignore /\s+/
"""
_COMPARES = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}


def finds(expression: str) -> Finds:
    """Whether a trace is found by an expression. Raises AwsError (InvalidRequestException)."""
    if not expression.strip():
        return lambda trace: True
    try:
        filter_: Finds = _Reading().transform(_parser().parse(expression))
    except (LarkError, VisitError) as error:
        raise AwsError("InvalidRequestException", f"Invalid filter expression: {expression}") from error
    return filter_


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _is(call: TracedCall, word: str) -> bool:
    match word:
        case "fault":
            return call.fault
        case "error":
            return call.refused
        case "throttle":
            return call.status == 429
        case _:
            return not call.fault and call.status < 400


class _Reading(Transformer[Any, Any]):
    """Each rule as a question to a trace. A word alone is asked of the root: what it has handled is none of its own."""

    def word(self, parts: list[Any]) -> Callable[[TracedCall], bool]:
        word, truth = str(parts[0]), str(parts[1] or "true").lower() == "true"
        return lambda call: _is(call, word) is truth

    def annotation(self, parts: list[Any]) -> Finds:
        name, how, text = map(str, parts)
        return lambda trace: (trace.annotations.get(name) == text[1:-1]) is (how == "=")

    def response(self, parts: list[Any]) -> Finds:
        compares, limit = _COMPARES[str(parts[0])], float(parts[1])
        return lambda trace: compares(trace.calls[0].seconds, limit)

    def service(self, parts: list[Any]) -> Finds:
        name, asked = str(parts[0] or '""')[1:-1], parts[1]
        return lambda trace: any(name in ("", call.name) and (not asked or asked(call)) for call in trace.calls)

    def of_root(self, parts: list[Any]) -> Finds:
        asked: Callable[[TracedCall], bool] = parts[0]
        return lambda trace: asked(trace.calls[0])

    def both(self, parts: list[Finds]) -> Finds:
        return lambda trace: all(each(trace) for each in parts)

    def either(self, parts: list[Finds]) -> Finds:
        return lambda trace: any(each(trace) for each in parts)
