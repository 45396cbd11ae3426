"""Survivors that were looked at, by the id of the mutant: why no test needs to notice, or which test is missing."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "5bd7e89b7e": "a hole, mended since: tests/engine/test_lock_majority.py, a minority is given back",
}
