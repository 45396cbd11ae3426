"""Documents of feature flags: as AppConfig keeps them, as consumers get them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from drcore.errors import Rejected

Value: TypeAlias = bool | str | int | float
Flags: TypeAlias = Mapping[str, Mapping[str, Value]]  # by flag, what its value is to have; the rest of it stays


def words(value: Mapping[str, Value]) -> str:
    """A flag's value in words: `on, text: …`."""
    rest = [f"{name}: {each}" for name, each in value.items() if name != "enabled"]
    return ", ".join(["on" if value.get("enabled") else "off", *rest])


def with_values(content: Mapping[str, Any], flags: Flags) -> dict[str, Any]:
    """A document of flags with other values, without AppConfig's own times. Raises Rejected for one not in it."""
    bare = without_times(content)
    values = dict(bare.get("values", {}))
    for flag, value in flags.items():
        if flag not in content.get("flags", {}):
            raise Rejected(f"flag: expected one of {', '.join(content.get('flags', {}))}, seen {flag}", "NoSuchFlag")
        values[flag] = {**values.get(flag, {}), **value}
    return {**content, **bare, "values": values}


def without_times(content: Mapping[str, Any]) -> dict[str, Any]:
    """A document without the times, which are AppConfig's own."""
    return {
        part: {key: {n: v for n, v in each.items() if not n.startswith("_")} for key, each in content[part].items()}
        for part in ("flags", "values")
        if part in content
    }


def only(content: Mapping[str, Any], flags: Iterable[str]) -> dict[str, Any]:
    """The values of some flags of a document."""
    values = without_times(content).get("values", {})
    return {flag: values.get(flag) for flag in flags}


def all_but(content: Mapping[str, Any], flags: Iterable[str]) -> dict[str, Any]:
    """The values of a document but for some flags."""
    kept = set(flags)
    return {flag: value for flag, value in without_times(content).get("values", {}).items() if flag not in kept}


def holds(flags: Flags, consumed: Flags) -> bool:
    """Whether consumers get what is wanted. Of a flag that is off they get nothing but that."""
    return all(
        consumed.get(flag, {}).get(name) == each
        for flag, value in flags.items()
        for name, each in value.items()
        if name == "enabled" or value.get("enabled")
    )


def flag_text(flags: Flags, consumed: Flags) -> str:
    return "; ".join(f"{flag} {words(consumed.get(flag, {}))}" for flag in flags)
