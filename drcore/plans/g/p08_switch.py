"""Plan G, the switch: the restored table is made whole, then named to everybody as the one in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drcore.clock import iso, parse_time
from drcore.engine.consent import Consent
from drcore.engine.step import Check, Step, Target, Way, minutes, never, no, unknown, yes
from drcore.errors import Rejected, Unknown
from drcore.plans.g.exported_changes import region
from drcore.plans.g.facts import (
    ALLOWING,
    RESUMING_FUNCTIONS,
    RESUMING_WORKERS,
    SWITCHING,
    not_the_way,
    restored_table,
    role_arn,
    table,
    table_arn,
)
from drcore.plans.g.facts import SWITCH as SWITCHED
from drcore.plans.g.p02_halt_writers import SID, denial
from drcore.plans.g.p07_decide import DECIDE
from drcore.plans.g.table_settings import KEEPING, Kind, kinds, original
from drcore.record.evidence import Exhibit, Table
from drcore.services import appconfig
from drcore.services.appconfig import Deployment, Profile
from drcore.services.dynamodb import policies, settings
from drcore.services.dynamodb.policies import Policy

if TYPE_CHECKING:
    from drcore.engine.context import Run

_ACTIVE = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a table: as it is, as it should be. `status` is the table's; empty: it is not there."""

    now: str
    wanted: str
    status: str = field(compare=False)


def see_setting(run: Run, target: Target) -> Setting:
    """The target's thing is `<setting> of <table>`."""
    if not_the_way(run, SWITCHED):
        return Setting("", "", "")
    kind, name = _what(target)
    status = settings.settings(run.aws, target.region, name).status
    now = kind.read(run, target.region, name) if status in (_ACTIVE, "UPDATING") else ""
    return Setting(now, kind.wanted(run, target.region, name), status)


def _what(target: Target) -> tuple[Kind, str]:
    kind, _, name = target.thing.partition(" of ")
    return kinds()[kind], name


def is_set(run: Run, target: Target, seen: Setting) -> Check:
    other = not_the_way(run, SWITCHED)
    if other:
        return other
    if not seen.wanted and not seen.now:
        return yes("none, as before")
    if not seen.status:
        return no(f"the table is not there yet; to be {_short(seen.wanted)}")
    if seen.now != seen.wanted:
        return no(f"{_short(seen.now)}, to be {_short(seen.wanted)}")
    return yes(_short(seen.now)) if seen.status == _ACTIVE else no(f"the table is {seen.status}")


def _short(value: str) -> str:
    text = value or "none"
    return text if len(text) <= 80 else f"{text[:77]}…"


def set_again(run: Run, target: Target, seen: Setting) -> None:
    kind, name = _what(target)
    if seen.now != seen.wanted:  # else only the table's status is waited for
        kind.apply(run, target.region, name, seen.wanted)


def _of(run: Run, where: Iterable[str], names: Iterable[str], name: str) -> list[Target]:
    return [Target(each, f"{kind} of {name}") for each in where for kind in names]


def show_settings(run: Run, states: Mapping[Target, Setting]) -> Iterator[Exhibit]:
    if not_the_way(run, SWITCHED):
        return
    rows = []
    for target, seen in states.items():
        kind, _ = _what(target)
        rows.append((target.region, kind.name, seen.now, seen.wanted, original(run, target.region, kind)))
    columns = ("region", "setting", "it is", "it should be", f"{table(run)} has")
    yield Table("settings-restored", f"What a restore drops, on {restored_table(run)}", columns, tuple(rows))


# ── 22 Restore settings ──────────────────────────────────────────────────────────────────────────────────────────────


def settings_here(run: Run) -> list[Target]:
    return _of(run, [region(run)], kinds(), restored_table(run))


SETTINGS = Step(
    title="Restore settings",
    plan="G.5",
    changes="what a restore drops is set: stream, recovery, TTL, deletion protection, tags, alarms, policy",
    look=see_setting,
    expect=is_set,
    act=set_again,
    targets=settings_here,
    needs=(DECIDE.title,),
    consent=Consent.GO,
    phrase=lambda run, states: f"SET {len(states)} SETTINGS OF {restored_table(run)} IN {region(run)}",
    way=Way.COMPENSABLE,
    within=300,
    every=10,
    shows=show_settings,
    permissions=(
        "dynamodb:UpdateTable",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTimeToLive",
        "dynamodb:TagResource",
        "dynamodb:PutResourcePolicy",
        "cloudwatch:PutMetricAlarm",
    ),
)


# ── 23 Replicas ──────────────────────────────────────────────────────────────────────────────────────────────────────

REPLICA = "replica"


