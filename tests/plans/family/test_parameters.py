"""A parameter of an incident that is wrong is refused before anything is touched, and the refusal names it."""

from __future__ import annotations

from typing import Any

import pytest

from drcore.engine.step import Plan
from drcore.errors import BadInput
from drcore.parameters import OwnWords
from tests.support.exhaustive import EXHAUSTIVE
from tests.support.stage import Stage, each_plan, lines, proven

WRONG = (
    *("no such thing", " ", "../../etc/passwd", "mars-north-1", "-1", "é" * 400, "{region}", "a\x00b", "1,2", "*"),
    *("2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z", "2026-01-05T08:30:00", "yesterday", "9.9.9"),
)
SAMPLE = 3  # values of a parameter that get as far as the preflight


def is_free(plan: Plan[Any], name: str) -> bool:
    """Whether a parameter is text that nothing can be wrong about."""
    return any(isinstance(each, OwnWords) for each in plan.incident.model_fields[name].metadata)


@each_plan
def test_it_is_refused(stage: Stage, plan: Plan[Any]) -> None:
    names = [name for name in plan.incident.model_fields if not is_free(plan, name)]
    for name in names:
        asked, told = 0, list[tuple[str, str]]()
        for value in WRONG:
            try:
                setting = stage.prepare(plan, incident={name: value})
            except BadInput as refusal:
                told.append((name, str(refusal)))
                continue
            if asked >= SAMPLE and not EXHAUSTIVE:
                continue
            asked += 1
            run = stage.open(setting)
            before = list(stage.effects)
            with pytest.raises(BadInput, match=name):
                run.preflight()
            assert stage.effects == before, f"{name}={value!r}"
            assert lines(run, "refused")
            run.close()
            proven(run)
        assert [text for field, text in told if field not in text] == []
