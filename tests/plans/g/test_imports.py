"""Imports from partners begin again at the recovery point, after a switch and only then."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from drcore.clock import iso
from drcore.engine.outcome import Answer
from drcore.errors import Unknown
from drcore.plans import g
from drcore.plans.g import p09_imports, partner_cursors
from drcore.plans.g.facts import GRun, Remedy
from drcore.record.evidence import Table
from drcore.services.logs import LogRow
from tests.support.data_corruption import EAST


@pytest.fixture
def switched(begun: GRun, monkeypatch: pytest.MonkeyPatch) -> tuple[GRun, datetime]:
    """A run in which a switch was decided, with its recovery point."""
    point = begun.clock.now().replace(microsecond=0) - timedelta(minutes=30)
    monkeypatch.setattr(p09_imports, "remedy", lambda run: Remedy.SWITCH)
    monkeypatch.setattr(p09_imports, "recovery_point", lambda run: point)
    monkeypatch.setattr(partner_cursors, "recovery_point", lambda run: point)
    partner_cursors._read.pop(begun, None)
    return begun, point


def logged(monkeypatch: pytest.MonkeyPatch, now: dict[str, str], then: dict[str, str]) -> None:
    """The log of each region has these cursors by partner, and had those at the recovery point."""

    def insights(*_: Any, **__: Any) -> tuple[tuple[LogRow, ...], ...]:
        rows = [tuple(LogRow({"partner": name, "cursor": at}) for name, at in each.items()) for each in (now, then)]
        return rows[0], rows[1]

    monkeypatch.setattr(partner_cursors.logs, "insights", insights)


def shown(run: GRun) -> list[tuple[object, ...]]:
    (table,) = p09_imports.show_cursors(run, {})
    assert isinstance(table, Table)
    return [row[1:] for row in table.rows if row[0] == EAST]


def test_all_should_go_back_to_the_earliest_cursor_at_the_recovery_point(
    switched: tuple[GRun, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not to that point itself: what had come before it and was imported after it is not in the table either."""
    run, point = switched
    past, before, earlier = (point + timedelta(minutes=each) for each in (7, -1, -2))
    now = {"nutrilog": iso(past), "strideon": iso(before)}
    logged(monkeypatch, now, {"nutrilog": iso(earlier), "strideon": iso(before)})
    assert p09_imports.wanted(run) == {"imports_from": {"enabled": True, "at": iso(earlier)}}
    assert shown(run) == [
        ("nutrilog", iso(past), iso(earlier), 420, ""),
        ("strideon", iso(before), iso(before), 0, ""),
    ]


@pytest.mark.parametrize(
    ("now", "then", "why"),
    [
        ({}, {}, "the log of a day has no line of an import"),
        ({"nutrilog": "soon"}, {}, "expected a time, seen 'soon'"),
        ({"nutrilog": "2026-01-05T09:00:00Z"}, {}, "no line of an import in the day before the recovery point"),
    ],
)
def test_where_a_cursor_is_not_known_they_should_go_back_a_day(
    switched: tuple[GRun, datetime],
    now: dict[str, str],
    then: dict[str, str],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, point = switched
    logged(monkeypatch, now, then)
    assert p09_imports.wanted(run)["imports_from"]["at"] == iso(point - timedelta(days=1))
    ((*_, at_point, _, reason),) = shown(run)
    assert at_point is None and why in str(reason)


@pytest.mark.parametrize("decided", [None, Remedy.REPAIR])
def test_without_a_switch_nothing_should_go_back(
    begun: GRun, decided: Remedy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(p09_imports, "remedy", lambda run: decided)
    assert p09_imports.wanted(begun) == {}
    assert list(p09_imports.show_cursors(begun, {})) == []


def test_where_cursors_lie_in_the_table_there_should_be_no_flag_to_set(
    switched: tuple[GRun, datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = switched
    jobs = run.facts.jobs.model_copy(update={"imports": None})
    monkeypatch.setattr(run, "facts", run.facts.model_copy(update={"jobs": jobs}))
    assert p09_imports.wanted(run) == {}
    (target, *_) = g.IMPORTS.targets(run)
    seen = g.IMPORTS.look(run, target)
    check = g.IMPORTS.expect(run, target, seen)
    assert check is not None and (check.answer, check.why) == (
        Answer.YES,
        "no partner's cursor lies outside the table",
    )
    assert partner_cursors.can_be_set_back(run, EAST).answer is Answer.YES
    with pytest.raises(Unknown):
        partner_cursors.profile(run)


def test_the_flag_that_is_not_there_should_be_named_before_anything_is_done(begun: GRun) -> None:
    assert partner_cursors.can_be_set_back(begun, EAST).answer is Answer.YES
    jobs = begun.facts.jobs
    assert jobs.imports
    lacking = jobs.model_copy(update={"imports": jobs.imports.model_copy(update={"flag": "other"})})
    before = begun.facts
    begun.facts = before.model_copy(update={"jobs": lacking})
    try:
        found = partner_cursors.can_be_set_back(begun, EAST)
    finally:
        begun.facts = before
    assert (found.answer, "no flag other" in found.why) == (Answer.NO, True)
