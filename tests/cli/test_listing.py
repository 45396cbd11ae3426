"""What there is: plans, environments, records, the steps of a plan with what they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drcore import plans
from tests.support.command import in_process

PLAN = plans.find("f")


def test_list_should_show_plans_environments_and_records(record: Path) -> None:
    told = in_process("list", "--records", record.parent, "--json").json
    assert set(told) == {"plans", "environments", "records"}
    assert [plan["plan"] for plan in told["plans"]] == list(plans.ids())
    state = {each["environment"]: each["state"] for each in told["environments"]}
    assert state["sandbox"] == "rehearse, drill"
    assert "placeholder" in state["production"] and "placeholder" in state["staging"]
    (mine,) = (each for each in told["records"] if each["run"] == record.name)
    assert (mine["verdict"], mine["state"]) == ("goal reached", "closed")
    shown = in_process("list", "--records", record.parent).out
    assert record.name in shown and "goal reached" in shown


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
    policy: Any = json.loads(in_process("list", "f", "--iam").out)
    assert policy["Version"] == "2012-10-17"
    (statement,) = policy["Statement"]
    assert statement["Action"] == sorted({each.action for step in PLAN.steps for each in step.permissions})
