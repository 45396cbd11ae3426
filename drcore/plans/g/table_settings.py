"""What is set on a table in one region, setting by setting: read, compared, set again.

A restore gives a table with none of this (aws-facts G.3), and a replica has its own of most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from drcore.errors import Rejected
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import DENY_SID, KEEP_SID, KEPT_UNTIL, table, table_arn
from drcore.services import cloudwatch
from drcore.services.dynamodb import policies, recovery, settings

BOTH_IMAGES = "NEW_AND_OLD_IMAGES"
_OURS = {DENY_SID, KEEP_SID}
_NAME, _DIMENSION = "AlarmName", "TableName"
_TABLE_ARN = re.compile(r"(arn:[^:]*:dynamodb:[^:]*:[^:]*:table/)([^/]*)(/.*|)")


@dataclass(frozen=True, slots=True)
class SettingKind:
    """One setting: how it is read from a table in a region, what it should be, how it is set. Values are texts.

    `shared`: replication carries it, so that a new replica has what the table has.
    """

    name: str
    read: Callable[[GRun, str, str], str]
    wanted: Callable[[GRun, str, str], str]
    apply: Callable[[GRun, str, str, str], None]
    shared: bool = False


def kinds() -> dict[str, SettingKind]:
    """All settings that a restore drops, by name, in the order in which they are set."""
    each_kind = (_STREAM, _RECOVERY, _TTL, _PROTECTION, _TAGS, _ALARMS, _POLICY, _WARM)
    return {each.name: each for each in each_kind}


def original(run: GRun, region: str, kind: SettingKind) -> str:
    """What the table in use before has of it. Raises Unknown, Rejected."""
    return kind.read(run, region, table(run))


def _read_stream(run: GRun, region: str, name: str) -> str:
    return settings.settings(run.aws, region, name).stream


def _set_stream(run: GRun, region: str, name: str, value: str) -> None:
    settings.set_stream(run.aws, region, name, value)


_STREAM = SettingKind("stream", _read_stream, lambda run, region, name: BOTH_IMAGES, _set_stream, shared=True)


def _read_recovery(run: GRun, region: str, name: str) -> str:
    window = recovery.window(run.aws, region, name)
    return f"{window.days} days" if window.earliest else "off"


def _want_recovery(run: GRun, region: str, name: str) -> str:
    """As long as before; where somebody has turned it off meanwhile, as long as can be."""
    return f"{recovery.window(run.aws, region, table(run)).days} days"


def _set_recovery(run: GRun, region: str, name: str, value: str) -> None:
    recovery.turn(run.aws, region, name, on=True, days=int(value.partition(" ")[0]))


_RECOVERY = SettingKind("point-in-time recovery", _read_recovery, _want_recovery, _set_recovery)


def _read_ttl(run: GRun, region: str, name: str) -> str:
    return settings.ttl(run.aws, region, name)


def _set_ttl(run: GRun, region: str, name: str, value: str) -> None:
    settings.set_ttl(run.aws, region, name, value or run.facts.settings.ttl, on=bool(value))


_TTL = SettingKind("TTL", _read_ttl, lambda run, region, name: str(run.facts.settings.ttl), _set_ttl, shared=True)


def _read_protection(run: GRun, region: str, name: str) -> str:
    return "on" if settings.settings(run.aws, region, name).protected else "off"


def _set_protection(run: GRun, region: str, name: str, value: str) -> None:
    settings.protect(run.aws, region, name, on=value == "on")


_PROTECTION = SettingKind("deletion protection", _read_protection, lambda run, region, name: "on", _set_protection)


def _read_tags(run: GRun, region: str, name: str) -> str:
    """Those that are wanted; a new table may have got others of its own."""
    tags, wanted = _tags(run, region, name), _wanted_tags(run, region)
    return _text({key: tags[key] for key in wanted if key in tags})


def _tags(run: GRun, region: str, name: str) -> dict[str, str]:
    """All but AWS's own, and this plan's."""
    tags = settings.tags(run.aws, region, table_arn(run, region, name))
    return {key: value for key, value in tags if not key.startswith("aws:") and key != KEPT_UNTIL}


def _wanted_tags(run: GRun, region: str) -> dict[str, str]:
    return _tags(run, region, table(run)) | run.facts.settings.tags


def _set_tags(run: GRun, region: str, name: str, value: str) -> None:
    settings.tag(run.aws, region, table_arn(run, region, name), json.loads(value))


_TAGS = SettingKind("tags", _read_tags, lambda run, region, name: _text(_wanted_tags(run, region)), _set_tags)


def _read_alarms(run: GRun, region: str, name: str) -> str:
    """The table's alarms, each under the name that the one of the table in use before has."""
    alarms = {alarm: cloudwatch.definition(run.aws, region, _alarm(run, alarm, name)) for alarm in _alarms(run)}
    return _text({alarm: _about(each, run, name, table(run)) for alarm, each in alarms.items() if each})


