"""Expressions of Logs Insights as SQL of DuckDB.

A field of a log line is text; it counts as a number where it is compared with one, or calculated with. What is
missing is NULL, which no comparison finds: simplified, as AWS does not say what `!=` makes of a missing field.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from lark import Token

from drcore.sandbox.services.logs.insights_language import Node, lacking, name_of, refuse, unquoted

MESSAGE, TIMESTAMP = "@message", "@timestamp"
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
"""Milliseconds of a period's unit; months and longer are not emulated."""


class ValueKind(Enum):
    """What an expression gives."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"
    MOMENT = "moment"
    """Milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Sql:
    """An expression. `aggregate`: it makes one value of many rows; `bare`: a field stands outside any aggregate."""

    text: str
    kind: ValueKind
    aggregate: bool = False
    bare: bool = False
    literal: bool = False

    @property
    def number(self) -> str:
        """As a number, NULL where it is none."""
        if self.kind is ValueKind.TEXT:
            return f"TRY_CAST({self.text} AS DOUBLE)"
        return self.text if self.kind is ValueKind.NUMBER else f"CAST({self.text} AS DOUBLE)"

    @property
    def words(self) -> str:
        """As text, as the results show it."""
        if self.kind is ValueKind.TEXT:
            return self.text
        whole = f"CAST(CAST({self.number} AS BIGINT) AS VARCHAR)"
        rounded = f"CAST(ROUND({self.number}, 4) AS VARCHAR)"
        return f"CASE WHEN {self.number} = FLOOR({self.number}) THEN {whole} ELSE {rounded} END"

    @property
    def truth(self) -> str:
        """As a condition."""
        if self.kind is ValueKind.TRUTH:
            return self.text
        return f"({self.words} NOT IN ('', '0', 'false'))"


Scope = Mapping[str, ValueKind]
"""The fields that there are, each a column of that name."""


def compile_expression(node: Node, scope: Scope) -> Sql:
    """The SQL of an expression. Raises MalformedQuery; AwsError for what the sandbox lacks of it."""
    children = [child for child in node.children if not isinstance(child, Token)]
    token = next((child for child in node.children if isinstance(child, Token)), None)
    match node.data:
        case "field" if token is not None:
            return field(name_of(token), scope)
        case "number":
            return Sql(f"CAST({token} AS DOUBLE)", ValueKind.NUMBER, literal=True)
        case "text" if token is not None:
            return Sql(quoted(unquoted(token)), ValueKind.TEXT, literal=True)
        case "function":
            return _function(node, scope)
        case "period" | "everything":
            raise refuse(node, "expected an expression")
    parts = [compile_expression(child, scope) for child in children if child.data != "list"]
    match node.data:
        case "any_of" | "all_of":
            word = " OR " if node.data == "any_of" else " AND "
            return _made(f"({word.join(part.truth for part in parts)})", ValueKind.TRUTH, parts)
        case "negated":
            return _made(f"(NOT {parts[0].truth})", ValueKind.TRUTH, parts)
        case "compared" if token is not None:
            return _compared(parts[0], parts[1], str(token))
        case "like" | "not_like" if token is not None:
            condition = _like(parts[0], token)
            return _made(condition if node.data == "like" else f"(NOT {condition})", ValueKind.TRUTH, parts)
        case "among" | "not_among":
            values = [
                compile_expression(child, scope) for child in children[-1].children if not isinstance(child, Token)
            ]
            condition = " OR ".join(_compared(parts[0], value, "=").text for value in values)
            return _made(f"({condition})" if node.data == "among" else f"(NOT ({condition}))", ValueKind.TRUTH, parts)
        case "negative":
            return _made(f"(-{parts[0].number})", ValueKind.NUMBER, parts)
        case "power":
            text = parts[0].number
            for part in parts[1:]:
                text = f"POW({text}, {part.number})"
            return _made(text, ValueKind.NUMBER, parts)
    return _arithmetic(parts, [str(child) for child in node.children if isinstance(child, Token)])


