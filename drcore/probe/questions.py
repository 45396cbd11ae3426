"""All questions, in the order in which they are asked: those that only read first."""

from __future__ import annotations

from collections.abc import Sequence

from drcore.errors import BadInput
from drcore.probe import account_questions, export_questions, function_questions, restore_questions, table_questions
from drcore.probe.question import AwsQuestion

QUESTIONS: tuple[AwsQuestion, ...] = (
    *account_questions.QUESTIONS,
    *export_questions.QUESTIONS,
    *table_questions.QUESTIONS,
    *function_questions.QUESTIONS,
    *restore_questions.QUESTIONS,
)


def chosen(keys: Sequence[str], option: str) -> tuple[AwsQuestion, ...]:
    """The questions with these keys, in the order of the list. Raises BadInput."""
    known = {each.key for each in QUESTIONS}
    for key in keys:
        if key not in known:
            raise BadInput(f"{option}: expected one of {', '.join(sorted(known))}, seen {key!r}. Nothing was touched.")
    return tuple(each for each in QUESTIONS if each.key in keys)
