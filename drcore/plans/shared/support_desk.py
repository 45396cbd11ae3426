"""The support desk: what users write of their trouble."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from drcore.engine.context import Run
from drcore.plans.shared.facts import SupportDesk
from drcore.services import support
from drcore.services.support import Ticket


def read_tickets(run: Run[Any, Any], desk: SupportDesk, since: datetime, until: datetime) -> tuple[Ticket, ...]:
    """The tickets of a span, oldest first. Raises Rejected, Unknown; never a shorter answer."""
    key = run.secret(desk.api_key) if desk.api_key else None
    return support.tickets(run.http, desk.url, desk.category, since, until, key)
