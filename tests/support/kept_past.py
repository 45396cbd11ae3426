"""The past of a world, lived through once in a process: each world that is alike gets a copy.

To live through it is two thirds of the time in which a world is made, and most tests make one. It hangs on nothing but
what is in `_alike`; tests/house/test_kept_past.py compares a world that has a copy with one that has lived, object by
object. A drill from the command line, and each test of one, lives through its own.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import is_dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from types import FunctionType, MethodType
from typing import Any

from drcore.sandbox.core import lateness
from drcore.sandbox.core.world import World
from drcore.sandbox.services.appconfig.experiments import Experiments
from drcore.sandbox.services.cloudwatch.log_alarms import LogAlarms
from drcore.sandbox.services.cloudwatch.metric_operations import CloudWatch
from drcore.sandbox.services.logs.state import Logs
from drcore.sandbox.services.route53.operations import Route53
from drcore.sandbox.services.sagemaker.components import Components
from drcore.sandbox.services.sagemaker.invocations import Models
from drcore.sandbox.syncwell.life import past
from drcore.sandbox.syncwell.life.ai_calls import AiCalls
from drcore.sandbox.syncwell.life.app_clients import AppClients
from drcore.sandbox.syncwell.life.app_flags import AppFlags
from drcore.sandbox.syncwell.life.complaints import SufferingUsers
from drcore.sandbox.syncwell.life.findings import SecurityDesk
from drcore.sandbox.syncwell.life.job_queue import JobQueue
from drcore.sandbox.syncwell.life.partner_syncs import PartnerSyncs
from drcore.sandbox.syncwell.life.requests import MarketTraffic
from drcore.sandbox.syncwell.life.stolen_tokens import Attacker
from drcore.sandbox.syncwell.life.sync_jobs import SyncJobs
from drcore.sandbox.syncwell.life.timeline import WorldTimeline
from drcore.sandbox.syncwell.life.users import UserBase
from drcore.sandbox.vendors.llm import Llm
from drcore.sandbox.vendors.partners.state import Partners

# What the past changes; of what is not here a world that has a copy would differ from one that has lived.
CHANGED: tuple[type[Any], ...] = (
    *(CloudWatch, Logs, Experiments, Partners, Llm, LogAlarms, Components, Models, SecurityDesk),
    *(AppFlags, UserBase, AiCalls, SyncJobs, PartnerSyncs, AppClients),
    *(MarketTraffic, WorldTimeline, SufferingUsers, JobQueue, Attacker),
)
_PLAIN = (str, bytes, int, float, bool, type(None), type, datetime, timedelta, frozenset)
_SHARED: dict[type[Any], bool] = {}
_KEPT: dict[object, Past] = {}
_lived = past.remember


class Past:
    """What a world was right after its past: the states that changed, as copies that no world shares."""

    def __init__(self, world: World) -> None:
        self._order = tuple(vars(world)["_states_by_class"])
        meant = _meant(world)
        self._places = [_Place() for _ in meant]
        copier = _Copier({id(each): place for each, place in zip(meant, self._places, strict=True)})
        self._states = {kind: copier.fields(world.state(kind)) for kind in CHANGED}

    def give_to(self, world: World) -> None:
        """Make a world what that one was. Its states that came with the past come in the same order."""
        for kind in self._order:
            world.state(kind)
        copier = _Copier({id(place): each for place, each in zip(self._places, _meant(world), strict=True)})
        for kind, fields in self._states.items():
            copier.set_fields(world.state(kind), fields)


class _Place:
    """In a copy: here a world, one of its states or a zone of its DNS is meant, whichever world it is given to."""


def remember(world: World) -> None:
    """As `past.remember`; the first world lives through it, the others are given what it had then."""
    alike = (world.seed, world.users, world.tokens_a_secret, repr(lateness.USUAL))
    if alike in _KEPT:
        _KEPT[alike].give_to(world)
        return
    _lived(world)
    _KEPT[alike] = Past(world)


def _meant(world: World) -> list[Any]:
    return [world, *vars(world)["_states_by_class"].values(), *world.state(Route53).zones.values()]


class _Copier:
    """Copies what is reachable, into what is there already where it is of the same kind: whoever holds it goes on.

    `known` says by identity what stands for what. Frozen dataclasses are shared, functions stay those that are there.
    """

    def __init__(self, known: dict[int, Any]) -> None:
        self._known, self._alive = known, list[Any]()

    def fields(self, source: Any) -> dict[str, Any]:
        """What an object has, copied."""
        return {name: self._copied(value, None) for name, value in fields_of(source).items()}

    def set_fields(self, target: Any, fields: dict[str, Any]) -> None:
        """Give an object what another had."""
        there = fields_of(target)
        for name, value in fields.items():
            object.__setattr__(target, name, self._copied(value, there.get(name)))

    def _copied(self, source: Any, there: Any) -> Any:
        if _is_shared(type(source)):
            return source
        if id(source) in self._known:
            return self._known[id(source)]
        if isinstance(source, FunctionType):
            return source if there is None else there
        if isinstance(source, MethodType):
            return MethodType(source.__func__, self._copied(source.__self__, getattr(there, "__self__", None)))
        if isinstance(source, tuple):
            beside = there if isinstance(there, tuple) and len(there) == len(source) else (None,) * len(source)
            copied = [self._copied(each, old) for each, old in zip(source, beside, strict=True)]
            return type(source)._make(copied) if hasattr(source, "_make") else tuple(copied)
        target = there if type(there) is type(source) else _blank(source)
        self._known[id(source)] = target
        self._alive.append(source)  # so that no other gets its identity meanwhile
        self._fill(source, target)
        return target

    def _fill(self, source: Any, target: Any) -> None:
        if isinstance(source, dict):
            before = dict(target)
            copied = {
                key: value if _is_shared(type(value)) else self._copied(value, before.get(key))
                for key, value in source.items()
            }
            target.clear()
            target.update(copied)
        elif isinstance(source, list | deque):
            old = [*target, *[None] * len(source)]
            fresh = [self._copied(each, old[place]) for place, each in enumerate(source)]
            target.clear()
            target.extend(fresh)
        elif isinstance(source, set):
            target.clear()
            target.update(source)
        elif isinstance(source, Random):
            target.setstate(source.getstate())
        elif not isinstance(source, count):
            self.set_fields(target, fields_of(source))


def _is_shared(kind: type[Any]) -> bool:
    """Whether nobody changes an object of this kind."""
    if kind not in _SHARED:
        frozen = is_dataclass(kind) and vars(kind)["__dataclass_params__"].frozen
        _SHARED[kind] = bool(frozen) or issubclass(kind, _PLAIN)
    return _SHARED[kind]


def _blank(source: Any) -> Any:
    if isinstance(source, count | Random):
        return copy.copy(source)
    if isinstance(source, dict | list | deque | set):
        empty = copy.copy(source)
        empty.clear()
        return empty
    return object.__new__(type(source))


def fields_of(of: Any) -> dict[str, Any]:
    """What an object has, in slots or not."""
    slots = [name for kind in type(of).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(of, name)]
    return {name: getattr(of, name) for name in slots} | getattr(of, "__dict__", {})


def share() -> None:
    """From now on no world of this process lives through a past that another has lived through."""
    past.remember = remember
