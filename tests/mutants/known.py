"""Survivors that were looked at, by the id of the mutant: why no test needs to notice."""

from __future__ import annotations

REASONS: dict[str, str] = {
    "7df0623352": "equivalent: between two tries it gives another process a turn, by which the second may do",
    "6e00757d87": "equivalent: whoever came there had an approval, and looked no more; the line is gone since",
}

WHOLE: dict[str, str] = {
    "unknown is yes": "An answer that is not known is taken for health: the most dangerous kind. Twelve were tried "
    "before each plan had its test_unknown.py, of which nine survived; the others with it.",
}
"""The kinds of which all mutants are tried, beside the sample, and why."""
