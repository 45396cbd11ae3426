"""One HTTP request with its answer, whichever door it came through."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


class Dropped(Exception):
    """The connection is closed without an answer."""


class NoResponse(Exception):
    """The connection stays open and nothing comes: the caller runs into its own read timeout."""


class Headers(Mapping[str, str]):
    """HTTP headers: any spelling finds them, iteration gives the names as they were sent."""

    __slots__ = ("_items",)

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = {name.lower(): (name, value) for name, value in items}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; `target` is path with query, still percent-encoded."""

    method: str
    target: str
    headers: Headers
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, ready to be sent; its length is the door's affair."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)
