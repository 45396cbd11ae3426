"""An answer of a service, in which a part that is missing is no answer."""

from __future__ import annotations

from typing import Any

from drcore.errors import NoAnswer


class ServiceAnswer(dict[str, Any]):
    """An object of an answer. `answer["Name"]` raises NoAnswer where it lacks it; `get` and `in` ask for it."""

    __slots__ = ("_of",)

    def __init__(self, parts: dict[str, Any], of: str) -> None:
        super().__init__(parts)
        self._of = of

    def __missing__(self, part: str) -> Any:
        raise NoAnswer(
            f"{self._of}: expected {part!r} in the answer, seen {', '.join(sorted(map(str, self))) or 'none'}"
        )


def as_answer(value: Any, of: str) -> Any:
    """What a service has answered, with every object in it as an ServiceAnswer. `of` names the call."""
    if isinstance(value, dict):
        return ServiceAnswer({name: as_answer(each, of) for name, each in value.items()}, of)
    if isinstance(value, list):
        return [as_answer(each, of) for each in value]
    return value