def replicas(run: Run) -> list[Target]:
    """For each other region its replica, then what is set on that one."""
    others = [each for each in run.service.regions if each != region(run)]
    return [target for each in others for target in _of(run, [each], (REPLICA, *kinds()), restored_table(run))]


def see_replica(run: Run, target: Target) -> Setting:
    if not target.thing.startswith(f"{REPLICA} of ") or not_the_way(run, SWITCHED):
        return see_setting(run, target)
    here = settings.settings(run.aws, region(run), restored_table(run))
    there = settings.settings(run.aws, target.region, restored_table(run))
    return Setting(dict(here.replicas).get(target.region, "none"), _ACTIVE, _worse(here.status, there.status))


def _worse(here: str, there: str) -> str:
    """The table's status in both regions as one: a change must wait until it is ACTIVE in both."""
    if not here:
        return ""
    return _ACTIVE if here == there == _ACTIVE else f"{here} here, {there or 'not there yet'} there"


def set_up(run: Run, target: Target, seen: Setting) -> None:
    if not target.thing.startswith(f"{REPLICA} of "):
        now = see_setting(run, target)  # seen before there was a replica
        if not now.status and _what(target)[0].shared:
            raise Unknown(f"the replica in {target.region} is not there yet; it will have it from the table")
        set_again(run, target, now)
    elif seen.now == "none":
        settings.add_replica(run.aws, region(run), restored_table(run), target.region)


def show_replicas(run: Run, states: Mapping[Target, Setting]) -> Iterator[Exhibit]:
    own = {target: seen for target, seen in states.items() if not target.thing.startswith(f"{REPLICA} of ")}
    for exhibit in show_settings(run, own):
        assert isinstance(exhibit, Table)
        yield Table("settings-of-replicas", exhibit.title, exhibit.columns, exhibit.rows)


REPLICAS = Step(
    title="Replicas",
    plan="G.5",
    changes="the restored table gets a replica in each other region, one at a time, with what is set on each",
    look=see_replica,
    expect=is_set,
    act=set_up,
    targets=replicas,
    needs=(SETTINGS.title,),
    consent=Consent.GO,
    phrase=lambda run, states: f"ADD REPLICAS OF {restored_table(run)} IN {', '.join(_regions(states))}",
    way=Way.COMPENSABLE,
    within=minutes("restore_minutes"),
    every=20,
    shows=show_replicas,
    permissions=(
        "dynamodb:UpdateTable",
        "dynamodb:CreateTableReplica",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:TagResource",
        "dynamodb:PutResourcePolicy",
        "cloudwatch:PutMetricAlarm",
        "iam:CreateServiceLinkedRole",
    ),
)


def _regions(states: Mapping[Target, object]) -> list[str]:
    return list(dict.fromkeys(target.region for target in states))


# ── 24 Keep the corrupt table ────────────────────────────────────────────────────────────────────────────────────────

