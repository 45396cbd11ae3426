"""Values held against the shapes of a service's model: what is required, of which type, in which bounds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from botocore.model import Shape

_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (Mapping,),
    "map": (Mapping,),
    "list": (Sequence,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime, int, float, str),
    "blob": (bytes, bytearray, str),
}


def faults_of(shape: Shape, value: object, where: str = "") -> list[str]:
    """What is wrong with a value, each with its place and what the model expects; empty if nothing is."""
    return list(_faults(shape, value, where or shape.name))


def _faults(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if not _is_of(kind, value):
        yield f"{where}: expected {kind}, saw {type(value).__name__}"
        return
    yield from _outside(shape, value, where)
    if kind == "structure":
        yield from (f"{where}.{name}: required, and missing" for name in shape.required_members if name not in value)
        yield from (f"{where}.{name}: unknown" for name in value if name not in shape.members)
        for name in value:
            if name in shape.members:
                yield from _faults(shape.members[name], value[name], f"{where}.{name}")
    elif kind == "list":
        for number, item in enumerate(value):
            yield from _faults(shape.member, item, f"{where}[{number}]")
    elif kind == "map":
        for key, item in value.items():
            yield from _faults(shape.value, item, f"{where}[{key}]")


def _is_of(kind: str, value: object) -> bool:
    expected = _TYPES[kind]
    return isinstance(value, expected) and (bool in expected or not isinstance(value, bool))


def _outside(shape: Any, value: Any, where: str) -> Iterator[str]:
    rules, enum = shape.metadata, shape.metadata.get("enum")
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else None
    if size is not None and not isinstance(value, bool):
        if "min" in rules and size < rules["min"]:
            yield f"{where}: {size} is below the minimum of {rules['min']}"
        if "max" in rules and size > rules["max"]:
            yield f"{where}: {size} is above the maximum of {rules['max']}"
    if isinstance(value, str):
        if enum and value not in enum:
            yield f"{where}: {value} is not one of [{', '.join(enum)}]"
        pattern = rules.get("pattern")
        if pattern and not re.search(f"^(?:{_python(pattern)})$", value):
            yield f"{where}: {value!r} does not match {pattern}"


def _python(pattern: str) -> str:
    r"""A pattern of a model, which is Java's: `\p{L}` and its like are letters, digits and spaces here."""
    return re.sub(r"\\p\{\w+\}", r"\\w\\s", pattern)
