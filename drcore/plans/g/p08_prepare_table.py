"""Plan G, phase 8, before a switch: the restored table gets back what a restore drops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from drcore.engine.consent import Consent
from drcore.engine.outcome import Check, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.phrases import region_names
from drcore.engine.step import Patience, Reversibility, Step
from drcore.errors import Unknown
from drcore.plans.g import resources, titles
from drcore.plans.g.decisions import not_the_remedy
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.table_settings import SettingKind, kinds, original
from drcore.plans.g.tables import recovery_region, restored_table, table
from drcore.record.evidence import Exhibit, Table
from drcore.services.dynamodb import modes, settings

ACTIVE = "ACTIVE"
NONE = "none"  # instead of the status of a replica
_BOTH = ", "  # between the statuses of a table in two regions


@dataclass(frozen=True, slots=True)
class TableSetting:
    """One setting of a table: as it is, as it should be. `status` is the table's; empty: it is not there."""

    now: str
    wanted: str
    status: str = field(compare=False)

    def describe(self) -> str | Mapping[str, object]:
        if not (self.now or self.wanted or self.status):
            return "not looked at"
        return {"is": self.now or "none", "should be": self.wanted or "none"}


def see_setting(run: GRun, target: Target) -> TableSetting:
    """The target's thing is `<setting> of <table>`."""
    if not_the_remedy(run, Remedy.SWITCH):
        return TableSetting("", "", "")
    kind, name = _what(target)
    status = settings.settings(run.aws, target.region, name).status
    now = kind.read(run, target.region, name) if status in (ACTIVE, "UPDATING") else ""
    return TableSetting(now, kind.wanted(run, target.region, name), status)


def _what(target: Target) -> tuple[SettingKind, str]:
    kind, _, name = target.thing.partition(" of ")
    return kinds()[kind], name


def is_set(run: GRun, target: Target, seen: TableSetting) -> Check:
    other = not_the_remedy(run, Remedy.SWITCH)
    if other:
        return other
    if not seen.wanted and not seen.now:
        return yes("none, as before")
    if not seen.status:
        return no(f"the table is not there yet; to be {shortened(seen.wanted)}")
    trouble = status_trouble(target, seen)
    if trouble:
        return trouble
    if seen.now != seen.wanted:
        return no(f"{shortened(seen.now)}, to be {shortened(seen.wanted)}")
    return yes(shortened(seen.now)) if seen.status == ACTIVE else no(f"the table is {seen.status}")


def status_trouble(target: Target, seen: TableSetting) -> Check | None:
    """What is wrong with the table, or with the replica that the target is, and does not pass by itself."""
    replica = seen.now if target.thing.startswith(f"{REPLICA} of ") and seen.now != NONE else ""
    for status in filter(None, (replica, seen.status)):
        if status in settings.STAYING:
            return never(f"{target.thing}, {status}: {settings.STAYING[status]}")
        if status not in (ACTIVE, *settings.PASSING) and _BOTH not in status:
            return unknown(f"{target.thing} is {status}")
    return None


def shortened(value: str) -> str:
    text = value or "none"
    return text if len(text) <= 80 else f"{text[:77]}…"


def set_again(run: GRun, target: Target, seen: TableSetting) -> None:
    kind, name = _what(target)
    if seen.now != seen.wanted:  # else only the table's status is waited for
        kind.apply(run, target.region, name, seen.wanted)


def _of(run: GRun, where: Iterable[str], names: Iterable[str], name: str) -> list[Target]:
    return [Target(each, f"{kind} of {name}") for each in where for kind in names]


def show_settings(run: GRun, states: Mapping[Target, TableSetting]) -> Iterator[Exhibit]:
    if not_the_remedy(run, Remedy.SWITCH):
        return
    rows = []
    for target, seen in states.items():
        kind, _ = _what(target)
        rows.append((target.region, kind.name, seen.now, seen.wanted, original(run, target.region, kind)))
    columns = ("region", "setting", "is", "should be", f"on {table(run)}")
    yield Table("settings-restored", f"Settings that a restore drops, on {restored_table(run)}", columns, tuple(rows))


# ── Restore settings ──────────────────────────────────────────────────────────────────────────────────────────────────


def settings_here(run: GRun) -> list[Target]:
    return _of(run, [recovery_region(run)], kinds(), restored_table(run))