def field(name: str, scope: Scope) -> Sql:
    """A field, NULL if there is none of that name."""
    if name not in scope:
        return Sql("CAST(NULL AS VARCHAR)", ValueKind.TEXT, bare=True)
    return Sql(column(name), scope[name], bare=True)


def column(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def _made(text: str, kind: ValueKind, parts: Sequence[Sql]) -> Sql:
    return Sql(text, kind, any(part.aggregate for part in parts), any(part.bare for part in parts))


def _arithmetic(parts: Sequence[Sql], signs: Sequence[str]) -> Sql:
    text = parts[0].number
    for sign, part in zip(signs, parts[1:], strict=True):
        divisor = f"NULLIF({part.number}, 0)" if sign in "/%" else part.number
        text = f"({text} {sign} {divisor})"
    return _made(text, ValueKind.NUMBER, parts)


def _compared(left: Sql, right: Sql, sign: str) -> Sql:
    parts, operator = (left, right), {"!=": "<>"}.get(sign, sign)
    as_numbers, as_words = f"{left.number} {operator} {right.number}", f"{left.words} {operator} {right.words}"
    kinds = {left.kind, right.kind}
    if kinds == {ValueKind.TEXT}:
        if left.literal or right.literal:
            return _made(f"({as_words})", ValueKind.TRUTH, parts)
        both = f"{left.number} IS NOT NULL AND {right.number} IS NOT NULL"
        return _made(f"(CASE WHEN {both} THEN {as_numbers} ELSE {as_words} END)", ValueKind.TRUTH, parts)
    if ValueKind.MOMENT in kinds and ValueKind.TEXT in kinds:
        raise lacking("a moment compared with a text")
    return _made(f"({as_numbers})", ValueKind.TRUTH, parts)


def _like(value: Sql, pattern: Token) -> str:
    if pattern.type == "TEXT":
        return f"CONTAINS({value.words}, {quoted(unquoted(pattern))})"
    return f"REGEXP_MATCHES({value.words}, {quoted(str(pattern)[1:-1])})"


def _function(node: Node, scope: Scope) -> Sql:
    name, *given = node.children
    assert isinstance(name, Token)
    arguments = [child for child in given if not isinstance(child, Token)]
    if name in _NOT_HERE:
        raise lacking(f"the function {name}")
    if name in ("bin", "datefloor"):
        return _floored(node, arguments, scope)
    if name == "count" and (not arguments or arguments[0].data == "everything"):
        return Sql("CAST(COUNT(*) AS DOUBLE)", ValueKind.NUMBER, aggregate=True)
    known = FUNCTIONS.get(str(name))
    if known is None:
        raise refuse(name, f"unknown function {name}")
    if not known.least <= len(arguments) <= known.most:
        raise refuse(node, f"{name} takes {known.least} to {known.most} arguments, not {len(arguments)}")
    parts = [compile_expression(argument, scope) for argument in arguments]
    if name in ("earliest", "latest") and TIMESTAMP not in scope:
        raise refuse(name, f"{name} of what has no {TIMESTAMP}")
    if known.aggregate and any(part.aggregate for part in parts):
        raise refuse(node, f"{name} of what is an aggregate already")
    made = _made(known.sql(parts), known.kind or parts[0].kind, parts)
    return Sql(made.text, made.kind, aggregate=True) if known.aggregate else made


def _floored(node: Node, arguments: Sequence[Node], scope: Scope) -> Sql:
    """`bin(5m)` is the time of a line, `datefloor(field, 5m)` that of a field, each at the start of its period."""
    what = Sql(column(TIMESTAMP), ValueKind.MOMENT, bare=True)
    if len(arguments) == 2:
        what = compile_expression(arguments[0], scope)
    if not arguments or arguments[-1].data != "period" or TIMESTAMP not in scope:
        raise refuse(node, "expected a period such as 5m")
    match = re.fullmatch(r"(\d+)(\w+)", str(arguments[-1].children[0]))
    assert match
    if match[2] not in _UNITS or not int(match[1]):
        raise lacking(f"periods of {match[1]}{match[2]}")
    size = int(match[1]) * _UNITS[match[2]]
    return _made(f"(CAST({what.number} AS BIGINT) // {size} * {size})", ValueKind.MOMENT, [what])


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, what it gives (None: what its first argument is), its SQL."""

    least: int
    most: int
    kind: ValueKind | None
    sql: Callable[[Sequence[Sql]], str]
    aggregate: bool = False


def _numbers(template: str, *, most: int = 1, aggregate: bool = False) -> Function:
    def sql(parts: Sequence[Sql]) -> str:
        return template.format(", ".join(part.number for part in parts))

    return Function(1, most, ValueKind.NUMBER, sql, aggregate)


def _texts(template: str, kind: ValueKind, count: int = 1) -> Function:
    return Function(count, count, kind, lambda parts: template.format(*(part.words for part in parts)))


def _percentile(parts: Sequence[Sql]) -> str:
    return f"QUANTILE_DISC({parts[0].number}, LEAST(1, GREATEST(0, {parts[1].number} / 100)))"


def _edge(name: str) -> Function:
    return Function(1, 1, None, lambda parts: f"{name}({parts[0].text}, {column(TIMESTAMP)})", aggregate=True)


_MANY = 50
FUNCTIONS: Mapping[str, Function] = {
    "count": Function(1, 1, ValueKind.NUMBER, lambda parts: f"CAST(COUNT({parts[0].text}) AS DOUBLE)", aggregate=True),
    "count_distinct": Function(
        1, 1, ValueKind.NUMBER, lambda parts: f"CAST(COUNT(DISTINCT {parts[0].text}) AS DOUBLE)", aggregate=True
    ),
    "sum": _numbers("SUM({})", aggregate=True),
    "avg": _numbers("AVG({})", aggregate=True),
    "min": _numbers("MIN({})", aggregate=True),
    "max": _numbers("MAX({})", aggregate=True),
    "pct": Function(2, 2, ValueKind.NUMBER, _percentile, aggregate=True),
    "earliest": _edge("ARG_MIN"),
    "latest": _edge("ARG_MAX"),
    "abs": _numbers("ABS({})"),
    "ceil": _numbers("CEIL({})"),
    "floor": _numbers("FLOOR({})"),
    "sqrt": _numbers("SQRT({})"),
    "greatest": _numbers("GREATEST({})", most=_MANY),
    "least": _numbers("LEAST({})", most=_MANY),
    "toMillis": _numbers("{}"),
    "ispresent": Function(1, 1, ValueKind.TRUTH, lambda parts: f"({parts[0].text} IS NOT NULL)"),
    "isempty": _texts("(COALESCE({0}, '') = '')", ValueKind.TRUTH),
    "isblank": _texts("(TRIM(COALESCE({0}, '')) = '')", ValueKind.TRUTH),
    "coalesce": Function(
        1, _MANY, ValueKind.TEXT, lambda parts: f"COALESCE({', '.join(part.words for part in parts)})"
    ),
    "concat": Function(1, _MANY, ValueKind.TEXT, lambda parts: f"CONCAT({', '.join(part.words for part in parts)})"),
    "strlen": _texts("CAST(LENGTH({0}) AS DOUBLE)", ValueKind.NUMBER),
    "tolower": _texts("LOWER({0})", ValueKind.TEXT),
    "toupper": _texts("UPPER({0})", ValueKind.TEXT),
    "trim": _texts("TRIM({0})", ValueKind.TEXT),
    "strcontains": _texts("CAST(CONTAINS({0}, {1}) AS DOUBLE)", ValueKind.NUMBER, 2),
    "replace": _texts("REPLACE({0}, {1}, {2})", ValueKind.TEXT, 3),
}
_NOT_HERE = {
    *("stddev", "sortsFirst", "sortsLast", "dateceil", "fromMillis", "now", "log", "substr", "ltrim", "rtrim"),
    *("isValidIp", "isValidIpv4", "isValidIpv6", "isIpInSubnet", "isIpv4InSubnet", "isIpv6InSubnet"),
    *("jsonParse", "jsonStringify", "urlDecode", "urlEncode", "strftime", "strptime"),
}
"""What AWS has and the sandbox lacks: it must not look like a mistake of the query."""