def _want_alarms(run: GRun, region: str, name: str) -> str:
    wanted = _read_alarms(run, region, table(run))
    lacking = set(_alarms(run)) - set(json.loads(wanted))
    if lacking:
        raise Rejected(f"cloudwatch in {region} has no alarm {', '.join(sorted(lacking))} to go by", "ResourceNotFound")
    return wanted


def _set_alarms(run: GRun, region: str, name: str, value: str) -> None:
    """The first alarm that is not as it should be: one at a time."""
    now, wanted = json.loads(_read_alarms(run, region, name)), json.loads(value)
    for alarm, definition in wanted.items():
        if now.get(alarm) != definition:
            cloudwatch.put_alarm(run.aws, region, _about(definition, run, table(run), name))
            return


def _alarms(run: GRun) -> tuple[str, ...]:
    return tuple(run.facts.settings.alarms)


def _alarm(run: GRun, alarm: str, name: str) -> str:
    return alarm.replace(table(run), name)


def _about(definition: Mapping[str, Any], run: GRun, now: str, then: str) -> dict[str, Any]:
    """The same alarm about another table: its name and its dimensions name that one."""
    text = json.dumps(definition, sort_keys=True, default=str)
    moved: dict[str, Any] = json.loads(text.replace(f'"{now}"', f'"{then}"'))
    moved[_NAME] = moved[_NAME].replace(now, then, 1)
    return moved


_ALARMS = SettingKind("alarms", _read_alarms, _want_alarms, _set_alarms)


def _read_policy(run: GRun, region: str, name: str) -> str:
    """The table's policy, as it would be about the table in use before: an object of JSON, empty where it has none.

    What this run has added for the halt does not count.
    """
    policy = policies.policy(run.aws, region, table_arn(run, region, name))
    statements = [_moved(json.loads(each), name, table(run)) for each in policy.without(*_OURS)]
    whole = {"Id": policy.id, "Statement": sorted(statements, key=_text), "Version": policy.version}
    return _text(whole) if statements else ""


def _want_policy(run: GRun, region: str, name: str) -> str:
    return _read_policy(run, region, table(run))


def _set_policy(run: GRun, region: str, name: str, value: str) -> None:
    arn = table_arn(run, region, name)
    now, wanted = policies.policy(run.aws, region, arn), json.loads(value or '{"Statement": []}')
    statements = [policies.statement(_moved(each, table(run), name)) for each in wanted["Statement"]]
    like = replace(now, version=wanted["Version"], id=wanted["Id"]) if statements else now
    policies.put(run.aws, region, arn, statements, like)


def _moved(value: Any, old: str, new: str) -> Any:
    """A part of a policy with the ARNs of one table, of its indexes and streams, as those of another: nothing else.

    A role or a bucket may have the table's name in its own.
    """
    if isinstance(value, Mapping):
        return {name: _moved(each, old, new) for name, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, old, new) for each in value]
    arn = _TABLE_ARN.fullmatch(value) if isinstance(value, str) else None
    return f"{arn[1]}{new}{arn[3]}" if arn and arn[2] == old else value


_POLICY = SettingKind("policy", _read_policy, _want_policy, _set_policy)


def _read_warm(run: GRun, region: str, name: str) -> str:
    return _warm_text(settings.settings(run.aws, region, name).warm)


def _want_warm(run: GRun, region: str, name: str) -> str:
    """At least what the old table takes: it can only be raised, and grows with the traffic by itself."""
    before, now = (settings.settings(run.aws, region, each).warm for each in (table(run), name))
    return _warm_text((max(before[0], now[0]), max(before[1], now[1])) if before and now else before or now)


def _set_warm(run: GRun, region: str, name: str, value: str) -> None:
    reads, writes = (int(each.partition(" ")[0]) for each in value.split(", "))
    settings.warm(run.aws, region, name, reads, writes)


def _warm_text(warm: tuple[int, int] | None) -> str:
    return f"{warm[0]} reads a second, {warm[1]} writes a second" if warm else ""


_WARM = SettingKind("warm throughput", _read_warm, _want_warm, _set_warm, shared=True)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
