"""Which table plan G is about: the corrupted one, the restored one, the one in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drcore.plans.g.titles import SWITCHING
from drcore.record import history

if TYPE_CHECKING:
    from drcore.engine.context import Run


def table(run: Run) -> str:
    """The table that was in use when it was corrupted."""
    return str(run.facts.table)


def restored_table(run: Run) -> str:
    """The table that is restored into, named by the incident, so that it is found again and never collides."""
    short = run.incident.incident or run.id.removeprefix(f"{run.plan}-{run.mode}-")
    return f"{table(run)}-restored-{short}"


def in_use(run: Run) -> str:
    """The table that the service uses now: the restored one once the switch was begun, and until it is undone."""
    return restored_table(run) if history.intended(run.record.events, SWITCHING) else table(run)


def table_arn(run: Run, region: str, name: str = "") -> str:
    return f"arn:aws:dynamodb:{region}:{run.service.account}:table/{name or table(run)}"


def role_arn(run: Run, role: str) -> str:
    return f"arn:aws:iam::{run.service.account}:role/{role}"
