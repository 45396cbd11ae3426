"""Arguments for what drcore/services/ asks of desks, of the service's own checks, of secrets, of jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drcore.sandbox.endpoints.in_process import ENDPOINT, InProcess
from drcore.sandbox.services.stepfunctions import StateMachines
from drcore.sandbox.syncwell.company import names
from drcore.sandbox.syncwell.life.findings import ReportedFinding, SecurityDesk

EAST = "us-east-1"
MACHINE = f"arn:aws:states:{EAST}:123456789012:stateMachine:syncwell-revoke-tokens"

VALUES: dict[str, Any] = {
    "logs.days": 400,
    "secretsmanager.prefix": "syncwell/oauth/",
    "secretsmanager.put.name": "syncwell/oauth/shard-0000",
    "secretsmanager.text": "{}",
    "secretsmanager.token": "a" * 32,
    "securitydesk.url": f"{ENDPOINT}/security/v1",
    "securitydesk.key": names.SECURITY_DESK_KEY,
    "servicechecks.marked_writes.url": f"{ENDPOINT}/syncwell/{EAST}/v1/marked-writes",
    "servicechecks.old_token.url": f"{ENDPOINT}/syncwell/{EAST}/v1/token-probes/stride",
    "stepfunctions.machine": MACHINE,
    "stepfunctions.start.name": "asked-to-start",
    "stepfunctions.given": {"issuer": "stride"},
}


def exposure(world: InProcess) -> str:
    """Where a finding is checked that is open."""
    desk, began = world.world.state(SecurityDesk), datetime(2026, 1, 5, 9, tzinfo=UTC)
    if not desk.findings:
        desk.findings.append(ReportedFinding("SW-1", "asked", began, began, fixed_in="none"))
    return f"{ENDPOINT}/syncwell/{EAST}/v1/exposure/SW-1"


def revocation(world: InProcess) -> str:
    """An execution that is over."""
    known = world.world.state(StateMachines)
    if not known.executions:
        known.start(EAST, MACHINE, "asked", '{"issuer": "stride"}')
        world.request("POST", "/_sandbox/clock", {"sleep": 60})
    return "asked"
