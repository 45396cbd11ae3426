"""What is due: by the calendar, by what has changed, by what failed; run by one scheduler at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from drcore import plans
from drcore.archive.dueness import DueState
from drcore.clock import iso
from drcore.engine.prepare import prepare
from drcore.engine.verdict import Word
from drcore.errors import Exit, Refused
from drcore.launcher.request import RunRequest
from drcore.launcher.result import RunResult
from drcore.parameters import Exercises, Mode, Service, read
from drcore.record.events import Kind
from drcore.record.files import JOURNAL
from drcore.record.journal import Record
from drcore.record.redact import Redactor
from drcore.run.changed_since import standing
from drcore.schedule.dates import as_calendar
from drcore.schedule.due import Scheduled, scheduled
from drcore.schedule.run_due import Ran, exit_of, only_one, run_all
from tests.support.command import in_process
from tests.support.engine_world import SANDBOX
from tests.support.manual_clock import ManualClock

NOW = datetime(2026, 11, 28, 2, 17, tzinfo=UTC)


@pytest.fixture
def service() -> Service:
    """The sandbox, in which plan F alone is drilled, once a week."""
    return read(SANDBOX, Service).model_copy(update={"exercises": {"f": Exercises(drill=7)}})


@dataclass(frozen=True)
class Exercised:
    """A run as it left its record."""

    days_ago: float
    word: Word = Word.REACHED
    lock: str = ""
    planned: Mapping[str, str] | None = None
    facts: Mapping[str, Any] | None = None

    def leave(self, records: Path) -> Path:
        folder = records / f"f-drill-{self.days_ago:g}"
        folder.mkdir(parents=True)
        plan = plans.find("f")
        setting = prepare(plan, "sandbox", Mode.DRILL, {"release": "", "bug": ""}, run_id=folder.name)
        replace(setting, facts={**setting.facts, **(self.facts or {})}).write(folder)
        now = standing(plan, "sandbox")
        begun = iso(NOW - timedelta(days=self.days_ago))
        steps = dict(now.planned if self.planned is None else self.planned)
        told: dict[str, Any] = {"plan": "f", "mode": "drill", "environment": "sandbox", "policy": now.policy}
        record = Record(folder, ManualClock(), Redactor())
        record.append(Kind.HOST, user="u", host="h", lock=self.lock or now.lock, wall_time=begun)
        record.append(Kind.OPENED, run_id=folder.name, steps=steps, **told)
        record.append(Kind.VERDICT, word=self.word, why="", exit=int(self.word is not Word.REACHED), rto=None, rpo=None)
        record.append(Kind.CLOSED, lock="given back")
        record.seal()
        record.close()
        return folder


def of_f(service: Service, records: Path, *left: Exercised) -> Scheduled:
    for each in left:
        each.leave(records)
    (found,) = scheduled(service, records, NOW)
    return found


@pytest.mark.parametrize(
    ("days_ago", "state", "due"),
    [
        (1, DueState.UP_TO_DATE, "2026-12-04"),
        (6.99, DueState.DUE, "2026-11-28"),  # the scheduler fired a quarter of an hour earlier than last week
        (7, DueState.DUE, "2026-11-28"),
        (8, DueState.OVERDUE, "2026-11-27"),
    ],
)
def test_it_should_be_due_when_the_day_has_come(
    service: Service, tmp_path: Path, days_ago: float, state: DueState, due: str
) -> None:
    found = of_f(service, tmp_path, Exercised(days_ago), Exercised(30))
    assert (found.state, str(found.due), found.is_due) == (state, due, state is not DueState.UP_TO_DATE)


def test_what_was_never_run_or_never_well_should_be_overdue(service: Service, tmp_path: Path) -> None:
    assert of_f(service, tmp_path / "nowhere").why == "never run well"
    found = of_f(service, tmp_path, Exercised(1, Word.MISSED))
    assert (found.state, found.why) == (DueState.OVERDUE, "never run well; f-drill-1 since then: goal missed")


def test_a_record_that_is_broken_should_be_no_evidence(service: Service, tmp_path: Path) -> None:
    folder = Exercised(1).leave(tmp_path)
    (folder / JOURNAL).write_bytes((folder / JOURNAL).read_bytes().replace(b'"user":"u"', b'"user":"v"'))
    (tmp_path / "empty").mkdir()
    assert of_f(service, tmp_path).state is DueState.OVERDUE


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (Exercised(1, planned={"detect": "another"}), "plan: new "),
        (Exercised(1, facts={"p99_ms": 1}), "parameters: p99_ms"),
        (Exercised(1, lock="another"), "lock file"),
    ],
)
def test_it_should_be_due_when_what_it_stood_on_has_changed(
    service: Service, tmp_path: Path, left: Exercised, told: str
) -> None:
    found = of_f(service, tmp_path, left)
    assert (found.state, found.changed[0][: len(told)]) == (DueState.CHANGED, told)


def test_how_often_should_not_count_as_a_change(service: Service, tmp_path: Path) -> None:
    assert of_f(service, tmp_path, Exercised(1, facts={"drill_every_days": 91})).state is DueState.UP_TO_DATE


def test_a_drill_should_not_be_due_where_it_would_be_refused(service: Service, tmp_path: Path) -> None:
    changes: list[dict[str, object]] = [{"modes": (Mode.REHEARSE,)}, {"faults": None}, {"exercises": {}}]
    for changed in changes:
        assert scheduled(service.model_copy(update=changed), tmp_path, NOW) == []


def test_the_calendar_should_hold_each_exercise_once_with_its_days_ahead(service: Service, tmp_path: Path) -> None:
    found = of_f(service, tmp_path, Exercised(1))
    (event,) = Calendar.from_ical(as_calendar([found], NOW)).walk("VEVENT")
    text = event.to_ical().decode().replace("\r\n ", "").splitlines()
    assert {"UID:f-drill-sandbox@drcore", f"DTSTART;VALUE=DATE:{found.due:%Y%m%d}"} <= {*text}
    assert "RRULE:FREQ=DAILY;INTERVAL=7" in text
    assert any(line.startswith("DESCRIPTION:drcore drill f --environment sandbox") for line in text)


def test_the_command_should_exit_with_1_while_something_is_due_and_write_the_dates(tmp_path: Path) -> None:
    ended = in_process("schedule", "--records", tmp_path, "--mode", "drill", "--ical", tmp_path / "d.ics", "--json")
    assert (ended.exit, ended.json["due"]) == (1, True)
    assert [each["plan"] for each in ended.json["exercises"]] == list(plans.ids())
    assert len(Calendar.from_ical((tmp_path / "d.ics").read_bytes()).walk("VEVENT")) == len(plans.ids())
    for wrong in (("--mode", "execute"), ("--environment", "mars"), ("--ical", tmp_path / "no" / "x.ics")):
        assert in_process("schedule", "--records", tmp_path, *wrong).exit == 2


def test_a_second_scheduler_should_run_nothing_and_say_so_by_an_exit_code_of_its_own(tmp_path: Path) -> None:
    with only_one(tmp_path):
        ended = in_process("drill", "--due", "--records", tmp_path, "--json")
    assert (ended.exit, ended.json["exit"], ended.json["error"]) == (6, 6, "HeldByAnother")
    assert [path.name for path in tmp_path.iterdir()] == [".due.lock"]


@pytest.mark.parametrize(
    "given", [("--fault", "bad-release"), ("--seed", "1"), ("-p", "bug=x"), ("--world", "http://x")]
)
def test_what_belongs_to_one_run_should_not_be_given_to_many(given: tuple[str, str], tmp_path: Path) -> None:
    ended = in_process("drill", "--due", *given, "--records", tmp_path)
    assert (ended.exit, given[0] in ended.err) == (2, True)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_one_that_cannot_be_begun_should_not_keep_the_others_from_being_run(service: Service, tmp_path: Path) -> None:
    asked = list[RunRequest]()

    def refuse(request: RunRequest) -> RunResult:
        asked.append(request)
        raise Refused("not now")

    every = of_f(service, tmp_path)
    done = run_all([every, replace(every, plan="g")], tmp_path, refuse)
    assert [each.plan for each in asked] == ["f", "g"]
    assert [(each.exit, each.why) for each in done] == [(3, "not now")] * 2


@pytest.mark.parametrize(
    ("codes", "end"), [((), 0), ((0, 0), 0), ((0, 1), 1), ((1, 3, 0), 3), ((0, 6), 6), ((6, 1), 1), ((0, 130), 130)]
)
def test_it_should_end_as_the_worst_of_them(service: Service, tmp_path: Path, codes: tuple[int, ...], end: int) -> None:
    every = of_f(service, tmp_path)
    assert exit_of([Ran(every, code, "") for code in codes]) == end == Exit(end)
