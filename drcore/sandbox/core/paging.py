"""Lists cut into pages, with an offset as the token."""

from collections.abc import Sequence
from typing import TypeVar

from drcore.sandbox.core.registry import AwsError

T = TypeVar("T")


def page(
    items: Sequence[T], token: str | None, size: int, refusal: str = "InvalidNextTokenException"
) -> tuple[Sequence[T], str | None]:
    """The items from `token` on, at most `size`, with the token of the next page (None after the last).

    Raises AwsError with the code `refusal` for a token that this service did not give.
    """
    if token and not token.isdecimal():
        raise AwsError(refusal, f"the token {token!r} is not valid")
    start = int(token or 0)
    end = start + size
    return items[start:end], str(end) if end < len(items) else None