# What is set on the replica of each region.
_EACH_REPLICA = (
    *iam_actions(
        "dynamodb:PutResourcePolicy",
        "dynamodb:TagResource",
        "dynamodb:UpdateContinuousBackups",
        on=resources.restored,
    ),
    *iam_actions("cloudwatch:PutMetricAlarm", on=resources.alarms),
)

SETTINGS = Step(
    titles.SETTINGS,
    changes=(
        "what a restore drops is set again: stream, recovery, TTL, deletion protection, tags, alarms, policy, warm "
        "throughput"
    ),
    look=see_setting,
    expect=is_set,
    act=set_again,
    targets=settings_here,
    needs=(titles.DECIDE,),
    consent=Consent.GO,
    phrase=lambda run, states: f"SET {len(states)} SETTINGS OF {restored_table(run)} IN {recovery_region(run)}",
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=1800, every=10),  # how long warm throughput takes hangs on the table's size
    shows=show_settings,
    permissions=(
        *iam_actions("dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive", on=resources.restored),
        *_EACH_REPLICA,
    ),
)


# ── Replicas ──────────────────────────────────────────────────────────────────────────────────────────────────────────

REPLICA = "replica"


def replicas(run: GRun) -> list[Target]:
    """For each other region its replica, then what is set on that one."""
    others = [each for each in run.service.regions if each != recovery_region(run)]
    return [target for each in others for target in _of(run, [each], (REPLICA, *kinds()), restored_table(run))]


def own_replica(run: GRun, target: Target) -> list[Target]:
    """What is set on a replica depends on the replica itself."""
    replica = Target(target.region, f"{REPLICA} of {restored_table(run)}")
    return [] if target == replica else [replica]


def see_replica(run: GRun, target: Target) -> TableSetting:
    if not target.thing.startswith(f"{REPLICA} of ") or not_the_remedy(run, Remedy.SWITCH):
        return see_setting(run, target)
    here = settings.settings(run.aws, recovery_region(run), restored_table(run))
    there = settings.settings(run.aws, target.region, restored_table(run))
    return TableSetting(dict(here.replicas).get(target.region, NONE), ACTIVE, _worse(here.status, there.status))


def _worse(here: str, there: str) -> str:
    """The table's status in both regions as one: a change must wait until it is ACTIVE in both."""
    if not here:
        return ""
    return ACTIVE if here == there == ACTIVE else f"{here} here{_BOTH}{there or 'not there yet'} there"


def set_up(run: GRun, target: Target, seen: TableSetting) -> None:
    if not target.thing.startswith(f"{REPLICA} of "):
        now = see_setting(run, target)  # seen before there was a replica
        if not now.status and _what(target)[0].shared:
            raise Unknown(f"the replica in {target.region} is not there yet; it will have it from the table")
        set_again(run, target, now)
    elif seen.now == NONE:
        key = modes.modes(run.aws, target.region, table(run)).key  # that of the replica that there was
        settings.add_replica(run.aws, recovery_region(run), restored_table(run), target.region, key)


def show_replicas(run: GRun, states: Mapping[Target, TableSetting]) -> Iterator[Exhibit]:
    own = {target: seen for target, seen in states.items() if not target.thing.startswith(f"{REPLICA} of ")}
    for exhibit in show_settings(run, own):
        assert isinstance(exhibit, Table)
        yield Table("settings-of-replicas", exhibit.title, exhibit.columns, exhibit.rows)


REPLICAS = Step(
    titles.REPLICAS,
    changes="the restored table gets a replica in each other region, one at a time, with the settings of each",
    look=see_replica,
    expect=is_set,
    act=set_up,
    targets=replicas,
    depends_on=own_replica,
    needs=(titles.SETTINGS,),
    consent=Consent.GO,
    phrase=lambda run, states: f"ADD REPLICAS OF {restored_table(run)} IN {region_names(states)}",
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 60 * run.facts.restore_minutes, every=20),
    shows=show_replicas,
    whole_role=resources.OUTLASTS_ITS_SESSION,
    permissions=(
        *_EACH_REPLICA,
        # What AWS asks for behind UpdateTable, in the region of the replica.
        *iam_actions(
            "dynamodb:BatchWriteItem",
            "dynamodb:CreateTable",
            "dynamodb:CreateTableReplica",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:UpdateTable",
            on=resources.restored,
        ),
        *iam_actions("iam:CreateServiceLinkedRole", on=resources.replication_role),
    ),
)


STEPS = (SETTINGS, REPLICAS)
