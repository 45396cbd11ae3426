"""The titles by which steps of plan G know of each other."""

from __future__ import annotations

CONFIRMING = "Confirm"
DECIDING = "Decide"
ALLOWING = "Allow writes"
RESUMING_WORKERS = "Resume workers"
RESUMING_FUNCTIONS = "Resume functions"
RESUMING_SOURCES = "Resume event sources"
RESUMING_RULES = "Resume schedules"
RESUMING_SCALING = "Resume auto scaling"
REPAIRING = "Repair"
SWITCHING = "Switch"

HALTED = "halted"  # the moment since when nothing writes, as was proved
