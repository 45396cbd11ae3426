"""A table's key, in the one form that equal keys share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drcore.diff.items import Item, binary, number, pair, plain
from drcore.errors import BadInput

TYPES = ("S", "N", "B")
_TYPES = frozenset(TYPES)


@dataclass(frozen=True, slots=True)
class KeySchema:
    """The names of a table's key attributes, partition key first, with their types (empty: not known yet)."""

    names: tuple[str, ...]
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= 2 or not all(self.names) or len(set(self.names)) != len(self.names):
            raise BadInput(f"key: expected one or two attribute names, seen {', '.join(self.names) or 'none'}")

    def of(self, item: Item) -> dict[str, dict[str, str]]:
        """The key of an item. Raises BadInput when the item has none, or of other types."""
        try:
            key = {name: dict(item[name]) for name in self.names}
        except KeyError as error:
            raise BadInput(f"expected an item with the key {self}, seen one without {error}") from error
        kinds = tuple([pair(value)[0] for value in key.values()])  # of a list: a generator takes longer than the rest
        if not _TYPES.issuperset(kinds) or (self.types and kinds != self.types):
            raise BadInput(f"expected a key {self}, seen {key}")
        return key

    @property
    def by_name(self) -> dict[str, str]:
        """The types by attribute: two sides may name the parts of a key in different order."""
        return dict(zip(self.names, self._kinds, strict=True))

    def __str__(self) -> str:
        return ", ".join(
            f"{name} ({kind})" if kind else name for name, kind in zip(self.names, self._kinds, strict=True)
        )

    @property
    def _kinds(self) -> tuple[str, ...]:
        return self.types or ("",) * len(self.names)


def key_of_table(described: Mapping[str, Any]) -> KeySchema:
    """The key by the answer to DescribeTable, partition key first."""
    table = described["Table"]
    parts = sorted(table["KeySchema"], key=lambda part: part["KeyType"] != "HASH")
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    names = tuple(part["AttributeName"] for part in parts)
    key_types = tuple(types.get(name, "") for name in names)
    return KeySchema(names, key_types if set(key_types) <= set(TYPES) else ())


def key_bytes(key: Item) -> bytes:
    """A key as bytes: the same for equal keys however they are written, different for different ones."""
    return b"".join(_part(*pair(value)) for value in key.values())


def _part(kind: str, content: object) -> bytes:
    match kind:
        case "S" if isinstance(content, str):
            data = content.encode()
        case "N":
            data = plain(number(content)).encode()
        case "B":
            data = binary(content)
        case _:
            raise BadInput(f"expected a key of type S, N or B, seen {kind}")
    return b"%s%d:%s" % (kind.encode(), len(data), data)
