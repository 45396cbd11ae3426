"""Survivors that were looked at, by the id of the mutant: why no test needs to notice."""

from __future__ import annotations

_LINES = "a hole, mended: tests/record/test_events.py; whether a line is durable is a matter of its kind since"

REASONS: dict[str, str] = {
    "7df0623352": "equivalent: between two tries it gives another process a turn, by which the second may do",
    "6e00757d87": "equivalent: whoever came there had an approval, and looked no more; the line is gone since",
    "3ce4c37b21": _LINES,
    "999402e8d5": _LINES,
    "e3847ba970": _LINES,
}

WHOLE: dict[str, str] = {
    "not durable": "A line of the journal that acts stand on may be lost in a power cut. Before a table of kinds said "
    "which lines may be, 21 of these mutants were known, each a call: five were tried, and none was killed at first. "
    "The test that kills them now was written with the table, so the shares below tell nothing of chance.",
    "unknown is yes": "An answer that is not known is taken for health: the most dangerous kind. Twelve were tried "
    "before each plan had its test_unknown.py, of which nine survived; the others with it.",
}
"""The kinds of which all mutants are tried, beside the sample, and why."""