KEPT_UNTIL = "kept-until"
_SERVICE_ROLE = "aws-service-role/replication.dynamodb.amazonaws.com/AWSServiceRoleForDynamoDBReplication"


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that keeps the corrupt table as evidence: as it is, whether that is enough."""

    now: str
    enough: bool


def keeping(run: Run) -> list[Target]:
    things = ("protection", "policy", KEPT_UNTIL)
    return [Target(each, f"{thing} of {table(run)}") for each in run.service.regions for thing in things]


def see_kept(run: Run, target: Target) -> Kept:
    if not_the_way(run, SWITCHED):
        return Kept("", True)
    arn, thing = table_arn(run, target.region), target.thing.partition(" of ")[0]
    if thing == "protection":
        on = settings.settings(run.aws, target.region, table(run)).protected
        return Kept("on" if on else "off", on)
    if thing == "policy":
        found = policies.policy(run.aws, target.region, arn).statements
        return Kept("\n".join(found), keeps(run, target.region) in found)
    until = dict(settings.tags(run.aws, target.region, arn)).get(KEPT_UNTIL, "")
    return Kept(until, _long_enough(run, until))


def keeps(run: Run, where: str) -> str:
    """Nobody writes to the corrupt table but who recovers it; replication itself goes on (aws-facts G.2)."""
    let = [role_arn(run, run.facts.roles.recovery), role_arn(run, _SERVICE_ROLE)]
    return policies.statement(
        {
            "Sid": KEEPING,
            "Effect": "Deny",
            "Principal": "*",
            "Action": [*policies.WRITES, "dynamodb:DeleteTable"],
            "Resource": table_arn(run, where),
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": let}},
        }
    )


def _kept_until(run: Run) -> datetime:
    """So long after the decision; the same however often it is asked."""
    made = run.last("decision", DECIDE)
    since = parse_time(made["time"]) if made else run.clock.now()
    return since + timedelta(days=run.facts.keep_days)


def _long_enough(run: Run, until: str) -> bool:
    try:
        return parse_time(until) >= _kept_until(run).replace(microsecond=0)
    except ValueError:
        return False


def is_kept(run: Run, target: Target, seen: Kept) -> Check:
    other = not_the_way(run, SWITCHED)
    if other:
        return other
    return yes(_short(seen.now)) if seen.enough else no(f"{_short(seen.now)} is not enough")


def keep(run: Run, target: Target, seen: Kept) -> None:
    arn, thing = table_arn(run, target.region), target.thing.partition(" of ")[0]
    if thing == "protection":
        settings.protect(run.aws, target.region, table(run))
    elif thing == "policy":
        now = policies.policy(run.aws, target.region, arn)
        # The denial of the halt stays beside it; it stands already, but in a rehearsal, which has denied nothing.
        denied = denial(run, Target(target.region, table(run)))
        statements = [*now.without(SID, KEEPING), denied, keeps(run, target.region)]
        policies.put(run.aws, target.region, arn, statements, now)
    else:
        until = _kept_until(run).replace(microsecond=0)
        settings.tag(run.aws, target.region, arn, {KEPT_UNTIL: iso(until)})


def keep_no_more(run: Run, target: Target, before: Kept) -> None:
    arn, thing = table_arn(run, target.region), target.thing.partition(" of ")[0]
    if thing == "protection":
        settings.protect(run.aws, target.region, table(run), on=before.now == "on")
    elif thing == "policy":
        now = policies.policy(run.aws, target.region, arn)
        was = Policy(tuple(before.now.splitlines()))
        policies.put(run.aws, target.region, arn, now.with_that_of(was, SID, KEEPING), now)
    elif before.now:
        settings.tag(run.aws, target.region, arn, {KEPT_UNTIL: before.now})
    else:
        settings.untag(run.aws, target.region, arn, [KEPT_UNTIL])


KEEP = Step(
    title="Keep the corrupt table",
    plan="G.5",
    changes="the corrupt table stays as evidence: not to be deleted, written only by its recovery, tagged with a date",
    look=see_kept,
    expect=is_kept,
    act=keep,
    undo=keep_no_more,
    targets=keeping,
    needs=(DECIDE.title,),
    way=Way.REVERSIBLE,
    within=60,
    every=5,
    permissions=(
        "dynamodb:UpdateTable",
        "dynamodb:PutResourcePolicy",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
    ),
)


# ── 25 Switch ────────────────────────────────────────────────────────────────────────────────────────────────────────

VERSION, DEPLOYMENT = "new version", "deployment"


@dataclass(frozen=True, slots=True)
class Named:
    """The table that a region's consumers are told, which version says so; the newest version, the last deployment.

    `there`: the restored table can be used in this region. A version that is not deployed changes nothing.
    """

    consumed: str
    version: str = field(compare=False)
    newest: int = field(compare=False)
    newest_names: str = field(compare=False)
    deployment: Deployment = field(compare=False)
    there: bool = field(compare=False)


def switching(run: Run) -> list[Target]:
    """First a version in each region, then its deployment: so both regions go over within seconds."""
    return [Target(each, thing) for thing in (VERSION, DEPLOYMENT) for each in run.service.regions]


def where(run: Run, in_region: str) -> Profile:
    """The configuration that names the table. Raises Rejected, Unknown."""
    at = run.facts.configuration
    return appconfig.profile(run.aws, in_region, at.application, at.environment, at.profile)


def consumed_table(run: Run, in_region: str) -> str:
    """The table that a consumer which starts now is told. Data plane only. Raises Rejected, Unknown."""
    at = run.facts.configuration
    found = appconfig.consumed(run.aws, in_region, Profile(at.application, at.environment, at.profile))
    return str(found.get(at.key, ""))


def see_named(run: Run, target: Target) -> Named:
    if not_the_way(run, SWITCHED):
        return Named("", "", 0, "", Deployment(), True)
    at, key = where(run, target.region), run.facts.configuration.key
    newest, last = appconfig.newest(run.aws, target.region, at), appconfig.last_deployment(run.aws, target.region, at)
    there = settings.settings(run.aws, target.region, restored_table(run)).status == _ACTIVE
    consumed = consumed_table(run, target.region)
    return Named(consumed, last.version, newest.number, str(newest.content.get(key, "")), last, there)


def is_switched(run: Run, target: Target, seen: Named) -> Check:
    other = not_the_way(run, SWITCHED)
    if other:
        return other
    wanted = restored_table(run)
    if target.thing == VERSION:
        made = wanted in (seen.newest_names, seen.consumed)
        return (
            yes(f"version {seen.newest} names {wanted}") if made else no(f"version {seen.newest} names {seen.consumed}")
        )
    if not seen.there and not run.rehearsing:
        return never(f"{wanted} is not ACTIVE in {target.region}: nobody must be sent there")
    if seen.consumed != wanted:
        return no(f"consumers are told {seen.consumed}")
    if seen.deployment.running:
        return no(f"consumers are told {wanted}, the deployment is {seen.deployment.state}")
    if seen.deployment.state != "COMPLETE":
        last = seen.deployment.state or "none"
        return unknown(f"consumers are told {wanted}, and yet the last deployment is {last}")
    return yes(f"consumers are told {wanted}, by version {seen.deployment.version}")


def switch(run: Run, target: Target, seen: Named) -> None:
    at, configuration = where(run, target.region), run.facts.configuration
    why = f"drcore {run.id}: {configuration.key} → {restored_table(run)}"
    if target.thing == VERSION:
        # What consumers have now is changed in one field; a newer version that nobody has deployed is not let in.
        content = appconfig.consumed(run.aws, target.region, at) | {configuration.key: restored_table(run)}
        appconfig.add_version(run.aws, target.region, at, content, seen.newest, why)
        return
    now = see_named(run, target)  # seen before the version was made
    if now.deployment.running or now.consumed == restored_table(run):
        return  # started by a try that was not answered, or before a restart: under way, or over by now
    number = now.newest
    if now.newest_names != restored_table(run):
        if not run.rehearsing:
            told = (
                f"version {number} of {at.profile} in {target.region} names {now.newest_names}: somebody has added it"
            )
            raise Rejected(told, "ConflictException")
        number += 1  # the one that would have been made
    strategy = appconfig.strategy(run.aws, target.region, configuration.strategy)
    appconfig.deploy(run.aws, target.region, at, strategy, number, why)


def switch_back(run: Run, target: Target, before: Named) -> None:
    """The old name again; asked for only as long as nobody has written to the restored table, see `no_way_back`."""
    if target.thing == DEPLOYMENT:
        at = where(run, target.region)
        last = appconfig.last_deployment(run.aws, target.region, at)
        if last.version == before.version and (last.running or last.state == "COMPLETE"):
            return  # started by a try that was not answered, or before a restart: under way, or over by now
        strategy = appconfig.strategy(run.aws, target.region, run.facts.configuration.strategy)
        why = f"drcore {run.id}: back to {before.consumed}"
        appconfig.deploy(run.aws, target.region, at, strategy, int(before.version), why)


def no_way_back(run: Run) -> str:
    """Once this run has let somebody write to the restored table, why it undoes nothing; empty before that.

    Not even what came after: workers that are halted again, with no table to bring back, would help nobody.
    """
    titles = (ALLOWING, RESUMING_WORKERS, RESUMING_FUNCTIONS)
    resumed = next((e["step"] for e in run.record.events if e["event"] == "intent" and e["step"] in titles), "")
    if not resumed:
        return ""
    return (
        f"{resumed} was done, and what has been written to {restored_table(run)} since would be lost. Mend forward. If "
        f"{table(run)} must come back: halt all writers, compare both tables (drcore diff), carry the changes over, "
        f"then set {run.facts.configuration.key} by hand"
    )


def show_switch(run: Run, states: Mapping[Target, Named]) -> Iterator[Exhibit]:
    if not_the_way(run, SWITCHED):
        return
    rows = tuple(
        (target.region, seen.consumed, seen.deployment.version, seen.deployment.state)
        for target, seen in states.items()
        if target.thing == DEPLOYMENT
    )
    columns = ("region", "consumers are told", "by version", "deployment")
    yield Table("switched", f"{run.facts.configuration.key}, as a consumer that starts now reads it", columns, rows)


SWITCH = Step(
    title=SWITCHING,
    plan="G.5",
    changes="AppConfig names the restored table in every region; once writers resume there is no way back without loss",
    look=see_named,
    expect=is_switched,
    act=switch,
    undo=switch_back,
    no_return=no_way_back,
    targets=switching,
    needs=(SETTINGS.title, REPLICAS.title, KEEP.title),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"SWITCH {', '.join(_regions(states))} FROM {table(run)} TO {restored_table(run)}",
    way=Way.NO_RETURN,
    within=minutes("start_minutes"),
    every=10,
    shows=show_switch,
    permissions=(
        "appconfig:CreateHostedConfigurationVersion",
        "appconfig:StartDeployment",
        "appconfig:GetLatestConfiguration",
        "appconfig:StartConfigurationSession",
    ),
)
