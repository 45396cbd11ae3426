"""Lists that come one entry a page, behind an empty first page, whatever the service puts on one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import UnknownServiceError

from drcore.sandbox.moto.startup import LOADER

_OWN = "cut-"  # how a token of these pages begins
_UNLISTED = {"ListExports": ("NextToken", "NextToken", "ExportSummaries")}  # of these botocore knows no pages


_RAW = {"Scan"}  # read past botocore's parser, page by page; tests/diff/test_table.py has its pages


class _Answered:
    status_code = 200


class PageByPage:
    """Cuts what a session's clients are answered; `asked` counts the pages of each operation that has some."""

    def __init__(self, session: boto3.Session) -> None:
        self._on = False
        self.asked = Counter[str]()
        self._rest: dict[str, dict[str, Any]] = {}
        events: Any = session.events
        events.register("before-parameter-build", self._find)
        events.register("before-call", self._answer)
        events.register("after-call", self._cut)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Until then, answers are cut."""
        self.asked.clear()
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _find(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """What is left for whoever asks by one of our tokens."""
        tokens = [value for value in params.values() if isinstance(value, str) and value.startswith(_OWN)]
        if tokens:
            context["rest"] = self._rest.pop(tokens[0])

    def _answer(self, context: dict[str, Any], **_: Any) -> Any:
        return (_Answered(), context["rest"]) if "rest" in context else None

    def _cut(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        pages = _pages(model.service_model.service_name, model.name)
        if not self._on or not pages or "Error" in parsed:
            return
        self.asked[model.name] += 1
        tokens, more, lists = pages
        whole = {name: list(parsed.get(name) or ()) for name in lists}
        first = next((name for name in lists if whole[name]), None) if "rest" in context else None
        for name in lists:
            parsed[name] = whole[name][:1] if name == first else []
        left = {name: whole[name][1:] if name == first else whole[name] for name in lists}
        if not any(left.values()):
            return
        own = f"{_OWN}{len(self._rest)}-{sum(self.asked.values())}"
        self._rest[own] = {**parsed, **left}
        parsed[tokens[0]] = own
        if more:
            parsed[more] = True


def _pages(service: str, operation: str) -> tuple[list[str], str, list[str]] | None:
    """The names of an operation's tokens, of what says that there is more, of its lists."""
    try:
        known = LOADER.load_service_model(service, "paginators-1")["pagination"]
    except UnknownServiceError:
        return None
    if operation in _UNLISTED:
        return [_UNLISTED[operation][0]], "", [_UNLISTED[operation][2]]
    if operation not in known or operation in _RAW:
        return None
    tokens, lists = known[operation]["output_token"], known[operation]["result_key"]
    names = [tokens] if isinstance(tokens, str) else list(tokens)
    found = [lists] if isinstance(lists, str) else list(lists)
    return [name.partition(" ")[0] for name in names], known[operation].get("more_results", ""), found
