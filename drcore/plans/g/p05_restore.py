"""Plan G, phase 5: the table is restored, beside the one in use, to the recovery point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from drcore.clock import iso
from drcore.engine.consent import Consent
from drcore.engine.labels import label
from drcore.engine.last_drill import last_drill_history
from drcore.engine.outcome import Check, Outcome, Target, never, no, unknown, yes
from drcore.engine.permissions import iam_actions
from drcore.engine.step import Patience, Reversibility, Step
from drcore.plans.g import resources, titles
from drcore.plans.g.decisions import recovery_point
from drcore.plans.g.facts import GRun
from drcore.plans.g.tables import recovery_region, restored_table, table, table_arn
from drcore.record.events import Kind
from drcore.record.evidence import Exhibit, Table
from drcore.services.dynamodb import recovery
from drcore.services.dynamodb.recovery import Restored


@dataclass(frozen=True, slots=True)
class Restoring:
    """The table that is restored into; the seconds that the last drill's restore took (None: not known)."""

    table: Restored = field(metadata=label(""))
    last_s: float | None = field(default=None, compare=False)


def restored_here(run: GRun) -> list[Target]:
    return [Target(recovery_region(run), restored_table(run))]


def see_restored(run: GRun, target: Target) -> Restoring:
    restored = recovery.restored(run.aws, target.region, target.thing)
    return Restoring(restored, None if restored.status == "ACTIVE" else last_restore_s(run))


def is_restored(run: GRun, target: Target, seen: Restoring) -> Check:
    point, restored = recovery_point(run), seen.table
    estimate = f"; it took {seen.last_s / 60:.0f} min in the last drill" if seen.last_s else ""
    if not restored.status:
        return no(f"to be restored as of {iso(point)}{estimate}")
    if restored.source != table_arn(run, target.region) or restored.at != point:
        as_of = iso(restored.at) if restored.at else "no time"
        return never(
            f"{target.thing} is there already, as of {as_of} from {restored.source or 'nowhere'}: not what this run "
            "restores. Give this incident another name, -p incident="
        )
    if (
        restored.status in ("ACTIVE", "UPDATING") and not restored.in_progress
    ):  # UPDATING: a later step changes a setting
        return yes(f"as of {iso(point)}")
    if restored.status in ("CREATING", "ACTIVE"):
        return no(f"being restored since {_since(run)}{estimate}")
    return unknown(f"the table is {restored.status}")


def _since(run: GRun) -> str:
    begun = run.history.act(titles.RESTORE)
    return str(begun.last["time"]) if begun else "some time"


def restore(run: GRun, target: Target, seen: Restoring) -> None:
    if not seen.table.status:  # else it is under way since before a restart
        source = table_arn(run, target.region)
        recovery.restore(run.aws, target.region, source, target.thing, recovery_point(run))


def last_restore_s(run: GRun) -> float | None:
    """How long the restore of the last archived drill took. An estimate is worth no failure."""
    ended = last_drill_history(run).lines(Kind.STEP_ENDED, step=titles.RESTORE)
    return next((float(line["seconds"]["cloud"]) for line in ended if line["outcome"] == Outcome.DONE), None)


def show_restore(run: GRun, states: Mapping[Target, Restoring]) -> Iterator[Exhibit]:
    looks = [(time, seen) for time, _, seen in run.looks(titles.RESTORE) if seen]
    rows = tuple((time, seen.table.status or "not there", seen.table.in_progress) for time, seen in looks)
    yield Table(
        "restore",
        f"{restored_table(run)} at each look, until it was restored",
        ("time", "status", "restore in progress"),
        rows,
    )


RESTORE = Step(
    titles.RESTORE,
    changes="a new table with the state of the recovery point; the one in use is not touched",
    look=see_restored,
    expect=is_restored,
    act=restore,
    targets=restored_here,
    needs=(titles.RECOVERY_POINT,),
    consent=Consent.TYPED,
    phrase=lambda run, states: f"RESTORE {table(run)} @ {_second(recovery_point(run))}",
    reversibility=Reversibility.COMPENSABLE,
    patience=Patience(within=lambda run: 60 * run.facts.restore_minutes, every=30),
    shows=show_restore,
    whole_role=resources.OUTLASTS_ITS_SESSION,
    permissions=(
        *iam_actions("dynamodb:RestoreTableToPointInTime", on=resources.both_tables),
        # The table is written in the name of whoever restores it.
        *iam_actions(
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            on=resources.restored,
        ),
    ),
)


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


STEPS = (RESTORE,)
