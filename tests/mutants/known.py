"""Survivors that were looked at, by the id of the mutant: why no test needs to notice, or which test is missing."""

from __future__ import annotations

REASONS: dict[str, str] = {}
