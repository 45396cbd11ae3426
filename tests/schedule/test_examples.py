"""The examples for schedulers: what can be checked of them without the scheduler is checked."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import typer
from botocore.validate import ParamValidator
from ruamel.yaml import YAML

from drcore import plans
from drcore.cli import main  # noqa: F401  # every command
from drcore.cli.app import app
from drcore.parameters import Mode, Service, read
from tests.support.engine_world import SANDBOX

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "scheduling"
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def understood(words: list[str]) -> Mapping[str, Any]:
    """What the command line reads in these words, without doing it. Raises where it does not understand them."""
    command = COMMANDS[words[0]]
    given: Mapping[str, Any] = command.make_context(words[0], words[1:]).params
    return given


def workflow() -> Mapping[str, Any]:
    found: Mapping[str, Any] = YAML(typ="safe").load((EXAMPLES / "github-actions.yml").read_text())
    return found


def lines_of_drcore() -> Iterator[str]:
    """Every line of drcore in the examples, and on the page about them."""
    texts = [step["run"] for job in workflow()["jobs"].values() for step in job["steps"] if "run" in step]
    texts += re.findall(r"^(\.venv/bin/drcore [^#\n]+)", (ROOT / "docs" / "scheduling.md").read_text(), re.MULTILINE)
    texts += re.findall(r"^ExecStart=(.+)$", (EXAMPLES / "drcore-rehearse.service").read_text(), re.MULTILINE)
    texts.append(shlex.join(container()["command"]))
    return (text.partition("/bin/drcore ")[2] for text in texts if "/bin/drcore " in text)


def container() -> Mapping[str, Any]:
    task: Mapping[str, Any] = json.loads((EXAMPLES / "task-definition.json").read_text())
    found: Mapping[str, Any] = task["containerDefinitions"][0]
    return found


def test_each_line_should_be_one_that_the_command_line_understands() -> None:
    lines = [*lines_of_drcore()]
    assert len(lines) >= 10
    for line in lines:
        assert understood(shlex.split(line.replace("${{ matrix.plan }}", "f"))), line


def test_the_workflow_should_drill_every_plan_and_keep_each_record_whatever_came_of_it() -> None:
    jobs = workflow()["jobs"]
    assert tuple(jobs["drills"]["strategy"]["matrix"]["plan"]) == plans.ids()
    crons = [each["cron"] for each in workflow()["on"]["schedule"]]
    for job, cron in zip(jobs.values(), crons, strict=True):
        assert f"github.event.schedule == '{cron}'" in job["if"]
        steps = [(step, step.get("uses", "") + step.get("run", "")) for step in job["steps"]]
        kept = [step for step, does in steps if "upload-artifact" in does or "sync records/" in does]
        assert len(kept) == 2 and all("always()" in step["if"] for step in kept)


def test_what_is_rehearsed_in_production_should_be_what_is_scheduled_there() -> None:
    """The lines say --due, so each environment they name must say how often."""
    named = {given["environment"] for given in map(understood, map(shlex.split, due_lines())) if given["due"]}
    assert named == {"production", "sandbox"}
    assert read(SANDBOX, Service).exercised_every("f", Mode.DRILL)


def due_lines() -> list[str]:
    return [line for line in lines_of_drcore() if "--due" in line]


@pytest.mark.parametrize(
    ("file", "service", "operation"),
    [("task-definition.json", "ecs", "RegisterTaskDefinition"), ("schedule.json", "scheduler", "CreateSchedule")],
)
def test_what_aws_is_given_should_be_what_its_model_takes(file: str, service: str, operation: str) -> None:
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    given = json.loads((EXAMPLES / file).read_text())
    assert model.input_shape
    wrong = ParamValidator().validate(given, model.input_shape)
    assert not wrong.has_errors(), wrong.generate_report()


def test_the_schedule_should_start_the_task_that_is_defined() -> None:
    task = json.loads((EXAMPLES / "task-definition.json").read_text())
    target = json.loads((EXAMPLES / "schedule.json").read_text())["Target"]
    assert target["EcsParameters"]["TaskDefinitionArn"].endswith(f"/{task['family']}")
    (mounted,) = container()["mountPoints"]
    assert mounted["containerPath"] == understood(container()["command"][1:])["records"].as_posix()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not there")
def test_systemd_should_find_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for path in EXAMPLES.glob("drcore-rehearse.*"):
        (tmp_path / path.name).write_text(path.read_text().replace("/opt/drcore", str(ROOT)))
    units = sorted(tmp_path.iterdir())
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    said = [line for line in checked.stderr.splitlines() if "drcore-rehearse" in line]
    assert (checked.returncode, said) == (0, [])
