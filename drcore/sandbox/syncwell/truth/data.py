"""What the simulation knows of the users' configurations: for tests only."""

from typing import Any

from drcore.sandbox.core.timestamps import precise
from drcore.sandbox.core.world import World
from drcore.sandbox.services.dynamodb.tables import Tables
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.incidents.data_corruption import CorruptionJob
from drcore.sandbox.syncwell.life.configurations import Key
from drcore.sandbox.syncwell.life.intended_data import Edit, IntendedData, lacks
from drcore.sandbox.syncwell.life.partner_imports import PartnerImports
from drcore.sandbox.syncwell.life.table_bindings import TableBindings
from drcore.sandbox.syncwell.life.waiting_jobs import WaitingJobs


def tell(world: World) -> None:
    """Contribute to GET /_sandbox/truth."""
    world.add_truth("corruption", lambda: _corruption(world))


def _corruption(world: World) -> dict[str, Any] | None:
    """None while nothing was corrupted.

    `corrupted`: keys that do not say what their owner means, or meant once, in the table that the users of some region
    see; `conflicts` are those of them that have their owner's edit on top. `lost`: keys whose owner's last edit since
    the fault began is not in that table. `late_jobs` are those that had to wait and have changed data since: region,
    when they were made, when they were done. `imports_missing`: by region, how many seconds of its partners' time lie
    before their cursors and are not in the table that its users see.
    """
    job, intended, bindings = world.state(CorruptionJob), world.state(IntendedData), world.state(TableBindings)
    corruption, tables = job.corruption, world.state(Tables)
    if corruption is None:
        return None
    tables.catch_up(world.clock.now())
    in_use = {region: bindings.in_use(region) for region in world.regions}
    corrupted: set[Key] = set()
    conflicts: set[Key] = set()
    for region, table in in_use.items():
        copy = tables[region, table]
        for name in intended.known():
            item = copy.get(name)
            if not intended.sound(name, item):
                (conflicts if intended.edited_on_top(name, item) else corrupted).add(name)
    lost = [edit.key for edit in intended.last.values() if _is_lost(world, edit, in_use)]
    return {
        "began": precise(corruption.deployed),
        "first_bad_write": corruption.first and precise(corruption.first),
        "last_bad_write": corruption.last and precise(corruption.last),
        "corrupted": _shown(corrupted | conflicts),
        "conflicts": _shown(conflicts),
        "ever": len(intended.bad_writes),
        "kinds": {kind: sum(s.kind == kind for s in intended.bad_writes.values()) for kind in corruption.kinds},
        "silent": sum(bad_write.silent for bad_write in intended.bad_writes.values()),
        "legit_edits": {"n": intended.edits, "lost": _shown(lost)},
        "table_in_use": in_use,
        "writers_running": writers(world),
        "reading_old": reading_old(world),
        "hidden_writes": job.hidden.writes,
        "late_jobs": [[each.region, precise(each.made), precise(each.done)] for each in world.state(WaitingJobs).late],
        "imports_missing": _imports_missing(world),
    }


def _imports_missing(world: World) -> dict[str, float]:
    imports = world.state(PartnerImports)
    return {region: sum(imports.missing_s(region, each) for each in names.PARTNERS) for region in world.regions}


def writers(world: World) -> list[str]:
    """Who would write now, if the table let him."""
    bindings, who = world.state(TableBindings), []
    for region in world.regions:
        for name in names.FUNCTIONS:
            fed = name != names.WORKER_FUNCTION or bindings.polling(region)
            if fed and bindings.open(region, name):
                who.append(f"{region} function {name}")
        who += [f"{region} {task.name} {task.release}" for task in bindings.tasks(region)]
        rules = (names.CANARY_RULE, names.TIDY_RULE)
        who += [f"{region} rule {rule}" for rule in rules if bindings.ruled(region, rule)]
    hidden = world.state(CorruptionJob).hidden
    return [*who, f"{hidden.region} {names.BATCH_ROLE}"] if hidden.on else who


def reading_old(world: World) -> list[str]:
    """Who works on another table than AppConfig names: it took it up before."""
    bindings = world.state(TableBindings)
    return [
        f"{region} {bound.name} {bound.table}"
        for region in world.regions
        for bound in bindings.all(region)
        if bound.table != bindings.named(region)
    ]


def _is_lost(world: World, edit: Edit, in_use: dict[str, str]) -> bool:
    return lacks(world.state(Tables)[edit.region, in_use[edit.region]].get(edit.key), edit)


def _shown(keys: set[Key] | list[Key]) -> list[str]:
    return sorted("/".join(key) for key in keys)
