"""Runs of a tiny plan, past their preflight, in an account that has nothing but an evidence store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drcore.engine.step import Step
from drcore.parameters import Mode
from drcore.run.runbook import Runbook
from drcore.sandbox.core.call_hooks import CallHooks
from drcore.sandbox.core.outage_calls import meets
from drcore.sandbox.endpoints import application
from drcore.sandbox.endpoints.in_process import InProcess
from drcore.sandbox.syncwell.company.names import WITNESS_BUCKET, WITNESS_REGION, evidence_bucket
from tests.support.engine_world import REGIONS, open_run, plan_of


def _evidence_only(world: Any) -> None:
    """What the preflight and the lock need of an account."""
    for region, bucket in (
        *((region, evidence_bucket(region)) for region in REGIONS),
        (WITNESS_REGION, WITNESS_BUCKET),
    ):
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        world.client("s3", region).create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, **where)
    world.state(CallHooks).intercept(meets(world))  # a region that is away gives no answer


@pytest.fixture(scope="module")
def door() -> InProcess:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(application, "build_company", _evidence_only)
        return InProcess(7)


@pytest.fixture
def opened(tmp_path: Path, door: InProcess) -> Iterator[Callable[..., Runbook]]:
    """Opens runs of a plan of its own (and so a lock of its own), in a drill past its preflight unless told else."""
    runs: list[Runbook] = []

    def open_(
        *steps: Step[Any, Any], mode: Mode = Mode.DRILL, preflight: bool = True, folder: str = "", **more: Any
    ) -> Runbook:
        plan = plan_of(*steps, id_=f"t{abs(hash(tmp_path))}")
        run = open_run(tmp_path / folder / "t-1", plan, mode=mode, door=door, **more)
        runs.append(run)
        if preflight:
            run.preflight()
        return run

    yield open_
    for run in runs:
        run.record._file.close()
