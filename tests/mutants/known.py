"""Survivors that were looked at, by the id of the mutant: why no test needs to notice."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "d2ae83e976": "equivalent: *Promote the replicas*, which it needs as well, needs *Revoke at the issuers* itself",
    "5c25552e88": "equivalent: *Pull the levers*, which it needs as well, needs *Confirm the failed region* itself",
    "4cb44a525e": "equivalent: *Decide*, which it needs as well, needs *Compare everything* itself",
}

WHOLE: dict[str, str] = {
    "unknown is yes": "An answer that is not known is taken for health: the most dangerous kind. Twelve were tried "
    "before each plan had its test_unknown.py, of which nine survived; the others with it.",
}
"""The kinds of which all mutants are tried, beside the sample, and why."""
