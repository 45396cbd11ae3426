"""The recovery point: which ones are refused, how near the one that is found is to the truth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from drcore.clock import parse_time
from drcore.errors import BadInput, StepFailed
from drcore.plans.g.decisions import recovery_point
from drcore.plans.g.p04_recovery_point import EXPORT, RECOVERY_POINT
from drcore.plans.g.p05_restore import RESTORE
from drcore.plans.g.tables import recovery_region, restored_table, table
from drcore.run.runbook import Runbook
from drcore.sandbox.core.world import USERS
from tests.support.data_corruption import PLAN, WEST, drilled_to, truth
from tests.support.stage import Stage, client, lines, staged


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Runbook]]:
    """A drill that has seen the bad writes, and is about to choose the recovery point."""
    with staged(tmp_path_factory.mktemp("exported"), users=USERS) as stage:
        yield stage, drilled_to(stage, EXPORT, incident="again")


def named(run: Runbook, told: str) -> None:
    """Let the parameters name a recovery point."""
    run.run.incident = run.run.incident.model_copy(update={"recovery_point": told})


@pytest.mark.parametrize("told", ["2026-01-05T08:48:00", "2026-01-05T09:48:00+01:00", "2026-01-05T08:48:00.5Z", "8:48"])
def test_a_recovery_point_that_is_no_second_in_utc_should_be_refused(
    told: str, exported: tuple[Stage, Runbook]
) -> None:
    with pytest.raises(BadInput, match=r"recovery_point.*UTC"):
        exported[0].prepare(PLAN, incident={"recovery_point": told})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("2025-11-01T00:00:00Z", "cannot be restored"),
        ("2026-01-05T12:00:00Z", "cannot be restored"),
        ("2026-01-05T08:55:00Z", "not before the first bad write"),
    ],
)
def test_a_recovery_point_that_cannot_be_or_is_too_late_should_be_refused(
    told: str, why: str, exported: tuple[Stage, Runbook]
) -> None:
    _, run = exported
    named(run, told)
    with pytest.raises(StepFailed, match=why):
        run.step(RECOVERY_POINT)
    assert not [line for line in lines(run, "call") if line["call"] == "dynamodb:RestoreTableToPointInTime"]


def test_a_table_of_another_time_should_not_be_taken_for_the_restored_one(exported: tuple[Stage, Runbook]) -> None:
    _, run = exported
    named(run, "")
    run.step(RECOVERY_POINT)
    client(run, "dynamodb", recovery_region(run.run)).restore_table_to_point_in_time(
        SourceTableName=table(run.run),
        TargetTableName=restored_table(run.run),
        RestoreDateTime=recovery_point(run.run) - timedelta(seconds=1),
    )
    with pytest.raises(StepFailed, match="not what this run restores"):
        run.step(RESTORE)


@pytest.mark.parametrize(
    ("seed", "options"), [(2, {"region": WEST, "silent": "1"}), (3, {"share": "0.01", "minutes": "30"})]
)
def test_the_recovery_point_should_be_right_before_the_first_bad_write(
    seed: int, options: dict[str, str], tmp_path: Path
) -> None:
    with staged(tmp_path, seed, users=USERS) as stage:
        run = drilled_to(stage, RECOVERY_POINT, options)
        first = parse_time(truth(stage)["first_bad_write"])
        assert timedelta(0) < first - recovery_point(run.run) < timedelta(seconds=5)
