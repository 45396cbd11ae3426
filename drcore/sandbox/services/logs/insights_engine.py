"""A compiled query of Logs Insights, carried out over lines by DuckDB, which a world without queries starts without."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

from drcore.sandbox.core.timestamps import aware
from drcore.sandbox.services.logs.insights_commands import InsightsQuery
from drcore.sandbox.services.logs.insights_expressions import ValueKind, column
from drcore.sandbox.services.logs.insights_language import MalformedQuery
from drcore.sandbox.services.logs.insights_queries import FoundLine, Row


def check(query: InsightsQuery) -> None:
    """Raises MalformedQuery where DuckDB does not take a query that compiled: a regular expression that is none."""
    import duckdb

    try:
        carry_out(query, (), 1)
    except duckdb.Error as error:
        raise MalformedQuery(str(error).partition("\n")[0], 0, len(query.text)) from None


def carry_out(query: InsightsQuery, lines: Sequence[FoundLine], most: int) -> list[Row]:
    """The rows of a query, at most `most`."""
    newest_first = sorted(lines, key=lambda row: row.line[:2], reverse=True)
    documents = [_fields(each.line[3]) for each in newest_first] if query.fields else []
    columns: dict[str, tuple[str, list[Any]]] = {
        "@timestamp": ("BIGINT", [each.line[0] for each in newest_first]),
        "@ingestionTime": ("BIGINT", [each.line[4] for each in newest_first]),
        "@message": ("VARCHAR", [each.line[3] for each in newest_first]),
        "@logStream": ("VARCHAR", [each.line[2] for each in newest_first]),
        "@log": ("VARCHAR", [each.log for each in newest_first]),
        "@ptr": ("VARCHAR", [each.pointer for each in newest_first]),
        "#order": ("BIGINT", list(range(1, len(newest_first) + 1))),
    }
    columns |= {name: ("VARCHAR", [value_of(document, name) for document in documents]) for name in query.fields}
    given = ", ".join(
        f"UNNEST(${n}::{kind}[]) AS {column(name)}" for n, (name, (kind, _)) in enumerate(columns.items(), 1)
    )
    sql = f"WITH lines AS (SELECT {given}) {query.sql} LIMIT {most}"
    cursor = _engine().cursor()
    rows = cursor.execute(sql, [values for _, values in columns.values()]).fetchall()
    kinds = [*query.shown, *(() if query.grouped else (("@ptr", ValueKind.TEXT),))]
    return [
        tuple((name, _shown(value, kind)) for (name, kind), value in zip(kinds, row, strict=True) if value is not None)
        for row in rows
    ]


@functools.cache
def _engine() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(":memory:", config={"threads": "1"})


def _fields(message: str) -> Any:
    """The JSON of a line; nothing is found in one that is none."""
    if not message.startswith("{"):
        return None
    try:
        return json.loads(message)
    except ValueError:
        return None


def value_of(document: Any, path: str) -> str | None:
    """What stands at `a.b.0`, as Insights has it: true is 1, false is 0; null, objects and lists are no value."""
    if isinstance(document, dict):
        if path in document:
            return _leaf(document[path])
        parts = path.split(".")
        for length in range(len(parts) - 1, 0, -1):
            key = ".".join(parts[:length])
            if key in document:
                return value_of(document[key], ".".join(parts[length:]))
    elif isinstance(document, list):
        number, _, rest = path.partition(".")
        if number.isdecimal() and int(number) < len(document):
            element = document[int(number)]
            return value_of(element, rest) if rest else _leaf(element)
    return None


def _leaf(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    if value is None or isinstance(value, dict | list):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _shown(value: Any, kind: ValueKind) -> str:
    """A value as the API gives it: all are texts, numbers have four places at most."""
    if kind is ValueKind.MOMENT:
        return aware(value / 1000).strftime("%Y-%m-%d %H:%M:%S.") + f"{int(value) % 1000:03d}"
    if kind is ValueKind.TRUTH:
        return str(int(value))
    if kind is ValueKind.NUMBER:
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)
