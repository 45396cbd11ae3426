"""The commands of Logs Insights, one behind another, as one SELECT of DuckDB over the lines.

Sorted values that mix digits and letters are compared as plain text, not by AWS's natural order. Groups that are not
sorted come in no order that means anything, as on AWS.
"""

# ruff: noqa: S608  # a text of the query is put into the SQL as a quoted literal, a name as a quoted identifier

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lark import Token

from drcore.sandbox.services.logs.insights_expressions import (
    MESSAGE,
    TIMESTAMP,
    Scope,
    Sql,
    ValueKind,
    column,
    compile_expression,
    quoted,
)
from drcore.sandbox.services.logs.insights_language import Node, lacking, name_of, parse, refuse, unquoted

ORDER, POINTER = "#order", "@ptr"
"""Columns of our own: a row's place in line (1 is the first), and which line it is."""
SYSTEM: Scope = {
    TIMESTAMP: ValueKind.MOMENT,
    "@ingestionTime": ValueKind.MOMENT,
    MESSAGE: ValueKind.TEXT,
    "@logStream": ValueKind.TEXT,
    "@log": ValueKind.TEXT,
}
"""The fields that every line has."""


@dataclass(frozen=True, slots=True)
class InsightsQuery:
    """A query that compiled: `sql` reads the table `lines`, whose columns are SYSTEM, ORDER, POINTER, `fields`.

    It gives `shown`, each with its kind, in this order; `grouped` rows stand for no single line.
    """

    text: str
    sql: str
    fields: tuple[str, ...]
    shown: tuple[tuple[str, ValueKind], ...]
    grouped: bool


@dataclass(frozen=True, slots=True)
class _Stage:
    """What the commands until here make of the lines."""

    query: str
    sql: str
    scope: dict[str, ValueKind]
    shown: tuple[str, ...] = ()
    grouped: bool = False


def compile_query(text: str) -> InsightsQuery:
    """The SQL of a query. Raises MalformedQuery; AwsError for what the sandbox lacks of the language."""
    tree = parse(text)
    names = {name_of(token) for token in tree.scan_values(lambda v: isinstance(v, Token) and v.type == "NAME")}
    discovered = tuple(sorted(name for name in names - set(SYSTEM) if not name.startswith("@")))
    scope = dict(SYSTEM) | dict.fromkeys(discovered, ValueKind.TEXT)
    stage = _Stage(text, "SELECT * FROM lines", scope)
    for command in tree.children:
        assert not isinstance(command, Token)
        stage = _COMMANDS[command.data](stage, command)
    shown = stage.shown or (TIMESTAMP, MESSAGE)
    kinds = tuple((name, stage.scope.get(name, ValueKind.TEXT)) for name in shown)
    columns = [column(name) if name in stage.scope else "NULL" for name in shown]
    columns += [] if stage.grouped else [column(POINTER)]
    sql = f"SELECT {', '.join(columns)} FROM ({stage.sql}) ORDER BY {column(ORDER)}"
    return InsightsQuery(text, sql, discovered, kinds, stage.grouped)


def _fields(stage: _Stage, command: Node) -> _Stage:
    for node in _nodes(command):
        name, sql = _named(stage, node)
        if sql.aggregate:
            raise refuse(node, f"{name}: an aggregate outside stats")
        stage = replace(_with(stage, [(name, sql)]), shown=tuple(dict.fromkeys((*stage.shown, name))))
    return stage


def _display(stage: _Stage, command: Node) -> _Stage:
    return replace(stage, shown=tuple(dict.fromkeys(_written(stage, child) for child in _nodes(command))))


def _filter(stage: _Stage, command: Node) -> _Stage:
    condition = compile_expression(_nodes(command)[0], stage.scope)
    if condition.aggregate:
        raise refuse(command, "an aggregate in a filter")
    return replace(stage, sql=f"SELECT * FROM ({stage.sql}) WHERE {condition.truth}")


def _parse(stage: _Stage, command: Node) -> _Stage:
    """`parse @message "user=* " as user`, or a regular expression whose named groups are the fields."""
    source = compile_expression(_nodes(command)[0], stage.scope)
    tokens = [child for child in command.children if isinstance(child, Token)]
    pattern = next(token for token in tokens if token.type in ("TEXT", "REGEX"))
    names = [name_of(token) for token in tokens if token.type == "NAME"]
    if pattern.type == "TEXT":
        pieces = unquoted(pattern).split("*")
        if len(pieces) - 1 != len(names):
            raise refuse(command, f"{len(pieces) - 1} wildcards for {len(names)} names")
        wildcards = ["(.*?)" if piece else "(.*)" for piece in pieces[1:]]
        expression = "".join(map("".join, zip(map(re.escape, pieces), [*wildcards, ""], strict=True)))
    else:
        expression = re.sub(r"\(\?P?<([A-Za-z]\w*)>", "(", str(pattern)[1:-1])
        named = re.findall(r"\(\?P?<([A-Za-z]\w*)>", str(pattern))
        if len(named) != len(re.findall(r"(?<!\\)\((?!\?)", expression)):
            raise refuse(pattern, "expected named groups only")
        names = names or named
    matches = f"REGEXP_MATCHES({source.words}, {quoted(expression)})"
    made = [
        (
            name,
            Sql(
                f"CASE WHEN {matches} THEN REGEXP_EXTRACT({source.words}, {quoted(expression)}, {n}) END",
                ValueKind.TEXT,
            ),
        )
        for n, name in enumerate(names, 1)
    ]
    return _with(stage, made)


