"""Feature flags: documents of the profile type AWS.AppConfig.FeatureFlags, as AppConfig has them.

Consumers get the values only, merged by flag; the times `_createdAt` and `_updatedAt` are AppConfig's own.
Simplified: one variant a flag, so that `_variants` is refused as not there.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from drcore.sandbox.core.registry import AwsError
from drcore.sandbox.core.timestamps import precise

KIND = "AWS.AppConfig.FeatureFlags"
MOST_FLAGS, MOST_ATTRIBUTES = 100, 25
_KEY = re.compile(r"[a-z][a-zA-Z\d_-]{0,63}")
_OWN = ("_createdAt", "_updatedAt")
_TOP, _FLAG = {"version", "flags", "values"}, {"name", "description", "_deprecation", "attributes", *_OWN}
_TYPES: Mapping[str, type | tuple[type, ...]] = {"string": str, "number": (int, float), "boolean": bool}


def hosted(content: bytes, before: bytes | None, now: datetime) -> bytes:
    """The document as AppConfig keeps it after another one. Raises AwsError with all that is wrong."""
    document = _document(content)
    wrong = list(_faults(document))
    if wrong:
        raise AwsError("BadRequestException", f"Invalid feature flag configuration: {'; '.join(wrong)}", 400)
    if any("_variants" in value for value in document.get("values", {}).values()):
        raise AwsError("NotImplemented", "not in the sandbox: flags with variants", 501)
    known: Mapping[str, Any] = json.loads(before) if before else {}
    for part in ("flags", "values"):
        for key, value in document.get(part, {}).items():
            old = known.get(part, {}).get(key, {})
            same = bool(old) and _bare(old) == _bare(value)
            created, updated = old.get("_createdAt", precise(now)), old.get("_updatedAt") if same else precise(now)
            document[part][key] = {**_bare(value), "_createdAt": created, "_updatedAt": updated}
    return json.dumps(document, sort_keys=True).encode()


def consumed(content: bytes) -> dict[str, dict[str, Any]]:
    """What a consumer gets: by flag its value. A flag that is off gives nothing but that."""
    document = json.loads(content)
    values = {}
    for key in document.get("flags", {}):
        value = _bare(document.get("values", {}).get(key, {"enabled": False}))
        values[key] = value if value["enabled"] else {"enabled": False}
    return values


def _document(content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise AwsError("BadRequestException", f"The content is not JSON: {error}", 400) from None
    if not isinstance(document, dict):
        raise AwsError("BadRequestException", "The content is not a JSON object", 400)
    return document


def _faults(document: Mapping[str, Any]) -> Iterator[str]:
    if document.get("version") != "1":
        yield f"version: expected '1', saw {document.get('version')!r}"
    yield from (f"{name}: not allowed" for name in document.keys() - _TOP)
    flags, values = document.get("flags", {}), document.get("values", {})
    if not isinstance(flags, dict) or not isinstance(values, dict):
        yield "flags, values: expected objects"
        return
    if len(flags) > MOST_FLAGS:
        yield f"flags: {len(flags)}, at most {MOST_FLAGS}"
    for key, flag in flags.items():
        yield from _faults_of_flag(key, flag)
    for key, value in values.items():
        if key not in flags:
            yield f"values.{key}: there is no such flag"
        elif not isinstance(value, dict) or not isinstance(value.get("enabled"), bool):
            yield f"values.{key}.enabled: expected true or false"
        elif isinstance(flags[key], dict):
            yield from _faults_of_value(key, value, flags[key].get("attributes", {}))


def _faults_of_flag(key: str, flag: Any) -> Iterator[str]:
    if not _KEY.fullmatch(key):
        yield f"flags.{key}: does not match {_KEY.pattern}"
    if not isinstance(flag, dict):
        yield f"flags.{key}: expected an object"
        return
    yield from (f"flags.{key}.{name}: not allowed" for name in flag.keys() - _FLAG)
    attributes = flag.get("attributes", {})
    if len(attributes) > MOST_ATTRIBUTES:
        yield f"flags.{key}.attributes: {len(attributes)}, at most {MOST_ATTRIBUTES}"
    yield from (f"flags.{key}.attributes.{name}: no name" for name in attributes if not _KEY.fullmatch(name))


def _faults_of_value(key: str, value: Mapping[str, Any], attributes: Mapping[str, Any]) -> Iterator[str]:
    given = {name: each for name, each in value.items() if name not in ("enabled", "_variants", *_OWN)}
    yield from (f"values.{key}.{name}: the flag has no such attribute" for name in given.keys() - attributes.keys())
    for name, attribute in attributes.items():
        rules = attribute.get("constraints", {})
        if name not in given:
            if rules.get("required") and value["enabled"]:
                yield f"values.{key}.{name}: required"
            continue
        kind = _TYPES.get(str(rules.get("type", "")))
        if kind and (not isinstance(given[name], kind) or (isinstance(given[name], bool) and kind is not bool)):
            yield f"values.{key}.{name}: expected {rules['type']}"
        elif "enum" in rules and given[name] not in rules["enum"]:
            yield f"values.{key}.{name}: {given[name]!r} is not one of {rules['enum']}"


def _bare(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in _OWN}
