"""What moto holds, in JSON's values."""

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

from moto.core.base_backend import BaseBackend

from drcore.sandbox.moto import emulator, seeding

_NOISE = frozenset(
    {"metric_data", "aws_metric_data", "_tick", "_etag", "account_id", "partition", "region_name"}
    # What a look into a queue leaves behind, even one that takes no message from anybody else:
    | {"approximate_receive_count", "approximate_first_receive_timestamp", "receipt_handle", "_old_receipt_handles"}
    | {"_pending_messages"}
    | {"assumed_roles"}  # they expire by themselves
    | {"last_used", "last_used_region"}  # IAM's, of roles and access keys: AWS itself writes them at any call
)
"""Attributes that are samples, caches or counters of use, or that repeat where the object stands."""

_TEMPORARY = "ASIA"
"""How the access keys begin that STS gives; they too expire by themselves."""

_PLAIN = (str, int, float, bool, type(None))


def held(account: str) -> dict[str, dict[str, Any]]:
    """All resources, by service and region, without samples and counters of use.

    Known gap: a default resource with a date (EventBridge's default bus) appears when it is first looked at. A blob
    stands there as its digest.
    """
    by_service: dict[str, dict[str, Any]] = {}
    for service, region, backend in emulator.backends():
        kind: Any = type(backend)
        new = _new(kind, region, account)
        resources = {k: v for k, v in _Walk().attributes(backend).items() if v != new.get(k)}
        if resources:
            by_service.setdefault(service, {})[region] = resources
    return by_service


def as_json(thing: object) -> Any:
    """Whatever hangs on a thing, in JSON's values."""
    return _Walk().value(thing)


@functools.cache
def _new(kind: Callable[[str, str], BaseBackend], region: str, account: str) -> dict[str, Any]:
    """What a backend holds that nobody has used: looking at a service for the first time creates it."""
    with seeding.tied_to("a new backend"):
        return _Walk().attributes(kind(region, account))


class _Walk:
    """One walk from a root through whatever hangs on it, each object once on any path."""

    def __init__(self) -> None:
        self._path: set[int] = set()

    def attributes(self, thing: object) -> dict[str, Any]:
        """The attributes of an object that are resources, by name."""
        return {
            name: self.value(value)
            for name, value in sorted(_attributes(thing).items())
            if name not in _NOISE and not callable(value)
        }

    def value(self, value: object) -> Any:
        """`value` in JSON's terms; an object already on the path is named, not repeated."""
        if isinstance(value, Enum):
            return value.name
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, bytes | bytearray):
            return f"sha256:{hashlib.sha256(value).hexdigest()}"
        if id(value) in self._path or isinstance(value, BaseBackend):
            return f"<{type(value).__name__}>"
        self._path.add(id(value))
        try:
            return self._compound(value)
        finally:
            self._path.remove(id(value))

    def _compound(self, value: object) -> Any:
        if isinstance(value, Mapping):
            pairs = sorted(((_key(key), item) for key, item in value.items()), key=lambda pair: pair[0])
            return {key: self.value(item) for key, item in pairs if not key.startswith(_TEMPORARY)}
        if isinstance(value, set | frozenset):
            return sorted((self.value(item) for item in value), key=repr)
        if isinstance(value, Iterable) and not hasattr(value, "read"):
            return [self.value(item) for item in value] if hasattr(value, "__len__") else type(value).__name__
        if hasattr(value, "getvalue"):
            return self.value(value.getvalue())
        return self.attributes(value)


def _attributes(thing: object) -> dict[str, Any]:
    named = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        for slot in getattr(kind, "__slots__", ()):
            if hasattr(thing, slot):
                named[slot] = getattr(thing, slot)
    return named


def _key(key: object) -> str:
    return key if isinstance(key, str) else repr(key)