def _stats(stage: _Stage, command: Node) -> _Stage:
    groups: list[tuple[str, Sql]] = []
    values: list[tuple[str, Sql]] = []
    for node in _nodes(command):
        if node.data == "groups":
            groups = [_named(stage, child) for child in _nodes(node)]
            if any(sql.aggregate for _, sql in groups):
                raise refuse(node, "grouped by an aggregate")
            continue
        values.append(_named(stage, node))
        if values[-1][1].bare or not values[-1][1].aggregate:
            raise refuse(node, f"{values[-1][0]}: expected an aggregate")
    columns = [f"{sql.text} AS {column(name)}" for name, sql in (*groups, *values)]
    keys = ", ".join(str(n) for n in range(1, len(groups) + 1))
    grouped = f"SELECT {', '.join(columns)} FROM ({stage.sql})" + (
        f" GROUP BY {keys}" if groups else " HAVING COUNT(*) > 0"  # nothing found is no row, not a zero
    )
    mixed = " || '/' || ".join(["''", *(f"COALESCE(CAST({column(name)} AS VARCHAR), '')" for name, _ in groups)])
    sql_text = f"SELECT *, ROW_NUMBER() OVER (ORDER BY MD5({mixed})) AS {column(ORDER)} FROM ({grouped})"
    scope = {name: sql.kind for name, sql in (*groups, *values)}
    return replace(stage, sql=sql_text, scope=scope, shown=tuple(scope), grouped=True)


def _sort(stage: _Stage, command: Node) -> _Stage:
    """Ascending: what is no number before what is one; descending the other way round."""
    keys: list[str] = []
    for child in _nodes(command):
        direction = "DESC" if any(isinstance(c, Token) and c.type == "DESC" for c in child.children) else "ASC"
        sql = compile_expression(_nodes(child)[0], stage.scope)
        if sql.aggregate:
            sql = _known_by_its_text(stage, _nodes(child)[0])
        parts = [f"{sql.number} IS NOT NULL", sql.number, *([sql.text] if sql.kind is ValueKind.TEXT else [])]
        keys += [f"{part} {direction}" for part in parts]
    order = f"ROW_NUMBER() OVER (ORDER BY {', '.join([*keys, column(ORDER)])}) AS {column(ORDER)}"
    return replace(stage, sql=f"SELECT * REPLACE ({order}) FROM ({stage.sql})")


def _limit(stage: _Stage, command: Node) -> _Stage:
    number = command.children[0]
    return replace(stage, sql=f"SELECT * FROM ({stage.sql}) ORDER BY {column(ORDER)} LIMIT {number}")


def _dedup(stage: _Stage, command: Node) -> _Stage:
    """Of the rows with the same values the first one in line stays."""
    parts = [compile_expression(child, stage.scope).text for child in _nodes(command)]
    first = f"ROW_NUMBER() OVER (PARTITION BY {', '.join(parts)} ORDER BY {column(ORDER)}) = 1"
    return replace(stage, sql=f"SELECT * FROM ({stage.sql}) QUALIFY {first}")


def _elsewhere(_: _Stage, command: Node) -> _Stage:
    raise lacking(f"the command {str(command.children[0]).split()[0]}")


_COMMANDS = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "parse": _parse,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
    "dedup": _dedup,
    "elsewhere": _elsewhere,
}


def _nodes(node: Node) -> list[Node]:
    return [child for child in node.children if not isinstance(child, Token)]


def _named(stage: _Stage, node: Node) -> tuple[str, Sql]:
    """An expression with its name: the one after `as`, else its own text."""
    expression, *alias = node.children
    assert not isinstance(expression, Token)
    sql = compile_expression(expression, stage.scope)
    given = [name_of(token) for token in alias if isinstance(token, Token) and token.type == "NAME"]
    return (given[0] if given else _written(stage, expression)), sql


def _written(stage: _Stage, node: Node) -> str:
    if node.data == "field":
        token = node.children[0]
        assert isinstance(token, Token)
        return name_of(token)
    return stage.query[int(node.meta.start_pos) : int(node.meta.end_pos)]


def _known_by_its_text(stage: _Stage, node: Node) -> Sql:
    """`sort count(*) desc` after `stats count(*)` means that column."""
    name = _written(stage, node)
    if name not in stage.scope:
        raise refuse(node, f"{name}: an aggregate outside stats")
    return Sql(column(name), stage.scope[name])


def _with(stage: _Stage, made: Sequence[tuple[str, Sql]]) -> _Stage:
    """The same rows with more columns, or other ones of those names."""
    scope = dict(stage.scope)
    replaced, added = list[str](), list[str]()
    for name, sql in made:
        if sql.text != column(name):
            (replaced if name in scope else added).append(f"{sql.text} AS {column(name)}")
        scope[name] = sql.kind
    star = f"* REPLACE ({', '.join(replaced)})" if replaced else "*"
    sql_text = f"SELECT {', '.join([star, *added])} FROM ({stage.sql})"
    return replace(stage, sql=sql_text, scope=scope)
