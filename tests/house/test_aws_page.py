"""docs/aws.md names nothing that is not there, and each question of `drcore probe`."""

from __future__ import annotations

import re
from pathlib import Path

from drcore.probe.questions import QUESTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aws.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what")]


def test_every_row_names_a_test_or_a_command_or_says_that_there_is_none() -> None:
    for row in ROWS:
        see = row.rstrip("| ").rpartition("|")[2]
        assert re.search(r"`(tests/|drcore |make )", see) or "not part of these tests" in see, row


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`(tests/[\w/.]+)`", PAGE))
    assert named and {each for each in named if not (ROOT / each).is_file()} == set()


def test_every_target_of_make_that_is_named_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert {each for each in re.findall(r"`make ([\w-]+)`", PAGE) if f"\n{each}:" not in makefile} == set()


def test_each_question_of_the_probe_stands_in_a_row_and_no_other_does() -> None:
    asked = {key for row in ROWS for key in re.findall(r"`drcore probe ([a-z][\w-]+)`", row)}
    assert asked == {question.key for question in QUESTIONS}
