"""What must not type-check does not: a wrong `expect` for a `look`, a fact that is misspelt.

Each case is `accepted.py` with one change; mypy must find the fault that it names, and none without the change.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
ACCEPTED = Path(__file__).with_name("accepted.py")

REJECTED = {
    "an expect for the state of another look": (
        'seen: Scaling) -> Check:\n    return yes(f"{seen.tasks} of',
        'seen: str) -> Check:\n    return yes(f"{seen} of',
        'Cannot infer value of type parameter "S" of "Step"|incompatible type',
    ),
    "a fact that is misspelt": ("return Scaling(run.facts.workers)", "return Scaling(run.facts.wrokers)", "wrokers"),
    "a fact that is misspelt in a wait": ("run.facts.hold_minutes", "run.facts.hold_minuts", "hold_minuts"),
    "an incident's field that is misspelt": ("run.incident.release", "run.incident.relaese", "relaese"),
    "a state's field that is misspelt": ("{seen.tasks} of", "{seen.task} of", '"Scaling" has no attribute "task"'),
    "an undo that takes something else": (
        "undo=halt,",
        "undo=is_halted_by,",
        'Name "is_halted_by" is not defined|incompatible type',
    ),
    "a step without what it changes": (
        '    changes="nothing runs any more",\n',
        "",
        'Missing named argument "changes"',
    ),
    "a title in place of a step's name": ('StepName("halt", "Halt", "T.1")', '"Halt"', "incompatible type"),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy keeps what it knows: drcore's modules are checked once for all cases."""
    own = ROOT / ".mypy_cache"
    return own if own.is_dir() and os.access(own, os.W_OK) else tmp_path_factory.mktemp("mypy")


def found(file: Path, cache: Path) -> str:
    report, errors, _ = api.run(
        ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(cache), "--hide-error-context", str(file)]
    )
    assert not errors, errors
    return report


def test_what_may_be_written_type_checks(cache: Path) -> None:
    assert found(ACCEPTED, cache).startswith("Success")


@pytest.mark.parametrize("case", REJECTED)
def test_what_must_not_be_written_is_an_error(case: str, cache: Path, tmp_path: Path) -> None:
    right, wrong, error = REJECTED[case]
    text = ACCEPTED.read_text()
    assert text.count(right) == 1
    file = tmp_path / "rejected.py"
    file.write_text(text.replace(right, wrong))
    report = found(file, cache)
    assert any(part in report for part in error.split("|")), report
