"""Arguments for the functions of drcore/services/ that ask no AWS: status pages, support, partners."""

from __future__ import annotations

from typing import Any

from drcore.sandbox.endpoints.in_process import ENDPOINT
from drcore.sandbox.syncwell.company import names
from drcore.services import statuspage

PAGE = statuspage.Page(f"{ENDPOINT}/statuspage/v1", "syncwell-page", "key")


def _incident(asking: Any) -> str:
    statuspage.open_incident(asking.http, PAGE, "asked", "Some requests fail", "text", {"api": "operational"})
    return statuspage.incident_of(asking.http, PAGE, "asked").id


VENDORS: dict[str, Any] = {
    "partners.ask.url": f"{ENDPOINT}/partner/pulsewatch/v1/read-activities",
    "partners.ask.key": "emulated-pulsewatch-key-1",
    "partners.page.url": f"{ENDPOINT}/partner-status/pulsewatch",
    "statuspage.page": PAGE,
    "statuspage.run_id": "asked",
    "statuspage.name": "Some requests fail",
    "statuspage.body": "text",
    "statuspage.components": {"api": "operational"},
    "statuspage.incident_id": _incident,
    "statuspage.status": "identified",
    "statuspage.resolve.components": ("api",),
    "support.url": f"{ENDPOINT}/support/v1",
    "support.category": "sync-settings",
    "support.key": names.SUPPORT_KEY,
}
