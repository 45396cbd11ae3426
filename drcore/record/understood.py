"""A journal that says what nobody wrote is refused by name: no failure of whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drcore.errors import BadInput

_ODD = (AttributeError, LookupError, TypeError, ValueError)


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """While a record is read. Raises BadInput where a field of it is missing, or is not what it must be."""
    try:
        yield
    except _ODD as error:
        odd = f"{type(error).__name__}: {error}"
        raise BadInput(f"{folder}: its journal says what this drcore cannot read ({odd}): drcore verify") from error
