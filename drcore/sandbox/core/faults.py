"""The faults that can be injected, by name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

from drcore.sandbox.core.world import World

Value = str | bool | int | float
Options = Mapping[str, Any]
"""Effective options of a fault: every option of its table, in the type of its default."""

Undo = Callable[[], None]
Inject = Callable[[World, Options], Undo | None]
Check = Callable[[Options], None]
"""Raises UnknownFault where the options of a fault do not go together."""


class UnknownFault(ValueError):
    """A name, an option or a value that no fault has; the message says what was expected and seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: the type of `default` is the type of the option.

    `choices` limits its values; those of a number lie between `least` and `most`.
    """

    default: Value
    help: str
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = inf

    @property
    def span(self) -> str:
        """Between what its values lie, where they are numbers; else nothing."""
        if isinstance(self.default, bool | str):
            return ""
        return f"from {self.least:g} " + (f"to {self.most:g}" if self.most < inf else "on")

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
            read: Value = kind(str(value))
        except ValueError:
            raise UnknownFault(f"{name}: expected {_KINDS[kind]}; saw {value!r}") from None
        if not isinstance(read, str) and not (self.least <= read <= self.most and read < inf):
            raise UnknownFault(f"{name}: expected {_KINDS[kind]} {self.span}; saw {value!r}")
        return read


_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the registry."""

    name: str
    options: Mapping[str, Option]
    inject: Inject
    check: Check


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that is on."""

    name: str
    at: datetime
    options: Options
    undo: Undo | None = field(repr=False)


REGISTRY: dict[str, Fault] = {}


def _go_together(options: Options) -> None:
    """Options that do not lean on each other."""


def fault(
    name: str, *, options: Mapping[str, Option] | None = None, check: Check = _go_together
) -> Callable[[Inject], Inject]:
    """Register the decorated function as the fault `name`.

    It gets the world and the effective options, which `check` has passed, breaks something, and returns how that is
    undone (or None).
    """

    def register(fn: Inject) -> Inject:
        if name in REGISTRY:
            raise ValueError(f"fault {name} is registered twice")
        REGISTRY[name] = Fault(name, dict(options or {}), fn, check)
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
        known, effective = find(name), effective_options(name, options)
        at = self._world.clock.now()
        injected = Injected(name, at, effective, known.inject(self._world, effective))
        self._injected.append(injected)
        return injected

    def clear(self, name: str | None = None) -> None:
        """Undo the faults of that name, or all, newest first. Raises UnknownFault for an unknown name."""
        if name is not None:
            find(name)
        for injected in [f for f in reversed(self._injected) if name in (None, f.name)]:
            self._injected.remove(injected)
            if injected.undo is not None:
                injected.undo()


def find(name: str) -> Fault:
    """The fault of that name. Raises UnknownFault."""
    if name not in REGISTRY:
        raise UnknownFault(f"name: expected one of {', '.join(sorted(REGISTRY))}; saw {name!r}")
    return REGISTRY[name]


def effective_options(name: str, given: Mapping[str, object]) -> dict[str, Value]:
    """All options of a fault, those that are not given by their defaults. Raises UnknownFault."""
    known = find(name)
    for key in given:
        if key not in known.options:
            expected = ", ".join(known.options) or "no option"
            raise UnknownFault(f"options.{key}: expected {expected}; saw {key!r}")
    defaults = {key: option.default for key, option in known.options.items()}
    effective = defaults | {key: known.options[key].read(f"options.{key}", value) for key, value in given.items()}
    known.check(effective)
    return effective
