"""Survivors that were looked at, by the id of the mutant: why no test needs to notice, or which test is missing."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "56753889b6": "a hole, mended since: tests/plans/family/test_plan_texts.py holds which steps must last",
    "fcf55a819d": "a hole: what stands above a question that a policy answers must not stand above the next one",
}
