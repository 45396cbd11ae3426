"""A world that is given a copy of the past is the world that has lived through it, object by object."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from itertools import count
from random import Random
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest

from drcore.sandbox.core.world import World
from drcore.sandbox.endpoints.in_process import InProcess
from tests.support import kept_past

kept_past.share()

USERS = 200
_PLAIN = (str, bytes, int, float, bool, type(None), type, datetime, timedelta, ModuleType)


def seen(world: World) -> dict[str, object]:
    """What is reachable from a world, by the first way to it: what it holds itself, and where the rest is found."""
    found: dict[str, object] = {}
    ways: dict[int, str] = {}
    alive: list[object] = []
    waiting: list[tuple[str, Any]] = [("world", world)]

    def told(way: str, value: Any) -> object:
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, FunctionType | BuiltinFunctionType):
            return value.__qualname__
        if id(value) not in ways:
            ways[id(value)] = way
            alive.append(value)
            waiting.append((way, value))
        return ("at", ways[id(value)])

    while waiting:
        way, value = waiting.pop(0)
        kind = type(value).__qualname__
        if isinstance(value, dict):
            found[way] = (kind, [(repr(key), told(f"{way}[{key!r}]", each)) for key, each in value.items()])
        elif isinstance(value, list | tuple | deque):
            found[way] = (kind, [told(f"{way}[{place}]", each) for place, each in enumerate(value)])
        elif isinstance(value, set | frozenset):
            found[way] = (kind, sorted(map(repr, value)))
        elif isinstance(value, Random):
            found[way] = (kind, value.getstate())
        elif isinstance(value, count):
            found[way] = (kind, repr(value))
        elif isinstance(value, MethodType):
            found[way] = (kind, value.__qualname__, told(f"{way}.of", value.__self__))
        elif type(value).__module__.startswith("drcore."):
            fields = kept_past.fields_of(value)
            found[way] = (kind, [(name, told(f"{way}.{name}", each)) for name, each in fields.items()])
        else:
            found[way] = kind  # a client of boto3, something of moto: the world's past does not touch it
    return found


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_past, "_KEPT", {})


@pytest.mark.usefixtures("nothing_kept")
def test_a_world_with_a_copy_is_the_one_that_has_lived_whatever_happened_in_that_one_later() -> None:
    first = InProcess(11, USERS)
    lived = seen(first.world)
    first.request("POST", "/_sandbox/faults", {"name": "region-outage", "options": {"region": "us-east-1"}})
    first.request("POST", "/_sandbox/clock", {"sleep": 600})
    copied = seen(InProcess(11, USERS).world)
    assert sorted(copied.keys() ^ lived.keys())[:3] == [], "add the state to CHANGED"
    assert [way for way in copied if copied[way] != lived[way]][:3] == [], "add the state to CHANGED"


@pytest.mark.usefixtures("nothing_kept")
def test_another_seed_or_size_has_a_past_of_its_own() -> None:
    for seed, users in ((11, USERS), (12, USERS), (11, USERS + 1)):
        InProcess(seed, users)
    assert len(kept_past._KEPT) == 3
