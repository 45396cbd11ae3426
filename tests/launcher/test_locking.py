"""The lock of a plan is taken before a drill breaks anything: who is refused has broken nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from drcore import plans
from drcore.engine.prepare import HOME
from drcore.errors import BadInput, LockHeld, Refused
from drcore.launcher import start
from drcore.launcher.request import RunRequest
from drcore.parameters import Mode, load
from drcore.record.run_parameters import RunParameters
from drcore.run.runbook import Runbook
from tests.support import lock_holders
from tests.support.emulated import world
from tests.support.stage import ADMINISTRATOR

A = plans.find("a")
SERVICE = load(HOME / "parameters", "sandbox", "a", A.facts)[0]


def test_the_lock_is_taken_before_the_fault_is_put_in(tmp_path: Path) -> None:
    with world() as address:

        def begun(name: str, fault: str = "") -> tuple[RunParameters, Path]:
            request = RunRequest("a", Mode.DRILL, "sandbox", fault=fault, world=address, records=tmp_path / name)
            return start.begin(request, A, lambda text: None)

        def held(key: str) -> set[str]:
            told = lock_holders.held(partial(_s3, address), SERVICE, "a")
            assert len(told) != 1  # by a majority; the region that the fault has taken away says nothing
            return {vote[key] for vote in told.values()}

        first, folder = begun("first")
        assert held("run_id") == {first.run_id}
        broken = urllib3.request("GET", f"{address}/_sandbox/faults").json()

        with pytest.raises(LockHeld, match=rf"held by .* for run {first.run_id}"):
            begun("second", "region-flapping")
        for wrong in ("region-outage:region=nowhere", "region-flapping:period=nan", "region-outage:colour=red"):
            with pytest.raises(BadInput, match=r"options\.(region|period|colour): expected .*; saw"):
                begun("second", wrong)  # before the lock is asked for, which would refuse it

        assert urllib3.request("GET", f"{address}/_sandbox/faults").json() == broken, "the second has broken nothing"
        assert not (tmp_path / "second").exists()
        assert held("run_id") == {first.run_id}
        run = Runbook(A, first, folder)
        run.preflight()
        assert held("process") == {run.run.process}, "who carries the plan out takes it over from the launcher"
        run.close()
        assert held("run_id") == set()

        urllib3.request("DELETE", f"{address}/_sandbox/faults")
        urllib3.request("POST", f"{address}/_sandbox/faults", json={"name": "bad-canary"})
        with pytest.raises(BadInput, match="on top of it"):
            begun("second", "bad-canary")
        assert held("run_id") == set(), "a fault that cannot be put in leaves no lock"
        setting, folder = begun("third", "region-outage:region=us-west-2")  # in which the runner stands
        refused = Runbook(A, setting, folder)
        with pytest.raises(Refused, match="us-west-2"):
            refused.preflight()
        refused.close()
        left = lock_holders.held(partial(_s3, address), setting.service, "a")
        assert set(left) <= {"us-west-2"}, "what is away is left, and blocks nobody; the rest is given back"


def _s3(address: str, region: str) -> Any:
    return boto3.client("s3", region_name=region, endpoint_url=address, **ADMINISTRATOR)
