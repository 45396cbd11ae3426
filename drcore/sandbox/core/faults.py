"""The faults that can be injected, by name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drcore.sandbox.core.world import World

Value = str | bool | int | float
Options = Mapping[str, Any]
"""Effective options of a fault: every option of its table, in the type of its default."""

Undo = Callable[[], None]
Inject = Callable[[World, Options], Undo | None]


class UnknownFault(ValueError):
    """A name, an option or a value that no fault has; the message says what was expected and seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: the type of `default` is the type of the option; `choices` limits its values."""

    default: Value
    help: str
    choices: tuple[str, ...] = ()

    def read(self, name: str, value: object) -> Value:
        """`value` as it came (text or JSON) in the type of the default; raises UnknownFault."""
        if self.choices and str(value) not in self.choices:
            raise UnknownFault(f"{name}: expected one of {', '.join(filter(None, self.choices))}; saw {value!r}")
        if isinstance(self.default, bool):
            text = str(value).lower()
            if text not in ("true", "false"):
                raise UnknownFault(f"{name}: expected true or false; saw {value!r}")
            return text == "true"
        kind = type(self.default)
        try:
            return kind(str(value))
        except ValueError:
            raise UnknownFault(f"{name}: expected {_KINDS[kind]}; saw {value!r}") from None


_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the registry."""

    name: str
    options: Mapping[str, Option]
    inject: Inject


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that is on."""

    name: str
    at: datetime
    options: Options
    undo: Undo | None = field(repr=False)


REGISTRY: dict[str, Fault] = {}


def fault(name: str, *, options: Mapping[str, Option] | None = None) -> Callable[[Inject], Inject]:
    """Register the decorated function as the fault `name`.

    It gets the world and the effective options, breaks something, and returns how that is undone (or None).
    """

    def register(fn: Inject) -> Inject:
        if name in REGISTRY:
            raise ValueError(f"fault {name} is registered twice")
        REGISTRY[name] = Fault(name, dict(options or {}), fn)
        return fn

    return register


class Faults:
    """The faults of one world that are on, oldest first."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._injected: list[Injected] = []

    def __iter__(self) -> Iterator[Injected]:
        return iter(self._injected)

    def inject(self, name: str, options: Mapping[str, object]) -> Injected:
        """Break something; returns the fault with its effective options. Raises UnknownFault."""
        known = _find(name)
        effective = _effective(known, options)
        at = self._world.clock.now()
        injected = Injected(name, at, effective, known.inject(self._world, effective))
        self._injected.append(injected)
        return injected

    def clear(self, name: str | None = None) -> None:
        """Undo the faults of that name, or all, newest first. Raises UnknownFault for an unknown name."""
        if name is not None:
            _find(name)
        for injected in [f for f in reversed(self._injected) if name in (None, f.name)]:
            self._injected.remove(injected)
            if injected.undo is not None:
                injected.undo()


def _find(name: str) -> Fault:
    if name not in REGISTRY:
        raise UnknownFault(f"name: expected one of {', '.join(sorted(REGISTRY))}; saw {name!r}")
    return REGISTRY[name]


def _effective(known: Fault, given: Mapping[str, object]) -> dict[str, Value]:
    for name in given:
        if name not in known.options:
            expected = ", ".join(known.options) or "no option"
            raise UnknownFault(f"options.{name}: expected {expected}; saw {name!r}")
    defaults = {name: option.default for name, option in known.options.items()}
    return defaults | {name: known.options[name].read(f"options.{name}", v) for name, v in given.items()}
