"""What plan G cannot tell is UNKNOWN: a state that is new to it, a count of nothing, a time that is not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drcore.clock import iso
from drcore.engine.outcome import Target
from drcore.plans import g
from drcore.plans.g.complaints import Complaints
from drcore.plans.g.facts import GRun, Remedy
from drcore.plans.g.headcount import Headcount
from drcore.plans.g.invariants import Sample
from drcore.plans.g.p01_confirm import NOBODY_COMPLAINS, ReleaseProposal
from drcore.plans.g.p02_halt_writers import Feeding
from drcore.plans.g.p03_prove_nothing_writes import REFUSED, WriteProof
from drcore.plans.g.p05_restore import Restoring
from drcore.plans.g.p08_prepare_table import TableSetting
from drcore.plans.g.p08_switch import DEPLOYMENT, ConfiguredTable
from drcore.plans.g.p09_sign_off import SignOff
from drcore.plans.g.p10_resume_workers import ResumedWorkers
from drcore.plans.g.p12_redrive_jobs import Redriven
from drcore.plans.g.p13_close import IncidentCost, UsersServed
from drcore.plans.g.table_requests import RequestCounts
from drcore.plans.g.worker_releases import GoodRelease
from drcore.plans.shared.good_minutes import GoodLooks, GoodMinutes
from drcore.record.events import Kind
from drcore.services.appconfig import EnvironmentDeployment
from drcore.services.dynamodb.recovery import Restored
from drcore.services.sqs import LastRedrive
from tests.support.lone_run import EAST, NINE, WEST, Look, decided, lone_run, must_not_be_told

TABLE, RESTORED = "SyncWellMetadata", "SyncWellMetadata-restored-lone"
CLEAN = Sample(600, (), 0.0, 0.498, 5000, there=5000)
NOBODY = Sample(0, (), 0.0, 100.0, 0)
COUNTED, QUIET = Headcount(5000, "AWS's own count"), Complaints(0, 0, 0, 0, 0, 2000, 0.1)
PROPOSED = ReleaseProposal(CLEAN, COUNTED, NOBODY_COMPLAINS, "2026.01.2", ())
PROVED = WriteProof(RequestCounts(0, 0, ()), REFUSED, None, NINE)
BACK = Restoring(Restored("ACTIVE", f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}", NINE))
DEPLOYED = EnvironmentDeployment(1, "COMPLETE", "metadata", "1")
SWITCHED = ConfiguredTable(RESTORED, "1", 1, RESTORED, DEPLOYED, there=True)
AGAIN = ResumedWorkers(4, 4, "worker:1", "COMPLETED", 4, GoodRelease("worker:1", "2026.01.1"), QUIET, (NINE, NINE))
MOVED = LastRedrive("COMPLETED", 3, 3, started=NINE)
SERVED = UsersServed(QUIET, CLEAN, COUNTED, GoodMinutes(NINE, NINE, None, NINE), GoodLooks())
COST = IncidentCost(TABLE, Remedy.SWITCH, 0, 0, 0, 0, 60.0, None, None)

LOOKS = {
    "confirm, nobody was found": Look(
        g.CONFIRM.expect, PROPOSED, replace(PROPOSED, sample=NOBODY), "no item of a user was found"
    ),
    "sources, a new state": Look(g.SOURCES.expect, Feeding("1", "Disabled"), Feeding("1", "Paused"), "Paused"),
    "nothing writes, since when": Look(g.NOTHING_WRITES.expect, PROVED, replace(PROVED, denied_at=None), "when writes"),
    "restore, a new status": Look(
        g.RESTORE.expect, BACK, replace(BACK, table=replace(BACK.table, status="PAUSED")), "PAUSED", EAST
    ),
    "settings, a new status": Look(
        g.SETTINGS.expect,
        TableSetting("on", "on", "ACTIVE"),
        TableSetting("on", "on", "PAUSED"),
        "PAUSED",
        Target("us-west-2", f"ttl of {RESTORED}"),
    ),
    "switch, a new state of the deployment": Look(
        g.SWITCH.expect,
        SWITCHED,
        replace(SWITCHED, deployment=replace(DEPLOYED, state="PAUSED")),
        "the last deployment is PAUSED",
        Target("us-west-2", DEPLOYMENT),
    ),
    "sign off, nobody was found in a region": Look(
        g.SIGN_OFF.expect,
        SignOff(TABLE, (("us-east-1", CLEAN), ("us-west-2", CLEAN))),
        SignOff(TABLE, (("us-east-1", CLEAN), ("us-west-2", NOBODY))),
        "no user's item was found in us-west-2",
    ),
    "workers, no word of the deployment": Look(
        g.WORKERS_AGAIN.expect, AGAIN, replace(AGAIN, rollout=""), "of the deployment ECS says nothing"
    ),
    "redrive, a new status": Look(
        g.REDRIVE.expect,
        Redriven(False, 0, "", MOVED),
        Redriven(False, 0, "", replace(MOVED, status="PAUSED")),
        "the redrive is PAUSED",
    ),
    "users, nobody was found": Look(g.USERS.expect, SERVED, replace(SERVED, sample=NOBODY), "no user's item was found"),
    "users, few requests": Look(
        g.USERS.expect, SERVED, replace(SERVED, complaints=replace(QUIET, error_percent=None)), "are too few to tell"
    ),
    "close, no remedy": Look(g.CLOSE.expect, COST, replace(COST, remedy=None), "no remedy was decided"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GRun]:
    with lone_run(g.PLAN, tmp_path_factory.mktemp("g"), incident="lone") as run:
        decided(run, g.RECOVERY_POINT.name, iso(NINE))
        run.record.append(Kind.INTENT, step=g.REDRIVE.name, target=str(WEST))
        yield run


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_cannot_be_told_should_be_unknown(run: GRun, look: Look) -> None:
    must_not_be_told(run, look)
