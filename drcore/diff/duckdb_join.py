"""The rows of both sides as relations in DuckDB, on disk where they do not fit into memory."""

# ruff: noqa: S608  # what is put into a query here are names of our own, never a value

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import numpy as np

from drcore.diff.fingerprint import NO_TIME, Batch
from drcore.diff.policy import Cause, Policy
from drcore.diff.source import Role

TEXT = files("drcore.diff").joinpath("duckdb_join.sql").read_text(encoding="utf-8")

_MEMORY = "120MB"
_FETCHED = 1 << 14  # rows
_COLUMNS = "key_high BIGINT, key_low BIGINT, item BIGINT, n BIGINT, present BOOLEAN"
_MORE = ", modified BIGINT, last_faulty BOOLEAN, earlier_faulty BOOLEAN"
_CAUSES = {str(cause): cause for cause in Cause}  # a call of the enum takes four times as long
# Which rows of the answer must be looked at on each side: that an item is the same is only counted.
_OPEN = {
    Role.RESTORED: "why NOT IN ('same', 'absent', 'new', 'new-faulty')",
    Role.LIVE: "why NOT IN ('same', 'absent', 'gone')",
}


class Wanted(NamedTuple):
    """An image that must be looked at: its number, the rule; of the restored one beside it where it lies, its number.

    The last three are -1 where there is none beside it.
    """

    number: int
    cause: Cause
    at: int
    length: int
    beside: int


class Relations:
    """The relations `restored`, `live`, `rules`, then `judged`: one database in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        options: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": _MEMORY,
            "temp_directory": str(folder / "spill"),
            "threads": 1,
        }
        self._db = duckdb.connect(str(folder / "relations.duckdb"), config=options)
        self._db.execute("SET preserve_insertion_order = false")  # a third of the memory
        self._db.execute(f"CREATE TABLE restored ({_COLUMNS})")
        self._db.execute(f"CREATE TABLE live ({_COLUMNS}{_MORE})")
        self._db.execute("CREATE TABLE images (n BIGINT, place BIGINT, length BIGINT)")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def add(self, role: Role, batch: Batch) -> None:
        """Put rows into the relation of one side."""
        self._db.register("batch", batch)
        if role is Role.LIVE:
            columns = f"* REPLACE (nullif(modified, {NO_TIME}) AS modified)"
        else:
            columns = "key_high, key_low, item, n, present"
        self._db.execute(f"INSERT INTO {role} SELECT {columns} FROM batch")
        self._db.unregister("batch")

    def rules(self, policy: Policy, *, restored_partial: bool, live_partial: bool) -> None:
        """The one row of what the text asks besides."""
        self._db.execute(
            "CREATE TABLE rules AS SELECT ?::BOOLEAN AS by_time, ?::BIGINT AS recovery_point, "
            "?::BOOLEAN AS restored_partial, ?::BOOLEAN AS live_partial",
            [policy.point is not None, policy.point or 0, restored_partial, live_partial],
        )

    def judge(self) -> None:
        """Carry out the text here."""
        self._db.execute(f"CREATE TABLE judged AS {TEXT}")

    def write(self, folder: Path) -> None:
        """The relations as Parquet, for an engine elsewhere."""
        for name in (Role.RESTORED, Role.LIVE, "rules"):
            self._db.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet)")

    def take(self, folder: Path) -> None:
        """What an engine elsewhere has made of the text, as Parquet."""
        self._db.execute(f"CREATE VIEW judged AS SELECT * FROM read_parquet('{folder}/*.parquet')")

    def counts(self) -> Counter[Cause]:
        """How many items each rule decided."""
        rows = self._db.execute("SELECT why, count(*) FROM judged WHERE why <> 'absent' GROUP BY why").fetchall()
        return Counter({Cause(cause): count for cause, count in rows})

    def duplicate_key(self, role: Role) -> int | None:
        """The row of a key that one side has twice, None when there is none.

        A key that both sides have makes as many rows of the answer as the product says; one that only this side has
        is looked for among those.
        """
        other = Role.LIVE if role is Role.RESTORED else Role.RESTORED
        joined, there = self._one(f"SELECT count({other}_n), (SELECT count(*) FROM {other}) FROM judged")
        if joined == there and not self._alone_duplicated(role):
            return None
        row = self._db.execute(
            f"SELECT max(n) FROM {role} GROUP BY key_high, key_low HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        return row[0] if row else None

    def keys(self, first: int, last: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
        """The keys of both sides whose first half, without a sign, is between two bounds; a row each, in halves."""
        bounds = "" if last - first == 2**64 - 1 else f"WHERE key_high BETWEEN {_signed(first)} AND {_signed(last)}"
        sides = (f"SELECT key_high, key_low FROM {name} {bounds}" for name in (Role.RESTORED, Role.LIVE))
        columns = self._db.execute(" UNION ALL ".join(sides)).fetchnumpy()
        halves = (np.asarray(columns[name], dtype=np.int64) for name in ("key_high", "key_low"))
        return np.stack(tuple(halves), axis=1).view(np.uint64)

    def row_of(self, role: Role, high: int, low: int) -> int | None:
        """The number of a key's row on one side, None when it has none."""
        row = self._db.execute(
            f"SELECT n FROM {role} WHERE key_high = ? AND key_low = ?", [_signed(high), _signed(low)]
        ).fetchone()
        return row[0] if row else None

    def one_sided_keys(self) -> int:
        """How many keys only one side has; of two different incremental exports nothing is known of these."""
        return int(self._one("SELECT count(*) FROM judged WHERE restored_n IS NULL OR live_n IS NULL")[0])

    def wanted(self, role: Role) -> Iterator[Wanted]:
        """The images that must be looked at on one side, by number."""
        if role is Role.RESTORED:
            query = f"SELECT restored_n, why, -1, -1, -1 FROM judged WHERE {_OPEN[role]} ORDER BY 1"
        else:
            query = (
                "SELECT live_n, why, coalesce(place, -1), coalesce(length, -1), coalesce(restored_n, -1) "
                f"FROM (SELECT * FROM judged WHERE {_OPEN[role]}) AS open "
                "LEFT JOIN images ON images.n = open.restored_n ORDER BY 1"
            )
        cursor = self._db.cursor()  # of its own, as rows are added to `images` meanwhile
        cursor.execute(query)
        while rows := cursor.fetchmany(_FETCHED):
            for number, cause, place, length, beside in rows:
                yield Wanted(number, _CAUSES[cause], place, length, beside)

    def keep(self, numbers: list[int], places: list[int], lengths: list[int]) -> None:
        """Note where images of the restored side lie."""
        arrays = {"n": numbers, "place": places, "length": lengths}
        self._db.register("batch", {name: np.array(column, dtype=np.int64) for name, column in arrays.items()})
        self._db.execute("INSERT INTO images SELECT n, place, length FROM batch")
        self._db.unregister("batch")

    def _alone_duplicated(self, role: Role) -> bool:
        other = Role.LIVE if role is Role.RESTORED else Role.RESTORED
        query = (
            f"SELECT 1 FROM judged JOIN {role} ON {role}.n = judged.{role}_n WHERE {other}_n IS NULL "
            "GROUP BY key_high, key_low HAVING count(*) > 1 LIMIT 1"
        )
        return self._db.execute(query).fetchone() is not None

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._db.execute(query).fetchone()
        assert row
        return row


def _signed(number: int) -> int:
    """The 64 bits of an unsigned number as DuckDB has them."""
    return number - 2**64 if number >= 2**63 else number
