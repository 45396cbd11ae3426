"""What a vendor answers, in the shape that we know it by, or Unknown."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel, to_snake

from drcore.calls.http import Reply
from drcore.errors import Unknown

_SHOWN = 80  # characters of a value that was not expected


class VendorAnswer(BaseModel):
    """Frozen, strict in what we read; what else a vendor sends, or adds next year, is passed over."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)


def document_of(what: str, reply: Reply) -> Any:
    """The JSON of an answer that is a yes, None where it is empty. Raises Unknown where it is something else."""
    if reply.json is None and reply.text.strip():
        raise Unknown(f"{what}: status {reply.status}, expected JSON")
    return reply.json


A = TypeVar("A", bound=VendorAnswer)


def understood(document: Any, shape: type[A], what: str, *, secret: bool = False) -> A:
    """The answer to `what`; the names in it are written versionCodes there, version_codes here.

    Raises Unknown with the first field that differs, what was expected there, what was seen. Of an answer that is a
    `secret` nothing is shown but the kind of thing that was seen.
    """
    try:
        # By way of Python, not of JSON: an empty answer has been read already. Lists are tuples, as strict forbids.
        return shape.model_validate(_as_ours(document))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(to_camel(str(part)) for part in problem["loc"]) or "the answer"
        if problem["type"] == "missing":
            expected, seen = "a value", "none"
        else:
            expected = problem["msg"].removeprefix("Input should be ")
            shown = repr(problem["input"])
            short = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
            seen = type(problem["input"]).__name__ if secret else short
        raise Unknown(f"{what}: {field}: expected {expected}, seen {seen}") from None


def _as_ours(document: Any) -> Any:
    if isinstance(document, dict):
        return {to_snake(str(name)): _as_ours(value) for name, value in document.items()}
    return tuple(map(_as_ours, document)) if isinstance(document, list) else document
