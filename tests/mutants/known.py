"""Survivors that were looked at, by the id of the mutant: why no test needs to notice, or which test is missing."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "5bd7e89b7e": "a hole, mended since: tests/engine/test_lock_majority.py, a minority is given back",
    "44192c9330": "a hole, mended since: tests/plans/b/test_p3_remediate.py",
    "80ca93f15a": "a hole, mended since: tests/plans/b/test_p3_remediate.py, the drills look again",
    "4ef9849305": "equivalent: *Promote the replicas*, which it needs as well, needs *Revoke at the issuers* itself",
    "650d41861a": "equivalent: *Pull the levers*, which it needs as well, needs *Confirm the failed region* itself",
    "5d8334d603": "equivalent: *Decide*, which it needs as well, needs *Compare everything* itself",
    "33f4c8510b": "a hole, mended since: tests/plans/shared/test_release_shift.py",
}
