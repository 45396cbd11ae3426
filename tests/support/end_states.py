"""Two end states of a world, compared but for ids, times, and what drcore writes of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_DRAWN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # an id
    r"|by-hand-\w+|[a-g]-drill-\d{8}T\d{6}Z-[0-9a-f]{4}"  # a run, or whoever has done without
    r"|between .{8} and .{8} UTC on .{10} have been lost: [\w ]* changes"  # what was changed until writes were denied
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+[\d:]+)?"  # a time
)
# The record with its lock; when a secret was written, which is a number; the run that wrote a canary; what pages and
# alarms have sent, as their number hangs on when somebody began; exports, of which each has a span of its own.
_OF_DRCORE = re.compile(
    r"syncwell-evidence-|syncwell-witness-|/createdate$|/last_changed_date$"
    r"|/s3/aws/tagger|metadata/drcore|sent_notifications|CANARY#drcore/0/run"
    r"|/syncwell-exports-|/dynamodb exports/"
)


def comparable(state: object) -> dict[str, object]:
    """Each value of a state by the way to it."""
    return {_DRAWN.sub("*", way): _masked(value) for way, value in _leaves(state) if not _OF_DRCORE.search(way)}


def differences(one: dict[str, object], other: dict[str, object]) -> list[str]:
    """What two states do not agree on, in words."""
    return [
        f"{way}: {one.get(way, 'nothing')!r}, and {other.get(way, 'nothing')!r}"[:300]
        for way in {**one, **other}
        if one.get(way) != other.get(way)
    ]


def _masked(value: object) -> object:
    return _DRAWN.sub("*", _in_one_form(value)) if isinstance(value, str) else value


def _in_one_form(text: str) -> str:
    """A document of JSON as it would be written here."""
    try:
        return json.dumps(json.loads(text), sort_keys=True) if text.startswith(("{", "[")) else text
    except ValueError:
        return text


def _leaves(value: Any, way: str = "") -> Iterator[tuple[str, object]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield way, value
    for key, each in inner or ():
        yield from _leaves(each, f"{way}/{key}")
