"""The lock of a plan is taken before a drill breaks anything: who is refused has broken nothing.

The process that carries the plan out takes it over from here, as from any earlier process on the same record.
"""

from __future__ import annotations

import platform
import secrets
from collections.abc import Callable
from pathlib import Path

from drcore.calls.aws import Aws
from drcore.calls.gate import CallGate, Writes
from drcore.clock import clock_at, iso
from drcore.engine import votes
from drcore.engine.context import login
from drcore.errors import LockHeld, Refused, Rejected, Unknown
from drcore.parameters import Service
from drcore.record.run_parameters import RunParameters


def hold(setting: RunParameters, service: Service, folder: Path) -> Callable[[], None]:
    """Take the lock for the run of this record. Returns how it is given back. Raises LockHeld, Refused."""
    calls = CallGate(lambda *_, **__: None)  # the journal begins with who takes it over from here
    aws = Aws(calls, endpoint=service.endpoint, role=service.role, run_id=setting.run_id)
    who, since = f"{login()}@{platform.node()}", iso(clock_at(service.clock).now())
    wanted = votes.Claim(setting.run_id, who, since, secrets.token_hex(8), votes.record_of(folder))
    need = votes.majority(service)
    try:
        current = votes.read_enough(aws, setting.plan, service)
    except Unknown as error:
        raise Refused(f"{error}. Nothing was touched.") from error
    if sum(not vote.trouble and not vote.run_id for vote in current) < need:
        raise LockHeld(f"{votes.refusal(setting.plan, setting.run_id, current)}. Nothing was broken.")

    def give_back() -> None:
        own = [vote for vote in votes.read_all(aws, setting.plan, service) if vote.process == wanted.process]
        with calls.during(Writes.ALLOWED):
            votes.give_up(aws, setting.plan, own)

    try:
        with calls.during(Writes.ALLOWED):
            votes.claim(aws, setting.plan, wanted, current, (), need)
    except (Unknown, Rejected) as error:
        give_back()
        raise Refused(f"the lock could not be taken: {error}. Nothing was broken.") from error
    return give_back
