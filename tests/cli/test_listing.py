"""What there is: plans, environments, records, the steps of a plan with what they need."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from drcore import plans
from drcore.engine import permissions
from drcore.engine.permissions import OF_OWN_KEYS
from drcore.record.events import FIRST
from tests.support.command import in_process

PLAN = plans.find("f")


def test_list_should_show_plans_environments_and_records(record: Path) -> None:
    told = in_process("list", "--records", record.parent, "--json").json
    assert set(told) == {"plans", "environments", "records", "older_records"}
    assert [plan["plan"] for plan in told["plans"]] == list(plans.ids())
    state = {each["environment"]: each["state"] for each in told["environments"]}
    assert state["sandbox"] == "rehearse, drill"
    assert "placeholder" in state["production"] and "placeholder" in state["staging"]
    (mine,) = (each for each in told["records"] if each["run"] == record.name)
    assert (mine["verdict"], mine["state"]) == ("goal reached", "closed")
    shown = in_process("list", "--records", record.parent).out
    assert record.name in shown and "goal reached" in shown


def test_a_line_of_list_should_be_whole_however_narrow_the_terminal_is(record: Path) -> None:
    shown = in_process("list", "--records", record.parent, columns=40).out
    (line,) = [line for line in shown.splitlines() if record.name in line]
    assert line.split() == [record.name, line.split()[1], "goal", "reached", "closed", "yes"]


def test_list_should_name_each_field_that_is_still_to_be_filled_in_once() -> None:
    shown = in_process("list").out
    for environment in ("staging", "production"):
        facts = Path("parameters", environment, "service.yaml").read_text()
        places = [
            number for number, line in enumerate(facts.splitlines(), start=1) if "<FILL" in line and line[0] != "#"
        ]
        assert places
        for number in places:
            assert shown.count(f"{environment}/service.yaml:{number}: ") == 1


def test_the_newest_run_should_stand_first_and_keep_the_time_at_which_it_was_begun(tmp_path: Path) -> None:
    for name, times in {"f-b": ("2026-01-01", "2026-01-09"), "g-a": ("2026-01-05",), "a-c": ("2026-01-07",)}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "parameters.json").write_text("{}")
        begun = [f"{day}T00:00:00.000Z" for day in times]
        told = [{"event": "host", "wall_time": each, "time": each, "prev": FIRST} for each in begun]
        lines = [{"n": number, **line} for number, line in enumerate(told, start=1)]
        (tmp_path / name / "journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    shown = in_process("list", "--records", tmp_path, "--json").json["records"]
    assert [(each["run"], each["begun"][:10]) for each in shown] == [
        *(("a-c", "2026-01-07"), ("g-a", "2026-01-05"), ("f-b", "2026-01-01")),
    ]


def by_goal(plan: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = plans.find(plan)
    return found.faults, found.short_of_goal


@pytest.mark.parametrize("plan", plans.ids())
def test_list_of_a_plan_should_show_each_fault_with_its_options(plan: str) -> None:
    told = in_process("list", plan, "--json").json["faults"]
    known_to, short = ([fault.partition(":")[0] for fault in faults] for faults in by_goal(plan))
    assert [each["fault"] for each in told] == list(dict.fromkeys((*known_to, *short)))
    assert [each["fault"] for each in told if not each["reaches_goal"]] == short
    for fault in told:
        for option in fault["options"]:
            assert set(option) == {"name", "default", "help", "choices", "span"}
    known = {(each["fault"], option["name"]) for each in told for option in each["options"]}
    given = {
        (fault.partition(":")[0], pair.partition("=")[0])
        for faults in by_goal(plan)
        for fault in faults
        for pair in fault.partition(":")[2].split(",")
        if pair
    }
    assert given <= known


def test_list_should_say_how_many_older_records_it_does_not_show(record: Path, tmp_path: Path) -> None:
    for number in range(23):
        shutil.copytree(record, tmp_path / f"f-drill-{number:02d}")
    told = in_process("list", "--records", tmp_path, "--json").json
    assert len(told["records"]) == 20
    assert told["older_records"] == [{"not_shown": 3, "folder": str(tmp_path)}]
    assert f"3 older records are in {tmp_path}" in in_process("list", "--records", tmp_path).out


def test_list_without_records_should_say_none(tmp_path: Path) -> None:
    ended = in_process("list", "--records", tmp_path / "nowhere")
    assert ended.exit == 0
    assert "records: none" in ended.out


def test_list_of_a_plan_should_show_its_steps_in_order() -> None:
    told = in_process("list", "f", "--json").json
    assert [each["step"] for each in told["steps"]] == [step.title for step in PLAN.steps]
    shown = in_process("list", "F").out
    places = [shown.index(step.title) for step in PLAN.steps]
    assert places == sorted(places)


def test_list_iam_should_print_a_policy_that_can_be_pasted() -> None:
    """With the names of the environment, nothing of them changed into a picture: `:secret:` is no emoji."""
    policy: Any = json.loads(in_process("list", "f", "--iam").out)
    assert policy["Version"] == "2012-10-17"
    allowed = {(action, arn) for each in policy["Statement"] for action in each["Action"] for arn in each["Resource"]}
    asked = {action for action, _ in allowed}
    assert asked <= {each.action for each in PLAN.permissions}
    left_out = {each.action for each in PLAN.permissions} - asked
    assert left_out == {each.action for each in OF_OWN_KEYS}, "no key is the company's own"
    assert ("lambda:UpdateAlias", "arn:aws:lambda:us-west-2:123456789012:function:syncwell-api") in allowed
    key = "arn:aws:secretsmanager:us-east-1:123456789012:secret:syncwell/statuspage-key-??????"
    assert ("secretsmanager:GetSecretValue", key) in allowed


def test_a_policy_that_is_too_long_for_iam_should_be_printed_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of an account may be long. Each part can be pasted, none is lost, nothing is in two."""
    whole: Any = json.loads(in_process("list", "g", "--iam").out)
    monkeypatch.setattr(permissions, "LONGEST", 1500)
    told = in_process("list", "g", "--iam")
    parts, left = [], told.out.strip()
    while left:
        part, end = json.JSONDecoder().raw_decode(left)
        parts.append(part)
        left = left[end:].strip()
    assert [each for part in parts for each in part["Statement"]] == whole["Statement"]
    assert all(len(json.dumps(part, separators=(",", ":"))) <= 1500 for part in parts)
    assert f"attach these {len(parts)} to the role" in told.err and len(parts) > 3


def test_list_iam_should_want_an_environment_that_is_filled_in() -> None:
    told = in_process("list", "f", "--iam", "--environment", "production")
    assert told.exit == 2 and "production/service.yaml" in told.err
